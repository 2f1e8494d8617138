"""Whether batches are mixed, or sorted by their targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

FEWEST: Final = 4
"""Batches."""
ENOUGH: Final = 60
"""Samples beside the first of each batch."""


def mixing(batches: Sequence[np.ndarray], labels: bool) -> float:
    """How much targets differ within batches, over how much all that were seen differ: about 1 where data are shuffled.

    Differ means: two of them are unlike, for labels; their variance, for numbers. Both are estimated without bias, so
    that small batches of shuffled data give 1, too, in the mean. 0 where each batch has targets of one kind.

    Args:
        batches: one target a sample, each of shape (samples,).
        labels: whether they are labels.

    Returns:
        NaN with fewer than four batches or 64 samples, or where all targets are alike.
    """
    batches = [batch for batch in batches if len(batch) > 1 and np.isfinite(batch).all()]
    if len(batches) < FEWEST or sum(len(batch) - 1 for batch in batches) < ENOUGH:
        return math.nan
    differ = _unlike if labels else _variance
    whole = differ(np.concatenate(batches))
    return float(np.mean([differ(batch) for batch in batches])) / whole if whole > 0 else math.nan


def _unlike(labels: np.ndarray) -> float:
    n = len(labels)
    share = np.unique(labels, return_counts=True)[1] / n
    return float(1 - np.sum(share**2)) * n / (n - 1)


def _variance(numbers: np.ndarray) -> float:
    return float(np.var(numbers, ddof=1))
