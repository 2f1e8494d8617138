"""How large the gradient is that reaches a layer's weights."""

from __future__ import annotations

from typing import Any

from trainability.core.records import LayerView
from trainability.vitals import Vital


def _gradient_rms(layer: LayerView, xp: Any) -> Any:
    # Scaled by the largest entry so that squares of tiny gradients do not underflow to 0.
    largest = xp.max(xp.abs(layer.gradient))
    scale = xp.where(largest > 0, largest, xp.ones_like(largest))
    return scale * xp.sqrt(xp.mean(xp.square(layer.gradient / scale)))


GRADIENT_RMS = Vital(
    name="gradient_rms",
    summary="root mean square of the loss's gradient by the layer's weights",
    measure=_gradient_rms,
    unit="loss / weight",
    healthy="within a factor of 10 from the first layer to the last",
)
