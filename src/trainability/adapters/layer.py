"""One layer at one moment, in NumPy: the same for every framework."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from trainability.core.chart import LayerInfo

MOST_SAMPLES: Final = 256
"""Rows of a layer's answers that are looked at, spread evenly over the batch (and over a picture's places)."""
MOST_UNITS: Final = 512
MOST_WEIGHTS: Final = 2**18


@dataclass(frozen=True, eq=False)
class SeenLayer:
    """A layer after a backward pass and, where there was one, the update that followed it; arrays are float64.

    Attributes:
        info: what it is.
        pre_activation, activation: thinned answers before and after its activation, shape (samples, units).
        slope: φ′ at the pre-activations, of their shape; NaN where the activation mixes units.
        largest_slope: the largest |φ′| on a wide grid.
        gradient: of the loss by its weights, shape (units, weights of a unit), of large layers some units; None where
            none came.
        answer_gradient: of the loss by its answer before the activation, of any shape; None where none came.
        weight: after the update, as `gradient`.
        before: the same before the update, with which the answers were made; None where there was no update.
    """

    info: LayerInfo
    pre_activation: np.ndarray
    activation: np.ndarray
    slope: np.ndarray
    largest_slope: float
    gradient: np.ndarray | None
    answer_gradient: np.ndarray | None
    weight: np.ndarray
    before: np.ndarray | None = None

    @property
    def used(self) -> np.ndarray:
        """The weights that the answers were made with."""
        return self.weight if self.before is None else self.before


def thin(rows: int, units: int) -> tuple[slice, slice]:
    """Which of a layer's answers, shape (rows, units), are looked at."""
    return slice(None, None, max(1, -(-rows // MOST_SAMPLES))), slice(None, None, max(1, -(-units // MOST_UNITS)))


def thin_units(units: int, weights: int) -> slice:
    """Which units' weights are looked at, of a layer with so many of so many weights each."""
    return slice(None, None, max(1, min(units, -(-units * weights // MOST_WEIGHTS))))
