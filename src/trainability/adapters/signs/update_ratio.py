"""How far a step moves the weights."""

from __future__ import annotations

import math

import numpy as np

from trainability.adapters.signs import Sign, rms


def update_ratio(before: np.ndarray, after: np.ndarray) -> float:
    """log₁₀ of the root mean square of an update over that of the weights; −∞ for none."""
    moved, size = rms(after - before), rms(before)
    return math.log10(moved / size) if moved > 0 and size > 0 else -math.inf if moved == 0 else math.nan


UPDATE_RATIO = Sign(
    name="update_ratio",
    summary="log10 of the root mean square of a step over that of the weights",
    measure=lambda layer: math.nan if layer.before is None else update_ratio(layer.before, layer.weight),
    unit="log10",
    healthy="about -3",
    reference="A. Karpathy, nn-zero-to-hero: updates near 1e-3 of the weights are usual",
)
