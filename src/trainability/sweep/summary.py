"""From records to one row per cell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from trainability.core.statistics import quantiles, wilson
from trainability.sweep.plan import Cell

if TYPE_CHECKING:
    import polars as pl


COLUMNS = (
    "cell", "ended", "solved", "first_step", "train_loss", "train_score", "validation_score", "gradient_rms", "dead",
)  # fmt: skip
"""The columns of the trials table that a summary reads."""


def summarize(grid: tuple[Cell, ...], parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """One row per cell in grid order: its axes, and what its trials did.

    `parts` are tables of trials with `COLUMNS`. Of each only some numbers a trial are kept, its histories are not.

    Columns after the axes: ``n``; ``solved`` share with its 95 % Wilson interval ``solved_low``, ``solved_high``;
    ``median_steps``, ``steps_q1``, ``steps_q3`` to the target over the solved trials (null if none);
    ``final_loss`` and ``accuracy`` (R² for a regression), medians over training samples; ``validation_accuracy``, the
    same over held-out samples (null if there are none); ``gradient_ratio``, the median of the first layer's gradient
    RMS over the last's before training; ``dead``, the mean share of dead hidden units at the end; ``nan``, the share of
    trials that became non-finite.
    """
    import polars as pl

    found = [_outcomes(part) for part in parts]
    groups = {int(key[0]): group for key, group in pl.concat(found).group_by("cell")} if found else {}
    rows = [{"cell": cell.index, **cell.axes, **_row(groups.get(cell.index))} for cell in grid]
    return pl.DataFrame(rows, infer_schema_length=None)


def _outcomes(trials: pl.DataFrame) -> pl.DataFrame:
    """What a row is made of, a few numbers per trial."""
    import polars as pl

    gradient = pl.col("gradient_rms").list.first().list
    layers = pl.col("dead").list.last().cast(pl.List(pl.Float64)).list
    hidden = layers.head(layers.len().cast(pl.Int64) - 1).list
    return trials.select(
        "cell",
        "solved",
        "first_step",
        pl.when(pl.col("ended") == "nan").then(float("inf")).otherwise(pl.col("train_loss")).alias("train_loss"),
        "train_score",
        pl.col("validation_score").cast(pl.Float64),
        nan=pl.col("ended") == "nan",
        gradient_ratio=gradient.first() / gradient.last(),
        dead=hidden.mean().fill_null(0.0),
    )


def _row(group: pl.DataFrame | None) -> dict[str, float | int | None]:
    if group is None:
        group_size, solved = 0, 0
    else:
        group_size, solved = len(group), int(group["solved"].sum())
    low, high = wilson(solved, group_size)
    row: dict[str, float | int | None] = {
        "n": group_size,
        "solved": solved / group_size if group_size else None,
        "solved_low": float(low),
        "solved_high": float(high),
    }
    names = ("steps_q1", "median_steps", "steps_q3")
    if group is None:
        return row | dict.fromkeys(
            (*names, "final_loss", "accuracy", "validation_accuracy", "gradient_ratio", "dead", "nan")
        )
    steps = quantiles(group.filter("solved")["first_step"].to_numpy())
    dead = group["dead"].to_numpy()
    return row | {
        **{name: None if np.isnan(value) else int(value) for name, value in zip(names, steps, strict=True)},
        "final_loss": _number(_median(group["train_loss"].to_numpy())),
        "accuracy": _number(_median(group["train_score"].to_numpy())),
        "validation_accuracy": _number(_median(group["validation_score"].to_numpy())),
        "gradient_ratio": _number(_median(group["gradient_ratio"].to_numpy())),
        "dead": _number(float(np.nanmean(dead))) if not np.isnan(dead).all() else None,
        "nan": float(group["nan"].to_numpy().mean()),
    }


def _median(values: np.ndarray) -> float:
    return float(quantiles(values, (0.5,))[0])


def _number(value: float) -> float | None:
    return round(value, 7) if 0.01 < abs(value) < 1e6 else value if np.isfinite(value) else None
