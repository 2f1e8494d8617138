"""Gates whose formula ties three pieces or more together: quasi-Monte Carlo over fixed points, to about 4 digits.

The same points serve every variance and every correlation, so that answers are smooth in both and repeat.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from trainability.theory.expectations import Expectations, Kind, Products
from trainability.theory.gates.formula import GateFormula
from trainability.theory.sampling import GROUPS, SampledExpectations

_POINTS = 2**14
_KOROBOV = 7399
"""Of the odd numbers below `_POINTS`, the one of least worst-case error P₂ in six dimensions of falling weights .7ʲ."""
_KEPT = 8
_BESIDE_0, _NOTHING = 1e-70, 1e-60


@functools.lru_cache(maxsize=64)
def _points(first: int, last: int) -> np.ndarray:
    """Standard normal points in the dimensions from `first` up to `last`, shape (dimensions, groups · points).

    A Korobov lattice, shifted at random and folded, so that its error falls with the square of the number of points
    for smooth functions. (SciPy's Sobol points are as good, but importing them takes half a second.)
    """
    from scipy.special import ndtri

    shift = np.random.default_rng(0).random((GROUPS, last, 1))[:, first:]
    step = np.array([pow(_KOROBOV, j, _POINTS) for j in range(first, last)])
    u = (np.arange(_POINTS) * step[:, None] % _POINTS / _POINTS + shift) % 1.0
    made = ndtri(np.clip(1 - np.abs(2 * u - 1), 1e-12, 1 - 1e-12))
    return made.transpose(1, 0, 2).reshape(last - first, -1)


class SampledGate(SampledExpectations):
    """Expectations as means over points."""

    def __init__(self, formula: GateFormula):
        self.name, self.pieces = formula.name, formula.pieces
        self.formula = formula
        self.z = _points(0, len(formula.used))
        self._sampled = functools.lru_cache(_KEPT)(self._sample)
        self._sampled(1.0)

    @functools.cached_property
    def other(self) -> np.ndarray:
        """Points independent of `z`."""
        return _points(len(self.z), 2 * len(self.z))

    def _sample(self, q: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """φ, its partial derivatives, and φ′²; those around 0 for q = 0."""
        x = (math.sqrt(q) or _BESIDE_0) * self.z
        value, slopes = self.formula.value_and_slopes(x)
        value = np.where(np.abs(value) < _NOTHING, 0.0, value) if q == 0 else value
        bad = np.flatnonzero(~(np.isfinite(value) & np.isfinite(slopes).all(axis=0)))
        if bad.size and (np.isnan(value[bad[0]]) or q <= 1):
            raise self.formula.not_finite(x[:, bad[0]])
        if bad.size:
            raise self._too_fast("second", q)
        return value, slopes, (slopes**2).sum(axis=0)

    def _integrand(self, kind: Kind, q: float) -> np.ndarray:
        value, _, slope = self._sampled(q)
        match kind:
            case "mean":
                return value
            case "second":
                return value**2
            case "fourth":
                return value**4
            case "slope_second":
                return slope
            case "slope_fourth":
                return slope**2
            case "both":
                return value**2 * slope
        if q == 0:
            return slope if not value.any() else self._integrand("growth", 1e-8)
        if not self.formula.jumps(math.sqrt(q)):
            return value * (self._sampled(q)[1] * self.z).sum(axis=0) / math.sqrt(q)
        zero = self._sampled(0.0)[0]
        return (value**2 - (zero**2).mean()) * ((self.z**2).sum(axis=0) - len(self.z)) / (2 * q)

    def slope_each(self, q: float) -> tuple[float, ...]:
        each = (self._sampled(q)[1] ** 2).mean(axis=1).tolist()
        return self.formula.of_pieces(each)

    def products(self, q: float) -> SampledProducts:
        return SampledProducts(self, q)


class SampledProducts(Products):
    """Means over pairs of points; each pair also with the other half mirrored, which a mean near c = 1 needs.

    What two inputs have in common is what they have at c = 1 less half the mean square of what they differ in.

    Args:
        m: draws the points. exact: knows what there is at c = 1, if not `m`.
    """

    def __init__(self, m: SampledGate, q: float, exact: Expectations | None = None):
        self.name, self.q = m.name, q
        self._m = m
        self.second, self.slope_second = ((exact or m).at(kind, q) for kind in ("second", "slope_second"))

    def at(self, c: float) -> tuple[float, float]:
        if c == 1:
            return self.second, self.slope_second
        value, slopes, _ = self._m._sampled(self.q)
        apart: list[Any] = [0.0, 0.0]
        for sign in (1.0, -1.0):
            v = math.sqrt(self.q) * (c * self._m.z + sign * math.sqrt((1 - c) * (1 + c)) * self._m.other)
            other, other_slopes = self._m.formula.value_and_slopes(v)
            apart[0] += 0.25 * float(((value - other) ** 2).mean())
            apart[1] += 0.25 * float(((slopes - other_slopes) ** 2).sum(axis=0).mean())
        return self.second - apart[0], self.slope_second - apart[1]

    @functools.cached_property
    def jumps(self) -> bool:
        return self._m.formula.jumps(math.sqrt(self.q))
