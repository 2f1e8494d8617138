"""`Forecast`: predictions, each with what was measured of it where something was."""

from __future__ import annotations

import functools
import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainability.core.errors import SpecError, UsageError
from trainability.report.forecast.measured import Measured, measured
from trainability.report.words import cell_name, number, percent
from trainability.sweep.spec import AXES
from trainability.theory import Prediction, predict

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure
    from rich.table import Table

    from trainability.report.result import Result

PREDICTED_AXES = ("activation", "init", "bias_init", "depth", "width", "norm", "residual", "dropout")
"""What a prediction depends on, apart from the data."""


@dataclass(frozen=True)
class Row:
    """One choice: its levels on the axes of the grid, what theory says of it, and what was measured of it."""

    levels: dict[str, Any]
    prediction: Prediction
    measured: Measured | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and words, for JSON."""
        found = {"measured": self.measured.to_dict()} if self.measured else {}
        return self.levels | self.prediction.to_dict() | found


@dataclass(frozen=True)
class Forecast:
    """A sequence of rows.

    Attributes:
        rows: in the order of the grid.
        axes: the axes that vary.
        data: what inputs, outputs and their second moment are taken from, in words.
        run: the directory of the run that was measured, if one was.
        notes: where theory is weaker, and cells that were left out and why, in sentences.
    """

    rows: tuple[Row, ...]
    axes: tuple[str, ...]
    data: str
    run: Path | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> Row:
        return self.rows[index]

    @property
    def inputs(self) -> str:
        """What the inputs are, and over how many of them gradients are summed, in words."""
        counts = {row.prediction.samples for row in self.rows}
        if max(counts) == 1:
            return self.data
        alone = ", those of gates and softmax-like layers of one alone" if 1 in counts else ""
        return f"{self.data}; gradients are of the loss over {max(counts):,} samples{alone}"

    @functools.cached_property
    def conclusion(self) -> str:
        """The largest and smallest ratio; where something was measured, how far theory is off, in numbers."""
        found = [row for row in self.rows if row.measured]
        return _against(self, found) if found else _range(self)

    def table(self, width: int | None = None) -> Table:
        """The rows as a Rich table that fits `width` characters."""
        from trainability.report.forecast.terminal import table

        return table(self, width)

    def plot(self, kind: str = "gradient") -> Figure:
        """A matplotlib figure: ``gradient`` over the layers, or ``depth``, the band that trains."""
        from trainability.report.forecast.page import picture

        return picture(self, kind).figure

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write an HTML page, or the figure of the gradients as PNG or SVG, by the ending of `path`."""
        from trainability.report.forecast.page import write

        return write(self, path)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and words, for JSON."""
        run = {"run": os.fsencode(self.run).decode("utf-8", "replace")} if self.run else {}
        return {
            "conclusion": self.conclusion,
            "data": self.data,
            **run,
            "notes": list(self.notes),
            "choices": [row.to_dict() for row in self.rows],
        }

    def to_json(self) -> str:
        """The forecast as JSON text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def of_predictions(predictions: Iterable[Prediction], data: str) -> Forecast:
    """What theory says alone; `data` says in words what it takes the inputs to be."""
    rows = tuple(Row({axis: getattr(p, axis) for axis in PREDICTED_AXES}, p) for p in predictions)
    axes = tuple(axis for axis in PREDICTED_AXES if len({row.levels[axis] for row in rows}) > 1)
    return Forecast(rows, _without_bias(axes, rows), data, notes=_weaker(rows))


def of_result(result: Result) -> Forecast:
    """Theory beside a finished run: a row for each cell that theory covers.

    Raises:
        SpecError: theory covers none of the cells; the sentence says why.
    """
    gradients = _gradients(result)
    rows, notes = [], {}
    for cell in result.table.iter_rows(named=True):
        levels = {axis: cell[axis] for axis in AXES if axis in cell}
        try:
            prediction, plain = _predictions(result, cell)
        except UsageError as error:
            notes.setdefault(str(error), 0)
            notes[str(error)] += 1
            continue
        gradient = gradients.get(cell["cell"])
        found = None if gradient is None else measured(gradient, plain.gradient_median, cell)
        rows.append(Row(levels, prediction, found))
    said = tuple(f"{count} cell{'s' if count > 1 else ''} left out: {why}" for why, count in notes.items())
    if not rows:
        raise SpecError(f"theory covers no cell of this run ({'; '.join(notes) or 'it is empty'})")
    data = result.dataset
    inputs = data.x_train.shape[1]
    plural = "s" if inputs > 1 else ""
    words = f"{data.name} ({inputs:,} input{plural} of mean square {number(_second_moment(result))})"
    return Forecast(tuple(rows), result.axes, words, result.directory, (*_weaker(rows), *said))


def _weaker(rows: Sequence[Row]) -> tuple[str, ...]:
    """The notes of all predictions, each once, with how many it is of where it is not of all."""
    counts = Counter(note for row in rows for note in row.prediction.notes)
    return tuple(
        note[:1].upper() + note[1:] if count == len(rows) else f"In {count} of {len(rows):,} choices {note}"
        for note, count in counts.items()
    )


def _gradients(result: Result) -> dict[int, np.ndarray]:
    """Cell to the root mean square of the gradient before the first step, shape (trials, layers)."""
    if not result.table["n"].sum():
        return {}
    trials: pl.DataFrame = result.load("trials", ["cell", "gradient_rms"])
    return {
        int(key[0]): np.array(group["gradient_rms"].list.first().to_list(), float)
        for key, group in trials.group_by("cell")
    }


def _predictions(result: Result, cell: dict[str, Any]) -> tuple[Prediction, Prediction]:
    """What theory says of a cell, and of the same without dropout, which vital signs are measured without."""
    depth, width = _shape(cell)
    settings = {
        "activation": [cell["activation"]], "init": [cell["init"]], "depth": depth, "width": width,
        "norm": [cell["norm"]], "residual": cell["residual"], "bias_init": cell["bias_init"],
        "problem": result.dataset, "loss": cell["loss"], "output": cell["output"],
    }  # fmt: skip
    (said,) = predict(**settings, dropout=cell["dropout"])
    (plain,) = predict(**settings) if cell["dropout"] else (said,)
    return said, plain


def _shape(cell: dict[str, Any]) -> tuple[int, int]:
    """(depth, width) of a cell; SpecError where its layers are not alike."""
    if "hidden" in cell and cell["hidden"] is not None:
        widths = {int(word) for word in cell["hidden"].split("-")}
        if len(widths) > 1:
            raise SpecError(f"its hidden layers have several widths ({cell['hidden']}); theory here is of equal ones")
        return len(cell["hidden"].split("-")), widths.pop()
    if cell["depth"] == 0:
        raise SpecError("it has no hidden layer")
    return cell["depth"], cell["width"]


def _second_moment(result: Result) -> float:
    return float(np.mean(np.square(result.dataset.x_train)))


def _without_bias(axes: tuple[str, ...], rows: Sequence[Row]) -> tuple[str, ...]:
    """The axes without `bias_init` where it follows from `init`."""
    pairs = {(row.levels["init"], row.levels["bias_init"]) for row in rows}
    return tuple(a for a in axes if a != "bias_init") if len(pairs) == len({init for init, _ in pairs}) else axes


def _range(forecast: Forecast) -> str:
    rows = sorted(forecast.rows, key=lambda row: row.prediction.gradient_ratio)
    low, high = rows[0], rows[-1]
    if len(rows) == 1:
        verdict = low.prediction.verdict
        return f"{verdict[:1].upper()}{verdict[1:]}."
    return (
        f"Of the output layer's gradient, the first layer gets from {number(low.prediction.gradient_ratio, 2)} "
        f"({cell_name(low.levels, forecast.axes)}) to {number(high.prediction.gradient_ratio, 2)} "
        f"({cell_name(high.levels, forecast.axes)})."
    )


def _against(forecast: Forecast, found: Sequence[Row]) -> str:
    factors = {i: row.measured.factor for i, row in enumerate(found) if row.measured and row.measured.factor}
    parts = []
    if factors:
        sizes = {i: math.exp(abs(math.log(factor))) for i, factor in factors.items()}
        worst = max(sizes, key=lambda i: sizes[i])
        where = f" ({cell_name(found[worst].levels, forecast.axes)})" if len(sizes) > 1 else ""
        middle = f"{number(float(np.median(list(sizes.values()))), 2)} in the median cell, " if len(sizes) > 1 else ""
        parts.append(
            f"The measured gradient ratio is off the predicted one by a factor of {middle}"
            f"{number(sizes[worst], 2)}{' at most' if len(sizes) > 1 else ''}{where}."
        )
    lost = len(found) - len(factors)
    if lost:
        parts.append(f"In {lost} cell{'s' if lost > 1 else ''} the median network has no gradient to compare.")
    for words, share in _solved_by_band(found):
        parts.append(f"Of networks {words} the band, {percent(share)} % were solved.")
    return " ".join(parts)


def _solved_by_band(found: Sequence[Row]) -> Iterator[tuple[str, float]]:
    """Mean solved share of the cells whose depth lies below, in and above the predicted band."""
    groups: dict[str, list[float]] = {"shallower than": [], "inside": [], "deeper than": []}
    for row in found:
        band = row.prediction.band
        if band is None or row.measured is None or row.measured.solved is None:
            continue
        depth = row.prediction.depth
        name = "shallower than" if depth < band.low else "deeper than" if depth > band.high else "inside"
        groups[name].append(row.measured.solved)
    for name, shares in groups.items():
        if shares:
            yield name, float(np.mean(shares))
