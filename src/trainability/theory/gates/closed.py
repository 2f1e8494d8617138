"""Gates of which every expectation is known exactly."""

from __future__ import annotations

import functools
import math

from trainability.activations import ClosedForms
from trainability.theory.expectations import Estimate, Expectations, Kind, Products, Table, variances
from trainability.theory.functions import Gate

_ROUNDING = 1e-13


class ClosedGate(Expectations):
    """Expectations by closed form, of a gate whose pieces are alike."""

    def __init__(self, gate: Gate, closed: ClosedForms):
        self.name, self.pieces = gate.name, gate.pieces
        self.closed = closed

    def at(self, kind: Kind, q: float) -> float:
        value = float(self.closed.at(kind, q))
        if not math.isfinite(value):
            raise self._too_fast(kind, q)
        return value

    def estimate(self, kind: Kind, q: float) -> Estimate:
        value = self.at(kind, q)
        return Estimate(value, _ROUNDING * abs(value))

    def slope_each(self, q: float) -> tuple[float, ...]:
        return (self.at("slope_second", q) / self.pieces,) * self.pieces

    def products(self, q: float) -> ClosedProducts:
        return ClosedProducts(self, q)

    @functools.cached_property
    def table(self) -> Table:
        q = variances()
        return self._finite(q, [self.closed.at(kind, q) for kind in ("second", "slope_second", "growth")])


class ClosedProducts(Products):
    """E[φ(u)φ(v)] and E[φ′(u)·φ′(v)] by closed form."""

    def __init__(self, m: ClosedGate, q: float):
        self.name, self.q, self._closed = m.name, q, m.closed
        self.second, self.slope_second = m.at("second", q), m.at("slope_second", q)

    def at(self, c: float) -> tuple[float, float]:
        assert self._closed.product
        assert self._closed.slope_product
        return float(self._closed.product(self.q, c)), float(self._closed.slope_product(self.q, c))

    @functools.cached_property
    def jumps(self) -> bool:
        return False
