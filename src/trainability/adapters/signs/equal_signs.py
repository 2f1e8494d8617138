"""How much the weight gradients of a unit point the same way."""

from __future__ import annotations

import math

import numpy as np

from trainability.adapters.signs import Sign


def equal_signs(gradient: np.ndarray) -> float:
    """Share of a unit's weight gradients that have the more frequent sign, mean over units; zeros do not count."""
    up, down = (gradient > 0).sum(axis=1), (gradient < 0).sum(axis=1)
    counted = up + down > 0
    return float(np.mean(np.maximum(up, down)[counted] / (up + down)[counted])) if counted.any() else math.nan


EQUAL_SIGNS = Sign(
    name="equal_signs",
    summary="share of a unit's weight gradients that have the more frequent sign",
    measure=lambda layer: math.nan if layer.gradient is None else equal_signs(layer.gradient),
    unit="share",
    healthy="0.5 to 0.7; 1 where all inputs of the layer are positive",
    reference="Y. LeCun et al., Efficient BackProp, 1998",
)
