"""The table of a forecast on the terminal."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trainability.report.words import NOTHING, axis_label, choices, number, percent, value

if TYPE_CHECKING:
    from rich.table import Table

    from trainability.report.forecast.forecast import Forecast, Row

_GAP: Final = 2
_LEAST_VERDICT: Final = 26
_MOST: Final = 60


@dataclass(frozen=True)
class Column:
    """A column of numbers; of several that do not fit together, that with the greatest `rank` goes first."""

    head: str
    rank: int
    text: Callable[[Row], str]


def columns(forecast: Forecast) -> list[Column]:
    """The columns after the axes and before the verdict."""
    found = [
        Column("phase", 2, lambda r: r.prediction.phase),
        Column("first/last", 0, lambda r: number(r.prediction.gradient_ratio, 2)),
        Column("median", 6, lambda r: number(r.prediction.gradient_ratio_median, 2)),
        Column("ξ", 5, lambda r: number(r.prediction.correlation_length, 2)),
        Column("trains to", 1, lambda r: r.prediction.band.words() if r.prediction.band else NOTHING),
        Column("gain", 4, lambda r: number(math.sqrt(r.prediction.sigma_w2))),
        Column("critical", 3, lambda r: number(r.prediction.critical.sigma_w) if r.prediction.critical else NOTHING),
    ]
    if any(row.measured for row in forecast.rows):
        found[3:3] = [
            Column(
                "measured", 0, lambda r: number(r.measured.median[0], 2) if r.measured and r.measured.median else "–"
            ),
            Column("factor", 1, lambda r: number(r.measured.factor, 2) if r.measured else NOTHING),
        ]
        found.append(Column("solved", 1, _solved))
    return found


def table(forecast: Forecast, width: int | None = None) -> Table:
    """The forecast as a Rich table that fits `width` characters (the terminal's, when None).

    The least important columns go first, and no number is ever cut; the verdict is wrapped.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = Console().width if width is None else width
    rows = forecast.rows[:_MOST]
    names = [(axis_label(a), [value(row.levels[a]) for row in rows]) for a in forecast.axes]
    found = [(column, [column.text(row) for row in rows]) for column in columns(forecast)]
    space = width - sum(_wide(head, texts) for head, texts in names) - _LEAST_VERDICT
    while len(found) > 1 and sum(_wide(column.head, texts) for column, texts in found) > space:
        found.remove(max(found, key=lambda pair: pair[0].rank))

    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), width=width)
    for head, _ in names:
        made.add_column(Text(head), no_wrap=True, overflow="ellipsis")
    for column, texts in found:
        words = column.head in ("phase", "trains to")
        made.add_column(
            Text(column.head), justify="left" if words else "right", no_wrap=True,
            width=_wide(column.head, texts) - _GAP,
        )  # fmt: skip
    made.add_column(Text("what to expect"), ratio=1, min_width=min(_LEAST_VERDICT, width // 3))
    for i in range(len(rows)):
        made.add_row(
            *(Text(texts[i]) for _, texts in names), *(Text(texts[i]) for _, texts in found),
            Text(_verdict(rows[i], {column.head for column, _ in found})),
        )  # fmt: skip
    made.caption = Text("\n".join(_lines(forecast, {column.head for column, _ in found})))
    made.caption_justify = "left"
    return made


def _lines(forecast: Forecast, heads: set[str]) -> list[str]:
    lines = [f"… and {len(forecast) - _MOST:,} more; --json has all"] if len(forecast) > _MOST else []
    same = {
        axis: level
        for axis, level in forecast.rows[0].levels.items()
        if axis in ("activation", "init", "depth", "width") and axis not in forecast.axes and level is not None
    }
    same |= {a: level for a, level in forecast.rows[0].levels.items() if a not in forecast.axes and _unusual(a, level)}
    if same:
        lines.append(f"the same in every row: {choices(same)}")
    lines.append(f"inputs: {forecast.inputs}")
    said = {
        "first/last": "first/last: the first layer's gradient over the output layer's, in wide layers",
        "median": "median: the same in the median network of this width",
        "measured": "measured: the same in the engine's median network; factor: measured over predicted median",
        "ξ": "ξ: layers over which a difference between two inputs shrinks to 1/e",
        "gain": "gain: √(fan_in · a weight's variance), critical: the one that keeps the gradient's size",
    }
    return lines + [text for head, text in said.items() if head in heads]


def _verdict(row: Row, heads: set[str]) -> str:
    """The verdict; without its clause on the band where a column has that."""
    text = row.prediction.verdict
    if "trains to" in heads:
        for clause in ("; depth that trains", ", as down to"):
            text = text.split(clause)[0]
    return text


def _unusual(axis: str, level: object) -> bool:
    return (axis, level) not in (("norm", "none"), ("residual", False), ("dropout", 0.0)) and axis in (
        "norm", "residual", "dropout",
    )  # fmt: skip


def _measured(row: Row) -> str:
    return number(row.measured.median[0], 2) if row.measured and row.measured.median else NOTHING


def _solved(row: Row) -> str:
    if row.measured is None or row.measured.solved is None:
        return NOTHING
    return f"{percent(row.measured.solved)} %"


def _wide(head: str, texts: list[str]) -> int:
    """Characters that a column takes, with the gap after it."""
    return max([len(head), *map(len, texts)]) + _GAP
