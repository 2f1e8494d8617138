"""The vital signs of a watched layer: those that the engine measures too, and here those of training alone.

A sign is a pure function of a `SeenLayer`; one a file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trainability.adapters.layer import SeenLayer
from trainability.core.catalogue import Catalogue, Entry
from trainability.core.chart import SIGNS
from trainability.core.records import LayerView
from trainability.vitals import VITALS


@dataclass(frozen=True, kw_only=True)
class Sign(Entry):
    """A vital sign of a watched layer.

    Attributes:
        measure: from a layer to a number; NaN where it cannot be known.
        unit: what the number counts.
        healthy: what is usual in a network that learns, in words.
    """

    measure: Callable[[SeenLayer], float]
    unit: str
    healthy: str


OWN: Catalogue[Sign] = Catalogue("sign", __name__, Sign)


def signs_of(layer: SeenLayer) -> dict[str, float]:
    """Every sign of `core.chart.SIGNS`; NaN where it cannot be known."""
    view = LayerView(
        pre_activation=layer.pre_activation,
        activation=layer.activation,
        slope=layer.slope,
        largest_slope=max(1e-300, layer.largest_slope),
        gradient=np.full((1, 1), np.nan) if layer.gradient is None else layer.gradient,
    )
    with np.errstate(all="ignore"):
        found = {vital.name: float(vital.measure(view, np)) for vital in VITALS}
        found |= {sign.name: float(sign.measure(layer)) for sign in OWN}
    return {name: found[name] for name in SIGNS}


def rms(values: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))
