"""Gaussian expectations of softshrink and hardshrink, which keep their digits where the variance is far below λ².

There both are 0 but in the Gaussian's far tails. What two of these share is an integral over the correlation whose
integrand is positive: P(u > h, v > h) = ∫ φ₂(h, h; r) dr from −1 to c, E[(u − h)₊ (v − h)₊] = ∫ (c − r) φ₂(h, h; r) dr.
R. Plackett, A reduction formula for normal multivariate integrals, Biometrika 41, 1954.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trainability.activations.closed_forms import ClosedForms

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_OCTAVES = 0.5 ** np.arange(1, 26)
_PANELS = np.concatenate([[0.0], _OCTAVES[::-1], 1 - _OCTAVES[1:], [1.0]])
"""Ends of panels on [0, 1], small at both ends, where the integrand may fall off at once."""


def soft(lambd: float) -> ClosedForms:
    """x drawn towards 0 by λ."""

    def second(q: Any) -> Any:
        tail, density, h = _tail(lambd, q)
        return np.maximum(2 * q * ((1 + h * h) * tail - h * density), 0.0)

    def outside(q: Any) -> Any:
        return 2 * _tail(lambd, q)[0]

    def product(q: float, c: Any) -> float:
        h = lambd / math.sqrt(q)
        return 2 * q * (_shared(h, float(c))[1] - _shared(h, -float(c))[1])

    # φ is 0 where φ′ jumps, so that dE[φ²]/dq = E[φ′²].
    return ClosedForms(
        mean=lambda q: 0 * q,
        second=second,
        slope_second=outside,
        slope_fourth=outside,
        growth=outside,
        both=second,
        product=product,
        slope_product=lambda q, c: _both_outside(lambd, q, float(c)),
    )


def hard(lambd: float) -> ClosedForms:
    """x where |x| > λ, else 0."""

    def second(q: Any) -> Any:
        tail, density, h = _tail(lambd, q)
        return 2 * q * (tail + h * density)

    def outside(q: Any) -> Any:
        return 2 * _tail(lambd, q)[0]

    def growth(q: Any) -> Any:
        tail, density, h = _tail(lambd, q)
        return 2 * (tail + h * density + 0.5 * h * (h * (h * density)))

    def product(q: float, c: Any) -> float:
        h = lambd / math.sqrt(q)
        above, below = (_shared(h, sign * float(c)) for sign in (1, -1))
        return 2 * q * sum(weight * (a - b) for weight, a, b in zip((h * h, 1.0, 2 * h), above, below, strict=True))

    return ClosedForms(
        mean=lambda q: 0 * q,
        second=second,
        slope_second=outside,
        slope_fourth=outside,
        growth=growth,
        both=second,
        product=product,
        slope_product=lambda q, c: _both_outside(lambd, q, float(c)),
    )


def _tail(lambd: float, q: Any) -> tuple[Any, Any, Any]:
    """P(z > h) and the density at h = λ/√q, and h."""
    from scipy.special import ndtr

    h = lambd / np.sqrt(q)
    return ndtr(-h), np.exp(-0.5 * h * h) / math.sqrt(2 * math.pi), h


def _both_outside(lambd: float, q: float, c: float) -> float:
    h = lambd / math.sqrt(q)
    return 2 * (_shared(h, c)[0] + _shared(h, -c)[0])


def _shared(h: float, c: float) -> tuple[float, float, float]:
    """P(u > h, v > h), E[(u − h)₊ (v − h)₊] and E[(u − h)₊; v > h] of standard normal u, v with correlation c."""
    from scipy.special import ndtr

    # With r = sin θ, φ₂ dr is exp(−h²/(1 + r)) dθ / 2π.
    end = math.asin(min(max(c, -1.0), 1.0))
    edges = (end + 0.5 * math.pi) * _PANELS - 0.5 * math.pi
    half = 0.5 * np.diff(edges)[:, None]
    theta = 0.5 * (edges[:-1] + edges[1:])[:, None] + half * _NODES
    r, weight = np.sin(theta), half * _WEIGHTS
    above = np.maximum(1 + r, 1e-300)
    joint = weight * np.exp(-h * h / above) / (2 * math.pi)
    one = weight * np.cos(theta) * math.exp(-0.5 * h * h) / math.sqrt(2 * math.pi) * ndtr(-h * np.sqrt((1 - r) / above))
    return float(joint.sum()), float((joint * (c - r)).sum()), float(one.sum())
