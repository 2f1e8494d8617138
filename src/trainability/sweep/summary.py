"""From records to one row per cell."""

from __future__ import annotations

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


def summarize(grid: tuple[Cell, ...], trials: pl.DataFrame | None) -> pl.DataFrame:
    """One row per cell in grid order: its axes, and what its trials did.

    Columns after the axes: ``n``; ``solved`` share with its 95 % Wilson interval ``solved_low``, ``solved_high``;
    ``median_steps``, ``steps_q1``, ``steps_q3`` to the target over the solved trials (null if none);
    ``final_loss`` and ``accuracy`` (R² for a regression), medians over training samples; ``validation_accuracy``, the
    same over held-out samples (null if there are none); ``gradient_ratio``, the median of the first layer's gradient
    RMS over the last's before training; ``dead``, the mean share of dead hidden units at the end; ``nan``, the share of
    trials that became non-finite.
    """
    import polars as pl

    groups = {int(key[0]): group for key, group in trials.group_by("cell")} if trials is not None else {}
    rows = [{"cell": cell.index, **cell.axes, **_row(groups.get(cell.index))} for cell in grid]
    return pl.DataFrame(rows, infer_schema_length=None)


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
    diverged = group["ended"].to_numpy() == "nan"
    steps = quantiles(group.filter("solved")["first_step"].to_numpy())
    gradient = group["gradient_rms"].list.first().list
    with np.errstate(all="ignore"):
        ratio = gradient.first().to_numpy() / gradient.last().to_numpy()
    last = group["dead"].list.last().to_list()
    dead = np.array([np.mean(layers[:-1]) if len(layers) > 1 else 0.0 for layers in last])
    return row | {
        **{name: None if np.isnan(value) else int(value) for name, value in zip(names, steps, strict=True)},
        "final_loss": _number(_median(np.where(diverged, np.inf, group["train_loss"].to_numpy()))),
        "accuracy": _number(_median(group["train_score"].to_numpy())),
        "validation_accuracy": _number(_median(group["validation_score"].cast(float).to_numpy())),
        "gradient_ratio": _number(_median(ratio)),
        "dead": _number(float(np.nanmean(dead))) if not np.isnan(dead).all() else None,
        "nan": float(np.mean(diverged)),
    }


def _median(values: np.ndarray) -> float:
    return float(quantiles(values, (0.5,))[0])


def _number(value: float) -> float | None:
    return round(value, 7) if 0.01 < abs(value) < 1e6 else value if np.isfinite(value) else None
