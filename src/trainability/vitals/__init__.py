"""Vital signs: one measured number of a layer at a step.

A vital sign is a pure function of a `LayerView`, written against an array namespace (`numpy` or `jax.numpy`), so that
the engine measures it on its device and a slower twin checks it in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trainability.core.catalogue import Catalogue, Entry
from trainability.core.records import LayerView


@dataclass(frozen=True, kw_only=True)
class Vital(Entry):
    """A vital sign.

    Attributes:
        measure: (layer, xp) -> scalar, with xp the array namespace.
        unit: what the number counts.
        healthy: what is usual in a network that learns, in words.
    """

    measure: Callable[[LayerView, Any], Any]
    unit: str
    healthy: str


VITALS: Catalogue[Vital] = Catalogue("vital sign", __name__, Vital)


def names() -> tuple[str, ...]:
    """The vital signs' names, in the order in which `measure_layer` gives them."""
    return tuple(entry.name for entry in VITALS)


def measure_layer(layer: LayerView, xp: Any) -> Any:
    """All vital signs of one layer: an array of shape (vital signs,)."""
    return xp.stack([entry.measure(layer, xp) for entry in VITALS])
