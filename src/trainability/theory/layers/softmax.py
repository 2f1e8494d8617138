"""Softmax and its logarithm over a layer of n units, exactly: integrals over one variable.

A power of the sum S = Σ exp(zⱼ) below the line is an integral, 1/Sᵏ = ∫ tᵏ⁻¹ exp(−t S) dt / (k − 1)!, under which the
units are independent. With t = exp(a) and g_m(u) = exp(m u − exp(u)) all that is needed are the smoothed
K_m(a) = E[g_m(a + z)], z ~ N(0, q): E[s²] = ∫ K₂ K₀ⁿ⁻¹ da, and K₀(a)ⁿ is the distribution of −ln S plus a Gumbel
variable, from which the moments of ln S come. All integrands are analytic and decay at both ends, where equal steps
converge faster than any power of the step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_STEP, _FINE = 0.25, 0.125
"""Between places, and the finer one that tells the error. At 0.25, E[φ²] and E‖J‖² are right to 1e-10."""
_HIGHEST = 5
"""Powers m that K₀, K₁, K₂ and their derivatives by q need."""
_WIDE = 9.0
"""Deviations beyond which a Gaussian is below 1e-17."""
_LEFT, _RIGHT = 42.0, 5.0
"""exp(u − exp(u)) is below 1e-18 to the left of −42 and to the right of 4."""
_EULER = 0.5772156649015329


@dataclass(frozen=True)
class Moments:
    """Of one unit of a layer of n, at one variance q.

    Attributes:
        mean, second: E[φ], E[φ²].
        slope_second: E‖J‖²/n, J being the layer's Jacobian.
        growth: dE[φ²]/dq.
    """

    mean: float
    second: float
    slope_second: float
    growth: float


@dataclass(frozen=True)
class _Smoothed:
    """K_m for m = 0 to 2 and their derivatives by q at the places `a`, each of shape (m, places); `step` between."""

    a: np.ndarray
    step: float
    k: np.ndarray
    by_q: np.ndarray

    def sum(self, values: np.ndarray) -> float:
        """The integral over a."""
        return self.step * float(values.sum())


def softmax(q: float, width: int, fine: bool = False) -> Moments:
    """The moments of a softmax, or of a softmin, whose pre-activations are as likely as their opposites."""
    n = width
    if n == 1:
        return Moments(1.0, 1.0, 0.0, 0.0)
    s = _smoothed(q, n, _FINE if fine else _STEP)
    others = s.k[0] ** (n - 1)
    second = s.sum(s.k[2] * others)
    pair = s.k[0] ** (n - 2)
    growth = s.sum(s.by_q[2] * others + (n - 1) * s.k[2] * pair * s.by_q[0])
    # ‖J‖² = Σ sᵢ² (1 − sᵢ)² + Σ_{i≠j} sᵢ² sⱼ², where sᵢ (1 − sᵢ) = exp(zᵢ) Σ_{j≠i} exp(zⱼ) / S².
    three = (n - 2) * s.k[1] ** 2 * s.k[0] ** (n - 3) if n > 2 else 0.0
    slope = (n - 1) / 6 * s.sum(s.k[2] * (2 * s.k[2] * pair + three))
    return Moments(1 / n, second, slope, growth)


def log_softmax(q: float, width: int, fine: bool = False) -> Moments:
    """The moments of a log-softmax: J = 1 − 1 sᵀ, and E[zᵢ ln S] = q/n."""
    n = width
    if n == 1:
        return Moments(0.0, 0.0, 0.0, 0.0)
    s = _smoothed(q, n, _FINE if fine else _STEP)
    density = n * s.k[1] * s.k[0] ** (n - 1)
    by_q = n * (s.by_q[1] * s.k[0] ** (n - 1) + (n - 1) * s.k[1] * s.k[0] ** (n - 2) * s.by_q[0])
    centre = float(s.a[np.argmax(density)])
    first, square = (s.sum((s.a - centre) ** power * density) for power in (1, 2))
    first_by_q, square_by_q = (s.sum((s.a - centre) ** power * by_q) for power in (1, 2))
    mean = centre + first + _EULER
    variance = square - first**2 - math.pi**2 / 6
    growth = square_by_q - 2 * first * first_by_q + 2 * mean * first_by_q
    share = 1 - 2 / n
    return Moments(mean, share * q + variance + mean**2, share + n * softmax(q, n, fine).second, share + growth)


def _smoothed(q: float, width: int, step: float) -> _Smoothed:
    """Over all places at which any of the integrands is more than rounding."""
    deviation, largest = math.sqrt(q), math.sqrt(2 * math.log(width))
    # ln S lies between ln n − 9 deviations and ln n + those of the largest of n.
    low = -math.log(width) - deviation * (largest + _WIDE) - _LEFT
    high = -math.log(width) + _WIDE * deviation + _RIGHT
    apart = max(step, 1.5 * step * deviation / (1 + largest))
    a = np.arange(low, high + apart, apart)
    return _smoothed_little(a, apart, deviation, step) if q <= 1 else _smoothed_much(a, apart, q, step)


def _smoothed_little(a: np.ndarray, apart: float, deviation: float, step: float) -> _Smoothed:
    """By steps in the Gaussian: q up to 1. ∂K/∂q is half the second derivative by a, the heat equation."""
    x = np.arange(-_WIDE, _WIDE + 4, step)
    weight = step * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    power = np.exp(a[:, None] + deviation * x)
    with np.errstate(under="ignore"):
        g = np.exp(-power)
        k = []
        for _ in range(_HIGHEST):
            k.append(g @ weight)
            g = g * power
    m = np.arange(3)[:, None]
    k = np.array(k)
    return _Smoothed(a, apart, k[:3], 0.5 * (m**2 * k[:3] - (2 * m + 1) * k[1:4] + k[2:5]))


def _smoothed_much(a: np.ndarray, apart: float, q: float, step: float) -> _Smoothed:
    """By steps in u, where g is narrower than the Gaussian; K₀ = ∫ g₁(u) P(a + z < u) du, by parts."""
    from scipy.special import ndtr

    u = np.arange(-_LEFT, _RIGHT, step)
    away = (u - a[:, None]) / math.sqrt(q)
    with np.errstate(under="ignore"):
        normal = np.exp(-(away**2) / 2) / math.sqrt(2 * math.pi * q)
        g = step * np.exp(np.arange(1, 3)[:, None] * u - np.exp(u))
        k = np.array([ndtr(away) @ g[0], normal @ g[0], normal @ g[1]])
        curved = normal * (away**2 - 1) / (2 * q)
        by_q = np.array([-0.5 * (normal * away) @ g[0] / math.sqrt(q), curved @ g[0], curved @ g[1]])
    return _Smoothed(a, apart, k, by_q)
