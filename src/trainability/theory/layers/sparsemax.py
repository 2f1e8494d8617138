"""Sparsemax over a layer of n units, exactly: a sum over how many units answer.

If k units answer, with answers y on the simplex and threshold τ, their pre-activations are τ + yᵢ, and the density of
independent Gaussians of variance q falls into a factor of τ and one of y:

    P(k) = C(n, k) k (2πq)^(−k/2) ∫ Φ(τ/√q)ⁿ⁻ᵏ exp(−k(τ + 1/k)²/2q) dτ · ∫ exp(−Σ(yᵢ − 1/k)²/2q) dy

The integral over the simplex is a k-fold convolution at 1, the inverse Laplace transform of B(s)ᵏ, where
B(s) = ∫ exp(−s y − βy²) dy over y > 0, β = 1/2q, is a complementary error function. The Jacobian is 1 − 1/k among those
that answer and 0 elsewhere: ‖J‖² = k − 1, and dE[Σyᵢ²]/dq = E[Σyᵢ² − 1/k]/q.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from trainability.theory.layers.softmax import Moments

_NODES, _FINE, _CELLS = 96, 160, 200
"""Steps on the contour, the finer ones that tell the error, and steps over the threshold."""
_HALVINGS = 18
"""The contour may go beside the saddle, and the steps begin beside the peak's end: neither is needed more exactly."""
_LEAN = 0.6
"""How far the contour's branches lean to the left; B(s) is like 1/s while that is less than π/4."""
_RARE, _NO_MORE = 45.0, 40.0
"""Fall of a logarithm after which all is rounding: over k and the threshold, and on the contour."""
_ALL_ANSWER = 9.5
"""Deviations by which the mean answer 1/n is away from 0, beyond which all units answer."""
_TRIED = 24
"""Numbers k at which P(k) is looked at to find where it is not nothing."""
_FAR, _TERMS = 8.0, 22
"""Where the asymptotic series is taken, and how many of its terms: the next would be below 1e-15."""


def sparsemax(q: float, width: int, fine: bool = False) -> Moments:
    """The moments of a sparsemax."""
    n = width
    if n == 1:
        return Moments(1.0, 1.0, 0.0, 0.0)
    if n * math.sqrt(q) * _ALL_ANSWER < 1:
        return Moments(1 / n, 1 / n**2 + q * (1 - 1 / n), 1 - 1 / n, 1 - 1 / n)
    k = _likely(q, n)
    log_share, square = _answering(q, n, k, _FINE if fine else _NODES)
    share = np.exp(log_share)
    second, slope, growth = (float(share @ v) / n for v in (square, k - 1, (square - 1 / k) / q))
    return Moments(1 / n, second, slope, growth)


def _likely(q: float, n: int) -> np.ndarray:
    """The numbers k of units that answer, but for those that never do: P(k) has one peak."""
    every = np.arange(1.0, n + 1)
    while len(every) > 2 * _TRIED:
        at = np.linspace(0, len(every) - 1, _TRIED).astype(int)
        found = _answering(q, n, every[at], _NODES)[0]
        kept = np.flatnonzero(found > found.max() - _RARE)
        first, last = at[max(kept[0] - 1, 0)], at[min(kept[-1] + 1, _TRIED - 1)]
        if last - first + 1 > 0.8 * len(every):
            break
        every = every[first : last + 1]
    return every


def _answering(q: float, n: int, k: np.ndarray, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """ln P(k), and E[Σyᵢ²] where k units answer."""
    from scipy.special import gammaln

    choices = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + np.log(k)
    with np.errstate(all="ignore"):
        log_simplex, square = _simplex(0.5 / q, k, nodes)
        found = choices - k / 2 * math.log(2 * math.pi * q) + _threshold(q, n, k) + log_simplex
    never = ~np.isfinite(found)  # Answers so far from what is usual overflow.
    return np.where(never, -np.inf, found), np.where(never, 1 / k, square)


def _threshold(q: float, n: int, k: np.ndarray) -> np.ndarray:
    """The logarithm of the integral over τ, by equal steps wherever the integrand is more than rounding."""
    from scipy.special import log_ndtr, logsumexp

    centre = -1 / (k * math.sqrt(q))

    def value(x: np.ndarray) -> np.ndarray:
        return (n - k) * log_ndtr(x) - k * (x - centre) ** 2 / 2

    def slope(x: np.ndarray) -> np.ndarray:
        return (n - k) * np.exp(-(x**2) / 2 - log_ndtr(x)) / math.sqrt(2 * math.pi) - k * (x - centre)

    peak = _root(slope, centre, np.maximum(centre, 0) + np.sqrt(2 * n) + 1)
    top = value(peak) - _RARE
    # The curvature is at least k, so that all is over within 10/√k on either side.
    most = 10 / np.sqrt(k)
    left, right = (_root(lambda x, side=side: value(peak + side * x) - top, 0 * most, most) for side in (-1, 1))
    step = (left + right) / _CELLS
    x = peak - left + step * np.arange(_CELLS + 1)[:, None]
    return logsumexp(value(x), axis=0) + np.log(step * math.sqrt(q))


def _simplex(beta: float, k: np.ndarray, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """The logarithm of the integral over the simplex, and the mean of Σyᵢ² under it.

    By Bromwich's integral over a hyperbola through the saddle of exp(s) B(s)ᵏ, whose branches run to the left, where
    exp(s) decays.
    """
    saddle = _root(lambda s: _first(s, beta) - 1 / k, -2 * beta / k, k)
    spread = np.maximum(np.real(_second(saddle + 0j, beta)) - _first(saddle, beta) ** 2, 1e-300)
    size = 1 / (np.sqrt(k * spread) * math.cos(_LEAN))
    reach = np.maximum(np.arccosh(1 + _NO_MORE / (size * math.sin(_LEAN))), 3.5)
    theta = reach * np.linspace(0, 1, nodes)[:, None]
    branch = math.sin(_LEAN) * (1 - np.cosh(theta)) + 1j * math.cos(_LEAN) * np.sinh(theta)
    along = 1j * math.sin(_LEAN) * np.sinh(theta) + math.cos(_LEAN) * np.cosh(theta)
    s = saddle + size * branch
    exponent = _log_of_power(s, beta, k)
    top = exponent[0].real
    part = np.exp(exponent - top) * along * np.where(theta > 0, 1.0, 0.5)
    total = part.real.sum(axis=0)
    square = k * (part * _second(s, beta)).real.sum(axis=0) / total
    return top + np.log(total * size * reach / ((nodes - 1) * math.pi)), square


def _log_of_power(s: np.ndarray, beta: float, k: np.ndarray) -> np.ndarray:
    """The logarithm of exp(s + β/k) B(s)ᵏ."""
    from scipy.special import wofz

    return k * np.log(wofz(0.5j * s / math.sqrt(beta)) * math.sqrt(math.pi / beta) / 2) + s + beta / k


def _first(s: np.ndarray, beta: float) -> np.ndarray:
    """E[y] under exp(−s y − βy²), for real s."""
    from scipy.special import erfcx

    w = s / (2 * math.sqrt(beta))
    near = (1 / (math.sqrt(math.pi) * erfcx(w)) - w) / math.sqrt(beta)
    return np.where(w > _FAR**2, 1 / s - 2 * beta / s**3, near)


def _second(s: np.ndarray, beta: float) -> np.ndarray:
    """E[y²] likewise, for complex s; far out by the asymptotic series, where the closed form cancels."""
    from scipy.special import wofz

    w = s / (2 * math.sqrt(beta))
    # To the left the series holds only where exp(w²) has died out, and there the closed form is good for longer.
    far = np.abs(w) > np.where(w.real > 0, _FAR, 4 * _FAR)
    v = np.where(far, beta / np.where(s == 0, 1, s) ** 2, 0)
    m = np.arange(_TERMS)
    below = np.cumprod(np.concatenate([[1.0], -2.0 * (2 * m[:-1] + 1)]))  # (−1)ᵐ (2m)!/m!
    above = below * (2 * m + 1) * (2 * m + 2)
    series = np.polyval(above[::-1], v) / np.polyval(below[::-1], v) / np.where(s == 0, 1, s) ** 2
    scaled = wofz(1j * np.where(far, 0, w))
    near = (2 + 4 * w**2 - 4 * w / (math.sqrt(math.pi) * scaled)) / (4 * beta)
    return np.where(far & (w.real > -np.abs(w.imag)), series, near)


def _root(falling: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Where a falling function crosses 0 between `low` and `high`, of each element, by halving."""
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        up = falling(middle) > 0
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    return 0.5 * (low + high)
