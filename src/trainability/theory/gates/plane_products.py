"""E[φ(u)φ(v)] of gates of two pieces by Mehler's series over Hermite coefficients of the plane."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from trainability.theory.expectations import Products
from trainability.theory.gates.formula import GateFormula

if TYPE_CHECKING:
    from trainability.theory.gates.plane import Rule

_TERMS = 128


class PlaneProducts(Products):
    """Σ p_m c^m, with p_m the sum of the squared coefficients of degree m.

    The series is cut at degree 128, and what is left over is taken as one more term of twice that degree. It is exact
    to 9 digits up to |c| = 0.85; beyond that a kinked gate keeps about 5, a smooth one 9.
    """

    def __init__(self, formula: GateFormula, rule: Rule, q: float):
        self.name, self.q = formula.name, q
        self._formula = formula
        self.second = float(rule.weight @ rule.value**2)
        self.slope_second = float(rule.weight @ rule.slope_second)
        self._values, self._slopes = _squares(rule, math.sqrt(q))

    def at(self, c: float) -> tuple[float, float]:
        if c == 1:
            return self.second, self.slope_second
        powers = float(c) ** np.arange(_TERMS)
        return tuple(
            float(squares @ powers + max(total - squares.sum(), 0.0) * c ** (2 * _TERMS))
            for squares, total in ((self._values, self.second), (self._slopes, self.slope_second))
        )  # pyright: ignore[reportReturnType]

    def nearly(self, c: float) -> float:
        return self.at(c)[0]

    @functools.cached_property
    def jumps(self) -> bool:
        return self._formula.jumps(math.sqrt(self.q))


def _squares(rule: Rule, s: float) -> tuple[np.ndarray, np.ndarray]:
    """Sums of squared coefficients by degree: of φ, and of both partial derivatives together."""
    sides = np.concatenate([rule.value[None], rule.slopes]) * rule.weight
    inner = np.empty((3, _TERMS, len(rule.outer)))
    for k, h in enumerate(_hermite(rule.x[1] / s)):
        for side in range(3):
            inner[side, k] = np.bincount(rule.row, sides[side] * h, len(rule.outer))
    outer = np.stack(list(_hermite(rule.outer / s)))
    squares = np.einsum("jr,skr->sjk", outer, inner, optimize=True) ** 2
    degree = np.add.outer(np.arange(_TERMS), np.arange(_TERMS))
    by_degree = [np.bincount(degree.ravel(), part.ravel())[:_TERMS] for part in squares]
    return by_degree[0], by_degree[1] + by_degree[2]


def _hermite(z: np.ndarray):
    """The normalised Hermite polynomials of degree 0 to _TERMS − 1 at z, one after the other."""
    before, h = np.zeros_like(z), np.ones_like(z)
    for k in range(_TERMS):
        yield h
        before, h = h, (z * h - math.sqrt(k) * before) / math.sqrt(k + 1)
