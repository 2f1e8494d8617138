"""Mean and deviation of what goes into and comes out of the activation, over samples and units."""

from __future__ import annotations

from typing import Any

from trainability.core.records import LayerView
from trainability.vitals import Vital


def _pre_activation_mean(layer: LayerView, xp: Any) -> Any:
    return xp.mean(layer.pre_activation)


def _pre_activation_std(layer: LayerView, xp: Any) -> Any:
    return xp.std(layer.pre_activation)


def _activation_mean(layer: LayerView, xp: Any) -> Any:
    return xp.mean(layer.activation)


def _activation_std(layer: LayerView, xp: Any) -> Any:
    return xp.std(layer.activation)


PRE_ACTIVATION_MEAN = Vital(
    name="pre_activation_mean",
    summary="mean pre-activation",
    measure=_pre_activation_mean,
    unit="pre-activation",
    healthy="near 0",
)
PRE_ACTIVATION_STD = Vital(
    name="pre_activation_std",
    summary="deviation of the pre-activations",
    measure=_pre_activation_std,
    unit="pre-activation",
    healthy="0.1 to 3, alike in every layer",
)
ACTIVATION_MEAN = Vital(
    name="activation_mean",
    summary="mean answer of the units",
    measure=_activation_mean,
    unit="activation",
    healthy="near 0",
)
ACTIVATION_STD = Vital(
    name="activation_std",
    summary="deviation of the units' answers",
    measure=_activation_std,
    unit="activation",
    healthy="0.1 to 3, alike in every layer",
)
