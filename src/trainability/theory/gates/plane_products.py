"""E[φ(u)φ(v)] of gates of two pieces by Mehler's series over Hermite coefficients of the plane."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from trainability.theory.expectations import Products
from trainability.theory.gates.formula import GateFormula
from trainability.theory.quadrature import nodes_of, weights_of

if TYPE_CHECKING:
    from trainability.theory.gates.plane import Rule

_TERMS = 128
_LAST = 32
_NOTHING = 1e-14
_OCTAVES = 50
_STEEP = 3.0


class PlaneProducts(Products):
    """Σ p_m c^m, with p_m the sum of the squared coefficients of degree m.

    The series is cut at degree 128. At c = 1 it is known what is left over; along c it fades as that of a power of m,
    which a kink makes, told from the last terms. A smooth gate keeps 9 digits everywhere, a kinked one up to
    |c| = 0.85; beyond that E[φφ] keeps 6 and E[φ′φ′] 4.
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
        value, slope = (
            float(squares @ powers) + _beyond(squares, total, float(c))
            for squares, total in ((self._values, self.second), (self._slopes, self.slope_second))
        )
        return value, slope

    def nearly(self, c: float) -> float:
        return self.at(c)[0]

    @functools.cached_property
    def jumps(self) -> bool:
        return self._formula.jumps(math.sqrt(self.q))


def _beyond(squares: np.ndarray, total: float, c: float) -> float:
    """Σ p_m c^m from degree 128 on, where Σ p_m is `total`: p_m ∝ m^−α, even and odd degrees as in the last ones.

    A kink of φ makes α − 1 half of a whole number; where it lies beside 0 the last terms waver, and tell it roughly.
    """
    rest, last = total - float(squares.sum()), squares[-_LAST:]
    size = float(last.sum())
    if rest <= _NOTHING * total or size <= 0 or c == 0:
        return 0.0
    end = _TERMS - 0.5
    power = math.log1p(size / rest) / math.log(end / (end - _LAST))
    power = max(round(power - 0.5), 0) + 0.5 if power < _STEEP else power  # α − 1: the rest falls as m^−(α − 1)
    # u = (m / end)^−(α − 1), so that the sum is ∫ |c|^m du; panels shrink towards 0 by octaves.
    high = 2.0 ** -np.arange(_OCTAVES)
    u, weight = nodes_of(0.5 * high, high).ravel(), weights_of(0.5 * high, high).ravel()
    with np.errstate(over="ignore"):
        left = rest * float(weight @ np.exp(end * math.log(abs(c)) * u ** (-1 / power)))
    return left if c > 0 else left * float(last[::2].sum() - last[1::2].sum()) / size


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
