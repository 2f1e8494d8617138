"""What a report is drawn from: one finished run, without an engine and without a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from trainability.core.types import Dataset

if TYPE_CHECKING:
    import polars as pl

MEASURED: Final = frozenset({
    "cell", "n", "solved", "solved_low", "solved_high", "median_steps", "steps_q1", "steps_q3", "final_loss",
    "accuracy", "validation_accuracy", "gradient_ratio", "dead", "nan",
})  # fmt: skip

HELD_OUT: Final = "validation_accuracy"


def has_held_out(cells: pl.DataFrame) -> bool:
    """Whether the cells were scored on held-out samples."""
    return HELD_OUT in cells.columns and cells[HELD_OUT].null_count() < len(cells)


@dataclass(frozen=True)
class RunRecord:
    """One finished run, as a report reads it.

    Attributes:
        question: the question of the run, one sentence.
        command: the shell line that repeats the run.
        python: a short Python program that repeats it.
        spec_toml: the whole specification.
        problem: the problem as the user chose it.
        dataset: what was to be learned.
        cells: one row per cell in grid order: ``cell``, a column per axis, and the columns of `MEASURED`:
            ``n`` trials, ``solved`` share with its 95 % interval, ``median_steps`` with quartiles (null if
            none solved), ``final_loss`` (median), ``accuracy`` (median score; R² for a regression),
            ``validation_accuracy`` (the same over held-out samples; absent or null where there are none),
            ``gradient_ratio`` (first layer over last, at the start), ``dead`` (mean share at the end) and
            ``nan`` (share of trials).
        trials: the trials table of `trainability.core.records`, or the first trials of each cell where there are very
            many: histories are drawn from it, shares and medians of whole cells are not.
        portraits: the portraits table, likewise.
        axes: names of the axes that vary.
        conclusion: what the run shows, one or two sentences.
        engine: the engine that ran.
        facts: further lines for the reader, such as seconds, rate and versions.
    """

    question: str
    command: str
    python: str
    spec_toml: str
    problem: str
    dataset: Dataset
    cells: pl.DataFrame
    trials: pl.DataFrame
    portraits: pl.DataFrame
    axes: tuple[str, ...]
    conclusion: str
    engine: str
    facts: Mapping[str, str] = field(default_factory=dict)


def shown_note(record: RunRecord) -> str:
    """A clause of a caption that says which trials are shown, where not all are."""
    if record.trials.height >= record.cells["n"].sum():
        return ""
    return f" Shown are the first {record.trials['trial'].n_unique():,} trials of each cell."


_OFF: Final = {
    "norm": "none", "residual": False, "schedule": "constant", "clip": 0, "dropout": 0, "l1": 0, "l2": 0, "decay": 0,
    "bias_init": "zeros", "output": "identity",
}  # fmt: skip


def fixed_choices(cells: pl.DataFrame, axes: tuple[str, ...]) -> dict[str, object]:
    """The axes of `cells` that do not vary, with their one value each; nulls and what is switched off are left out."""
    if cells.is_empty():
        return {}
    names = [c for c in cells.columns if c not in MEASURED and c not in axes and cells[c].n_unique() == 1]
    values = {name: cells[name][0] for name in names}
    return {name: value for name, value in values.items() if value is not None and _OFF.get(name, ...) != value}
