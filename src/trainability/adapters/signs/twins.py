"""How many units are copies of one another."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from trainability.adapters.signs import Sign


def twins(weights: np.ndarray) -> float:
    """Share of units whose weights, a row each, equal those of another unit; NaN where they are not finite."""
    if not np.isfinite(weights).all():
        return math.nan
    counts = Counter(row.tobytes() for row in weights + 0.0)  # −0 is 0
    return sum(n for n in counts.values() if n > 1) / len(weights)


TWINS = Sign(
    name="twins",
    summary="share of units whose weights equal those of another unit",
    measure=lambda layer: twins(layer.used),
    unit="share",
    healthy="0",
    reference="I. Goodfellow et al., Deep Learning (2016), section 8.4",
)
