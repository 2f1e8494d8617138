"""One layer at one moment, in NumPy, and what is measured of it: the same for every framework."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np

from trainability.core.chart import SIGNS, LayerInfo
from trainability.core.records import LayerView
from trainability.vitals import VITALS

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

    def signs(self) -> dict[str, float]:
        """Every sign of `core.chart.SIGNS`; NaN where it cannot be known."""
        view = LayerView(
            pre_activation=self.pre_activation,
            activation=self.activation,
            slope=self.slope,
            largest_slope=max(1e-300, self.largest_slope),
            gradient=np.full((1, 1), np.nan) if self.gradient is None else self.gradient,
        )
        used = self.weight if self.before is None else self.before
        with np.errstate(all="ignore"):
            found = {vital.name: float(vital.measure(view, np)) for vital in VITALS}
            found |= {
                "zeros": float(np.mean(view.activation == 0)),
                "effective_rank": effective_rank(view.activation),
                "equal_signs": equal_signs(view.gradient),
                "output_gradient_rms": math.nan if self.answer_gradient is None else rms(self.answer_gradient),
                "weight_rms": rms(used),
                "twins": twins(used),
                "update_ratio": math.nan if self.before is None else update_ratio(self.before, self.weight),
            }
        return {name: found[name] for name in SIGNS}


def thin(rows: int, units: int) -> tuple[slice, slice]:
    """Which of a layer's answers, shape (rows, units), are looked at."""
    return slice(None, None, max(1, -(-rows // MOST_SAMPLES))), slice(None, None, max(1, -(-units // MOST_UNITS)))


def thin_units(units: int, weights: int) -> slice:
    """Which units' weights are looked at, of a layer with so many of so many weights each."""
    return slice(None, None, max(1, min(units, -(-units * weights // MOST_WEIGHTS))))


def rms(values: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


def update_ratio(before: np.ndarray, after: np.ndarray) -> float:
    """log₁₀ of the root mean square of an update over that of the weights; −∞ for none."""
    moved, size = rms(after - before), rms(before)
    return math.log10(moved / size) if moved > 0 and size > 0 else -math.inf if moved == 0 else math.nan


def effective_rank(answers: np.ndarray) -> float:
    """exp of the entropy of the normalised singular values of centred answers (samples, units); 0 for equal answers.

    They come from the smaller product of the answers with themselves, which is several times faster than their own
    decomposition; those under a millionth of the largest, which that cannot tell from 0, count as 0.

    Reference: O. Roy, M. Vetterli, The effective rank, EUSIPCO 2007.
    """
    if len(answers) < 2 or not np.isfinite(answers).all():
        return math.nan
    largest = np.abs(answers).max()
    centred = (answers - answers.mean(axis=0)) / (largest or 1.0)
    products = centred.T @ centred if centred.shape[1] <= centred.shape[0] else centred @ centred.T
    squares = np.linalg.eigvalsh(products)
    if squares[-1] <= 1e-24 * answers.size:
        return 0.0
    values = np.sqrt(squares[squares > 1e-12 * squares[-1]])
    p = values / values.sum()
    return float(np.exp(-np.sum(p * np.log(p))))


def twins(weights: np.ndarray) -> float:
    """Share of units whose weights, a row each, equal those of another unit; NaN where they are not finite."""
    if not np.isfinite(weights).all():
        return math.nan
    counts = Counter(row.tobytes() for row in weights + 0.0)  # −0 is 0
    return sum(n for n in counts.values() if n > 1) / len(weights)


def equal_signs(gradient: np.ndarray) -> float:
    """Share of a unit's weight gradients that have the more frequent sign, mean over units; zeros do not count."""
    up, down = (gradient > 0).sum(axis=1), (gradient < 0).sum(axis=1)
    counted = up + down > 0
    return float(np.mean(np.maximum(up, down)[counted] / (up + down)[counted])) if counted.any() else math.nan
