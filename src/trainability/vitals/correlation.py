"""How alike the answers to different inputs have become."""

from __future__ import annotations

from typing import Any

from trainability.core.records import LayerView
from trainability.vitals import Vital


def _correlation(layer: LayerView, xp: Any) -> Any:
    """Mean cosine of the angle between the answers to two different inputs; an answer of all zeros counts as 1.

    The pairs' sum is |Σ u|² − Σ |u|² for unit vectors u, which needs no samples × samples table.
    """
    a = layer.activation
    samples = a.shape[0]
    if samples < 2:
        return xp.full_like(xp.mean(a), xp.nan)
    largest = xp.max(xp.abs(a), axis=1, keepdims=True)
    scaled = a / xp.where(largest > 0, largest, xp.ones_like(largest))
    length = xp.sqrt(xp.sum(xp.square(scaled), axis=1, keepdims=True))
    silent = length == 0
    # Silent answers all point the same way, along a first axis of their own.
    direction = scaled / xp.where(silent, xp.ones_like(length), length)
    direction = xp.concatenate([xp.asarray(silent, a.dtype), direction], axis=1)
    total = xp.sum(xp.square(xp.sum(direction, axis=0)))
    return (total - samples) / (samples * (samples - 1))


CORRELATION = Vital(
    name="correlation",
    summary="mean cosine between the answers to different inputs; 1: the layer no longer tells inputs apart",
    measure=_correlation,
    unit="cosine",
    healthy="under 0.95",
    reference="B. Poole et al., Exponential expressivity in deep neural networks through transient chaos, NeurIPS 2016",
)
