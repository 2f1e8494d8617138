"""Units that take no part: dead ones answer nothing, saturated ones have no slope left."""

from __future__ import annotations

from typing import Any

from trainability.core.records import LayerView
from trainability.vitals import Vital

SATURATED_SLOPE = 0.05
"""A unit is saturated when its mean slope is under this share of the activation's largest slope."""


def _dead(layer: LayerView, xp: Any) -> Any:
    silent = xp.all(layer.activation == 0, axis=0)
    return xp.mean(xp.asarray(silent, layer.activation.dtype))


def _saturated(layer: LayerView, xp: Any) -> Any:
    mean_slope = xp.mean(xp.abs(layer.slope), axis=0)
    flat = xp.asarray(mean_slope < SATURATED_SLOPE * layer.largest_slope, layer.activation.dtype)
    return xp.mean(xp.where(xp.isnan(mean_slope), xp.full_like(flat, xp.nan), flat))


DEAD = Vital(
    name="dead",
    summary="share of units that answer 0 to every input",
    measure=_dead,
    unit="share of units",
    healthy="under 0.1",
    reference="L. Lu et al., Dying ReLU and initialization, Communications in Computational Physics 28 (2020)",
)
SATURATED = Vital(
    name="saturated",
    summary="share of units whose mean slope is under 5 % of the activation's largest",
    measure=_saturated,
    unit="share of units",
    healthy="under 0.1",
    reference="X. Glorot, Y. Bengio, AISTATS 2010, section 3",
)
