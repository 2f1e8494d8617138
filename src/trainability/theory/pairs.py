"""E[φ(u)φ(v)] and E[φ′(u)φ′(v)] of every pair of many jointly normal numbers, to two digits or more, at once.

Mehler's series Σ_k a_k(u) a_k(v) c^k, in which the Hermite coefficients of each number are those at its own
variance: one matrix product makes them for all. Of a function with a kink, or one so steep that it looks like a step,
they fall as a power of k; what lies beyond the last term is added as the integral of that power. Smooth functions get
nine digits, kinks at 0 five, kinks elsewhere and steep functions two. `correlation.py` has nine for one pair of equal
variances, in milliseconds.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from trainability.theory.functions import Phi

TERMS = 64
_LAST = 24
_REACH, _ORDER = 7.0, 8
_STEEP = 6.0


@dataclass(frozen=True)
class Pairs:
    """Of numbers u_a: mean E[φ(u_a)], shape (n,); product E[φ(u_a)φ(u_b)] and slope E[φ′(u_a)φ′(u_b)], shape (n, n)."""

    mean: np.ndarray
    product: np.ndarray
    slope: np.ndarray


def pairs(phi: Phi, covariance: np.ndarray) -> Pairs:
    """Of numbers of mean 0 and this covariance, shape (n, n). Not finite where φ overflows within 7 deviations."""
    variance = np.diagonal(covariance)
    deviation = np.sqrt(variance)
    scale = np.where(deviation > 0, deviation, 1.0)
    c = np.clip(covariance / np.outer(scale, scale), -1.0, 1.0)
    np.fill_diagonal(c, 1.0)
    z, weight, basis = _basis()
    x = np.outer(deviation, z)
    with np.errstate(all="ignore"):
        value, slope = phi.value(x), phi.slope(x)
        values, slopes = _Series(value @ basis, value**2 @ weight), _Series(slope @ basis, slope**2 @ weight)
        fade = -TERMS * np.log(np.maximum(np.abs(c), 1e-9))
        # Of φ's kink a_k² falls as k^−5/2; of a step as k^−3/2, until k is so large that the step is seen to be steep.
        steep = slopes.rest * variance > _STEEP * TERMS * values.rest
        kink, step = _kink(fade), _step(fade, values.rest, slopes.rest * variance)
        both = np.outer(steep, steep)
        return Pairs(
            values.coefficients[:, 0],
            values.at(c, np.where(both, kink[1], kink[0])),
            slopes.at(c, np.where(both, step, kink[1])),
        )


class _Series:
    """Σ_k a_k(u) a_k(v) c^k, where Σ_k a_k(u)² is `second`, of shape (n,), and `rest` is what the terms leave of it."""

    def __init__(self, coefficients: np.ndarray, second: np.ndarray):
        self.coefficients, self.second = coefficients, second
        self.rest = np.maximum(second - np.square(coefficients).sum(axis=1), 0.0)

    def at(self, c: np.ndarray, tail: np.ndarray) -> np.ndarray:
        """Shape (n, n); `tail` is how much of the rest is left at c."""
        used = TERMS
        smooth = bool((self.rest <= 1e-12 * self.second).all())
        if smooth:  # most of the terms are 0
            large = np.square(self.coefficients) > 1e-16 * self.second[:, None]
            used = 1 + int(np.flatnonzero(large.any(axis=0)).max(initial=0))
        total = np.zeros_like(c)
        for k in reversed(range(used)):
            total *= c
            total += np.outer(self.coefficients[:, k], self.coefficients[:, k])
        if not smooth:
            total += tail * self._beyond(c)
        np.fill_diagonal(total, self.second)
        return total

    def _beyond(self, c: np.ndarray) -> np.ndarray:
        """The rest at |c| = 1: of terms as alike in sign as the last ones are."""
        last = self.coefficients[:, -_LAST:]
        length = np.sqrt(np.square(last).sum(axis=1))
        unit = last / np.where(length > 0, length, 1.0)[:, None]
        signs = (-1.0) ** np.arange(_LAST)  # TERMS − _LAST is even
        alike = np.where(c >= 0, unit @ unit.T, (unit * signs) @ unit.T)
        return alike * np.sqrt(np.outer(self.rest, self.rest))


def _kink(fade: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """∫ t^−p e^(−fade t) dt from 1, over the same at fade 0, for p of 5/2 and of 3/2."""
    from scipy.special import erfc

    low = np.exp(-fade) - np.sqrt(math.pi * fade) * erfc(np.sqrt(fade))
    return np.exp(-fade) - 2 * fade * low, low


def _step(fade: np.ndarray, value_rest: np.ndarray, slope_rest: np.ndarray) -> np.ndarray:
    """∫ t^−1/2 e^(−(fade + end) t) dt from 1, over the same at fade 0, with the `end` at which the rest is as it is."""
    from scipy.special import erfc

    # a_k² of φ and k a_k² of φ′ share their factor: slope_rest / value_rest = TERMS (√(π / end) − 2) / 2.
    root = 2 * slope_rest / np.where(value_rest > 0, TERMS * value_rest, 1.0) + 2
    end = math.pi / np.maximum(np.outer(root, root), 1e-9)

    def area(rate: np.ndarray) -> np.ndarray:
        return np.sqrt(1 / rate) * erfc(np.sqrt(rate))

    return area(fade + end) / area(end)


@functools.cache
def _basis() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points z, the standard normal's weights, and normalised Hermite polynomials times weights: (points, TERMS).

    Panels shrink towards 0, where φ bends however large the variance.
    """
    small = 0.25 * 2.0 ** np.arange(-12, 0)
    edges = np.concatenate([[0.0], small, np.arange(0.25, 3.0, 0.125), np.arange(3.0, _REACH + 0.1, 0.25)])
    nodes, weights = np.polynomial.legendre.leggauss(_ORDER)
    half = 0.5 * np.diff(edges)[:, None]
    z = (0.5 * (edges[1:] + edges[:-1])[:, None] + half * nodes).ravel()
    weight = (half * weights).ravel() * np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    z, weight = np.concatenate([-z[::-1], z]), np.concatenate([weight[::-1], weight])
    basis = np.empty((TERMS, len(z)))
    before, h = np.zeros_like(z), np.ones_like(z)
    for k in range(TERMS):
        basis[k] = h * weight
        before, h = h, (z * h - math.sqrt(k) * before) / math.sqrt(k + 1)
    return z, weight, basis.T
