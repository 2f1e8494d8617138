"""Gaussian expectations of the largest of k independent numbers: what theory needs of Maxout.

The largest has the distribution Φ^k, and of two inputs' pieces with correlation c the joint one Φ₂^k; the gradient has
length 1. So all are integrals over smooth functions of one or two numbers, for which the trapezoidal rule converges
exponentially.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from trainability.activations.closed_forms import ClosedForms

_STEP, _REACH = 1 / 16, 14.0
_STEP_2, _REACH_2 = 0.1, 9.0
_OPPOSITE = 1e-14
"""How near to −1 a correlation is taken as it is: what either changes by there is of the order 1e-7."""


@functools.cache
def largest_of(pieces: int) -> ClosedForms:
    """Of max(x1, …, xk), which is homogeneous: every expectation is a power of q times its value at 1."""
    from scipy.special import ndtr

    x = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
    density = _STEP * pieces * ndtr(x) ** (pieces - 1) * _density(x)
    mean, second, fourth = (float(density @ x**power) for power in (1, 2, 4))
    return ClosedForms(
        mean=lambda q: mean * np.sqrt(q),
        second=lambda q: second * q,
        fourth=lambda q: fourth * q**2,
        slope_second=lambda q: 1 + 0 * q,
        slope_fourth=lambda q: 1 + 0 * q,
        growth=lambda q: second + 0 * q,
        both=lambda q: second * q,
        product=lambda q, c: q * (second if c == 1 else _joint(pieces, float(c))[0]),
        slope_product=lambda q, c: 1.0 if c == 1 else _joint(pieces, float(c))[1],
    )


@functools.lru_cache(maxsize=4096)
def _joint(pieces: int, c: float) -> tuple[float, float]:
    """E[max(u) max(v)], and the probability that both are largest in the same place.

    a and b, where the largest lie, are turned into s ∝ a + b and d ∝ a − b, in which Φ₂(a, b) is smooth for every c.
    """
    from scipy.special import ndtr

    c = max(c, -1 + _OPPOSITE)
    along, across, tau = math.sqrt((1 + c) / 2), math.sqrt((1 - c) / 2), math.sqrt((1 - c) * (1 + c))
    # The sum's density is narrow near 0 and wide beyond, where c is near −1: a step that grows serves both.
    t = np.arange(0.5, math.asinh(_REACH_2 / along) / _STEP_2) * _STEP_2
    t = np.concatenate([-t[::-1], t])
    s, s_step = np.sinh(t)[:, None], (_STEP_2 * np.cosh(t))[:, None]
    d = (np.arange(2 * round(_REACH_2 / _STEP_2)) + 0.5) * _STEP_2 - _REACH_2
    a, b = along * s + across * d, along * s - across * d
    both_below = np.clip(_bivariate(a, b, c, tau), 0.0, 1.0)
    weight = s_step * _STEP_2 * _density(s) * _density(d)
    same = pieces * weight * both_below ** (pieces - 1)
    apart = pieces * (pieces - 1) * _density(a) * _density(b) * both_below ** (pieces - 2)
    apart = s_step * _STEP_2 * tau * apart * ndtr((b - c * a) / tau) * ndtr((a - c * b) / tau)
    return float((a * b * (same + apart)).sum()), float(same.sum())


def _density(x: Any) -> Any:
    return np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _bivariate(a: np.ndarray, b: np.ndarray, c: float, tau: float) -> np.ndarray:
    """P(u < a, v < b) for standard normal u, v with correlation c, by D. Owen's function T, 1956."""
    from scipy.special import ndtr, owens_t

    opposite = 0.5 * ((a * b < 0) | ((a * b == 0) & (a + b < 0)))
    first, second = owens_t(a, (b - c * a) / (a * tau)), owens_t(b, (a - c * b) / (b * tau))
    return 0.5 * (ndtr(a) + ndtr(b)) - first - second - opposite
