"""From the list columns of the trials table to arrays that can be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import polars as pl

MOST_STEPS: Final = 40


def trials_of(trials: pl.DataFrame, cell: int) -> pl.DataFrame:
    """The rows of one cell."""
    import polars as pl

    return trials.filter(pl.col("cell") == cell)


def history(rows: pl.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """A history of the trials of one cell on common steps.

    A trial that ended early keeps its last value; one that became NaN is NaN from there on. More than
    `MOST_STEPS` steps are thinned to about as many, evenly in the logarithm.

    Returns:
        steps, shape (steps,), and values, shape (trials, steps) or (trials, steps, layers); no steps at all
        when the column is absent or empty.
    """
    nothing = np.zeros(0), np.zeros((rows.height, 0))
    if column not in rows.columns or rows.is_empty():
        return nothing
    lengths = rows["checkpoint"].list.len()
    usable = rows.filter((lengths > 0) & (rows[column].list.len() == lengths))
    if usable.is_empty():
        return nothing
    taken = usable["checkpoint"].explode().to_numpy().astype(np.int64)
    lengths = usable["checkpoint"].list.len().to_numpy()
    flat = _flat(usable[column], taken.size)
    steps = np.unique(taken)
    trial = np.repeat(np.arange(usable.height), lengths)
    place = np.searchsorted(steps, taken)

    last = np.full((usable.height, steps.size), -1)
    last[trial, place] = np.arange(taken.size)
    last = np.maximum.accumulate(last, axis=1)
    values = np.where((last >= 0).reshape(*last.shape, *(1,) * (flat.ndim - 1)), flat[last], np.nan)
    after = steps[None, :] >= usable["end_step"].to_numpy()[:, None]
    values[after & (usable["ended"] == "nan").to_numpy()[:, None]] = np.nan
    keep = _thinned(steps)
    return steps[keep], values[:, keep]


def quantiles(values: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """Quantiles over the first axis that are values of the sample, NaN left out; shape (shares, *rest).

    The inverse of the empirical distribution: it stays right where some values are infinite.
    """
    ordered = np.sort(values, axis=0)
    count = (~np.isnan(ordered)).sum(axis=0)
    if not len(values):
        return np.full((len(shares), *values.shape[1:]), np.nan)
    rank = [np.clip(np.ceil(share * count).astype(int) - 1, 0, len(values) - 1) for share in shares]
    return np.stack([np.take_along_axis(ordered, r[None], axis=0)[0] for r in rank])


def mean(values: np.ndarray) -> np.ndarray:
    """The mean over the first axis, NaN left out; NaN where nothing is left."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _flat(column: pl.Series, size: int) -> np.ndarray:
    """All values of a list column one after the other: shape (size,) or (size, layers)."""
    import polars as pl

    column = column.explode()
    if isinstance(column.dtype, pl.List | pl.Array):
        return column.explode().to_numpy().astype(float).reshape(size, -1)
    return column.to_numpy().astype(float)


def _thinned(steps: np.ndarray) -> np.ndarray:
    """Places of at most `MOST_STEPS` of the steps, evenly in the logarithm, with the first and the last."""
    if steps.size <= MOST_STEPS:
        return np.arange(steps.size)
    wanted = np.linspace(np.log1p(steps[0]), np.log1p(steps[-1]), MOST_STEPS)
    return np.unique(np.abs(np.log1p(steps)[None, :] - wanted[:, None]).argmin(axis=1))
