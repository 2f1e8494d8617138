"""Double integrals of an elementwise activation: E[φ(u)φ(v)] of two correlated pre-activations.

It is Σ a_k² c^k over φ's Hermite coefficients (Mehler), which end soon where φ is smooth; else a double integral.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory import local
from trainability.theory.expectations import Products

if TYPE_CHECKING:
    from trainability.theory.line import LineExpectations

_TERMS = 192
_EXACT = 1e-13
_NOTHING = 1e-26
_SIGNS = (-1.0) ** np.arange(_TERMS)


class LineProducts(Products):
    """E[φ(u)φ(v)] and E[φ′(u)φ′(v)] of an elementwise activation."""

    def __init__(self, m: LineExpectations, q: float):
        self.m = m
        self.name = m.name
        self.q = q
        self.second, self.slope_second = m.at("second", q), m.at("slope_second", q)

    def at(self, c: float) -> tuple[float, float]:
        closed = self.m.phi.closed
        if closed and closed.product and closed.slope_product:
            return float(closed.product(self.q, c)), float(closed.slope_product(self.q, c))
        if c == 1:
            return self.second, self.slope_second
        values, slopes, rest = self._hermite
        if rest * abs(c) ** _TERMS <= _EXACT:
            powers = c ** np.arange(_TERMS)
            return float(values @ powers), float(slopes @ powers)
        if c == -1:
            return self._mirrored()
        return local.double(self.m.phi, self.q, c, self._reach)

    def nearly(self, c: float) -> float:
        # The series, its rest taken as one more term, which is what makes it right at 1 and at -1.
        closed = self.m.phi.closed
        if closed and closed.product:
            return float(closed.product(self.q, c))
        values = self._hermite[0]
        rest = self.second - values.sum() if c >= 0 else self._opposite - values @ _SIGNS
        return float(values @ c ** np.arange(_TERMS) + rest * abs(c) ** self._beyond)

    @functools.cached_property
    def _hermite(self) -> tuple[np.ndarray, np.ndarray, float]:
        """The squared Hermite coefficients of φ and of φ′, and the larger share that they leave over."""
        x, weight = self._line()
        with np.errstate(all="ignore"):
            sides = np.stack([self.m.phi.value(x), self.m.phi.slope(x)]) * weight
        z = x / math.sqrt(self.q)
        coefficients = np.empty((2, _TERMS))
        before, h = np.zeros_like(z), np.ones_like(z)
        for k in range(_TERMS):
            coefficients[:, k] = sides @ h
            before, h = h, (z * h - math.sqrt(k) * before) / math.sqrt(k + 1)
        squares = coefficients**2
        totals = np.array([self.second, self.slope_second])
        shares = np.abs(totals - squares.sum(axis=1)) / np.where(totals > 0, totals, 1.0)
        return squares[0], squares[1], float(shares.max())

    def _line(self, mirrored: bool = False) -> tuple[np.ndarray, np.ndarray]:
        marks = local.features(self.m.phi, self._reach * math.sqrt(self.q), math.sqrt(self.q))
        marks = np.concatenate([marks, -marks]) if mirrored else marks
        return local.line(self.m.phi, self.q, marks, self._reach)

    @functools.cached_property
    def _reach(self) -> float:
        """Over how many deviations to integrate: more where φ grows exponentially."""
        # Far below a threshold φ is 0 but in tails that no panel resolves, and that count for nothing.
        noise = [_NOTHING * self.m.samples.steepest**2 * size for size in (self.q, 1.0)]
        for reach in (local.REACH, 2 * local.REACH, 3.5 * local.REACH):
            marks = local.features(self.m.phi, reach * math.sqrt(self.q), math.sqrt(self.q))
            x, weight = local.line(self.m.phi, self.q, marks, reach)
            with np.errstate(all="ignore"):
                sides = weight @ self.m.phi.value(x) ** 2, weight @ self.m.phi.slope(x) ** 2
            if all(
                math.isclose(found, known, rel_tol=1e-9, abs_tol=nothing)
                for found, known, nothing in zip(sides, (self.second, self.slope_second), noise, strict=True)
            ):
                return reach
        raise SpecError(f"'{self.m.phi.name}' grows too fast for correlations at variance {self.q:.6g}")

    @functools.cached_property
    def _beyond(self) -> float:
        """The power that stands for the terms left out: their mean one, which is what gives the slope at 1."""
        values, slopes, _ = self._hermite
        rest = self.second - values.sum()
        mean = self.q * (self.slope_second - slopes.sum()) / rest if rest > _EXACT * self.second else 0.0
        return max(2.0 * _TERMS, mean)

    @functools.cached_property
    def _opposite(self) -> float:
        return self._mirrored()[0]

    def _mirrored(self) -> tuple[float, float]:
        phi = self.m.phi
        x, weight = self._line(mirrored=True)
        return float(weight @ (phi.value(x) * phi.value(-x))), float(weight @ (phi.slope(x) * phi.slope(-x)))

    @functools.cached_property
    def jumps(self) -> bool:
        phi, reach = self.m.phi, 12 * math.sqrt(self.q)
        at = np.asarray(phi.kinks) if phi.kinks is not None else phi.resolution.jumps(reach)
        at = at[np.abs(at) <= reach]
        if not len(at):
            return False
        step = 1e-8 * np.maximum(1.0, np.abs(at))
        return bool((np.abs(phi.value(at + step) - phi.value(at - step)) > 1e-5 * math.sqrt(self.second)).any())
