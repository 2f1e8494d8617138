"""E[φ(u)φ(v)] of gates of two pieces by Mehler's series, the plane in polar coordinates.

In degree m stand the functions R_nl(r²/2q) exp(± i l θ) with m = 2n + l, where R_nl is Laguerre's, normalised.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from trainability.theory.expectations import Expectations, Products
from trainability.theory.gates.octaves import density
from trainability.theory.quadrature import NODES, ORDER, TO_COEFFICIENTS, WEIGHTS, nodes_of, weights_of

if TYPE_CHECKING:
    from trainability.theory.gates.circle import Arcs, Circles
    from trainability.theory.gates.octaves import Octave

_TERMS = 128
_LAST = 32
_NOTHING = 1e-14
_OCTAVES = 50
_STEEP = 3.0
_FIRST, _SMALL = 44, 1e-8
_ALL, _NEAR = 14.0, 0.1
"""Deviations at which a root of the density is below 1e-20; and how close to an edge another one need not be."""


class PlaneProducts(Products):
    """Σ p_m c^m, with p_m the sum of the squared coefficients of degree m.

    The series is cut at degree 128. At c = 1 it is known what is left over; along c it fades as that of a power of m,
    which a kink makes, told from the last terms. A smooth gate keeps 9 digits everywhere, a kinked one up to
    |c| = 0.85; beyond that E[φφ] keeps 6 and E[φ′φ′] 4.
    """

    def __init__(self, m: Expectations, octaves: Octave, circles: Circles, q: float):
        self.name, self.q = m.name, q
        self._formula = circles.formula
        self.second, self.slope_second = m.at("second", q), m.at("slope_second", q)
        deviation = math.sqrt(q)
        z, w = _distances(octaves.touching / deviation, float(octaves.r[-1]) / deviation)
        self._values, self._slopes = _squares(circles, deviation * z, density(z, 1.0, 2) * w, q)

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


def _distances(touching: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights, in deviations, between which also polynomials of degree 128 are resolved.

    Means go as whole powers of a root of the distance from where a circle touches a switch: steps shrink towards it.
    """
    touching = touching[touching > _NEAR]
    steps = np.arange(1.0, math.ceil(max(_ALL, 1.4 * reach)) + 1)
    steps = steps[np.abs(steps[:, None] - touching).min(axis=1, initial=np.inf) > _NEAR]
    places, weights = [], []
    t = 0.5 * (1 + NODES)
    for low, high in itertools.pairwise(np.sort(np.concatenate([[0.0], steps, touching])).tolist()):
        singular = [end for end in (low, high) if end in touching]
        for end in singular:
            width = (high - low) / len(singular)
            places.append(end + (width if end == low else -width) * t**2)
            weights.append(width * WEIGHTS * t)
        if not singular:
            places.append(low + (high - low) * t)
            weights.append(0.5 * (high - low) * WEIGHTS)
    return np.concatenate(places), np.concatenate(weights)


def _squares(circles: Circles, r: np.ndarray, weight: np.ndarray, q: float) -> tuple[np.ndarray, np.ndarray]:
    """Sums of squared coefficients by degree: of φ, and of both partial derivatives together."""
    angular = weight * _fourier(circles.arcs(r), len(r))
    found = np.zeros((3, _TERMS))
    each = np.where(np.arange(_TERMS) == 0, 1.0, 2.0)  # exp(i l θ) and exp(−i l θ)
    for n, radial in enumerate(_laguerre(0.5 * r**2 / q)):
        size = np.abs(np.einsum("slr,lr->sl", angular[:, : len(radial)], radial)) ** 2
        found[:, 2 * n : 2 * n + len(radial)] += each[: len(radial)] * size
    return found[0], found[1] + found[2]


def _fourier(arcs: Arcs, rows: int) -> np.ndarray:
    """Means of φ and its slopes times exp(−i l θ) over circles, shape (3, _TERMS, rows).

    On an arc of half width h they are Legendre series, and ½ ∫ P_k(x) exp(−i l h x) dx = (−i)^k j_k(l h).
    """
    degree = np.arange(_TERMS)
    series = TO_COEFFICIENTS @ np.concatenate([arcs.value[None], arcs.slopes])
    halves, which = np.unique(np.round(math.pi * arcs.share, 13), return_inverse=True)
    bessel = np.moveaxis(_spherical_bessel(halves[:, None] * degree), 0, -1)
    # (−i)^k is 1, −i, −1, i, and so on: for even k real.
    series *= np.resize([1.0, -1.0, -1.0, 1.0], ORDER)[:, None]
    made = np.empty((len(series), _TERMS, len(which)), complex)
    together = np.argsort(which, kind="stable")
    for matrix, mine in zip(bessel, np.split(together, np.cumsum(np.bincount(which))[:-1]), strict=True):
        some = series[:, :, mine]
        made[:, :, mine] = matrix[:, 0::2] @ some[:, 0::2] + 1j * (matrix[:, 1::2] @ some[:, 1::2])
    middle = 0.5 * (arcs.angle[0] + arcs.angle[-1])
    made *= arcs.share * np.exp(-1j * np.multiply.outer(degree, middle))
    return np.add.reduceat(made, np.searchsorted(arcs.row, np.arange(rows)), axis=-1)


def _spherical_bessel(x: np.ndarray) -> np.ndarray:
    """j_k(x) for k from 0 to ORDER − 1, shape (ORDER, *x.shape), of x ≥ 0.

    By the recurrence upwards where x is larger than k, else downwards (Miller), scaled by Σ (2k + 1) j_k² = 1. (SciPy's
    takes one after the other, fifty times as long.)
    """
    found = np.empty((ORDER, *x.shape))
    large = x > ORDER
    y = np.where(large, x, ORDER)
    before, now = np.sin(y) / y, (np.sin(y) / y - np.cos(y)) / y
    for k in range(ORDER):
        found[k] = before
        before, now = now, (2 * k + 3) / y * now - before
    small = np.maximum(x[~large], _SMALL)
    orders, above, here = [], np.zeros_like(small), np.full_like(small, 1e-150)
    total = np.zeros_like(small)
    for k in range(_FIRST, -1, -1):
        if k < ORDER:
            orders.append(here)
        total += (2 * k + 1) * here**2
        above, here = here, (2 * k + 1) / small * here - above
        huge = np.abs(here) > 1e100
        if huge.any():
            scale = np.where(huge, 1e-100, 1.0)
            above, here, total = above * scale, here * scale, total * scale**2
            orders = [order * scale for order in orders]
    orders = np.array(orders[::-1])
    # j_0 and j_1 are not 0 together.
    zero, one = np.sin(small) / small, (np.sin(small) / small - np.cos(small)) / small
    sign = np.where(np.abs(zero) > np.abs(one), np.sign(zero * orders[0]), np.sign(one * orders[1]))
    found[:, ~large] = orders * sign / np.sqrt(total)
    found[1:, x == 0] = 0.0
    return found


def _laguerre(u: np.ndarray):
    """R_nl(u) for n = 0, 1, …: of all l with 2n + l < _TERMS, shape (l, radii)."""
    from scipy.special import gammaln

    degree = np.arange(float(_TERMS))[:, None]
    before = np.zeros((_TERMS, len(u)))
    with np.errstate(divide="ignore"):
        now = np.exp(0.5 * (np.where(degree == 0, 0.0, degree * np.log(u)) - gammaln(degree + 1)))
    for n in range((_TERMS + 1) // 2):
        yield now
        count = _TERMS - 2 * (n + 1)
        if count <= 0:
            return
        before, now, degree = before[:count], now[:count], degree[:count]
        following = ((2 * n + 1 + degree - u) * now - np.sqrt(n * (n + degree)) * before) / np.sqrt(
            (n + 1) * (n + 1 + degree)
        )
        before, now = now, following
