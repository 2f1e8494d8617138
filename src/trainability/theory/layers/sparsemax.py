"""Sparsemax over a layer of n units, exactly: a sum over how many units answer.

If k units answer, with answers y on the simplex and threshold τ, their pre-activations are τ + yᵢ, and the density of
independent Gaussians of variance q falls into a factor of τ and one of y:

    P(k) = C(n, k) k (2πq)^(−k/2) ∫ Φ(τ/√q)ⁿ⁻ᵏ exp(−k(τ + 1/k)²/2q) dτ · ∫ exp(−Σ(yᵢ − 1/k)²/2q) dy

The integral over the simplex is a k-fold convolution at 1, the inverse Laplace transform of B(s)ᵏ, where
B(s) = ∫ exp(−s y − βy²) dy over y > 0, β = 1/2q, is a complementary error function. The Jacobian is 1 − 1/k among those
that answer and 0 elsewhere: ‖J‖² = k − 1, and dE[Σyᵢ²]/dq = E[Σyᵢ² − 1/k]/q.

All variances and all k are taken at once: arrays here have an element for each pair of both.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainability.theory.layers.softmax import Moments

_NODES, _CELLS = 80, 100
"""Steps on the contour, and over the threshold: P(k) is right to 1e-12."""
_FINER = 1.5
"""How many times as many of both tell the error."""
_LEAN = 0.6
"""How far the contour's branches lean to the left; B(s) is like 1/s while that is less than π/4."""
_RARE, _NO_MORE = 32.0, 42.0
"""Fall of a logarithm after which all is rounding: over k and the threshold, and on the contour."""
_ALL_ANSWER = 9.5
"""Deviations by which the mean answer 1/n is away from 0, beyond which all units answer."""
_TRIED = 24
"""Numbers k at which P(k) is looked at to find where it is not nothing."""
_STEPS, _CLOSE = 30, 1e-3
"""Newton's on the way to a peak at most, and the share of its width that is close enough to it."""
_FAR, _TERMS = 8.0, 22
"""Where the asymptotic series is taken, and how many of its terms: the next would be below 1e-15."""


def sparsemax(q: Sequence[float], width: int, fine: bool = False) -> list[Moments]:
    """The moments of a sparsemax at each of the variances `q`."""
    n = width
    if n == 1:
        return [Moments(1.0, 1.0, 0.0, 0.0)] * len(q)
    some = [v for v in q if n * math.sqrt(v) * _ALL_ANSWER >= 1]
    found = iter(_moments(np.array(some), n, fine) if some else ())
    all_answer = 1 - 1 / n
    return [
        next(found) if n * math.sqrt(v) * _ALL_ANSWER >= 1
        else Moments(1 / n, 1 / n**2 + v * all_answer, all_answer, all_answer)
        for v in q
    ]  # fmt: skip


def _moments(q: np.ndarray, n: int, fine: bool) -> list[Moments]:
    place, peaks = likely(q, n)
    log_share, spread = answering(peaks, _FINER if fine else 1.0)
    share = np.exp(log_share)
    parts = spread + 1 / peaks.k, peaks.k - 1, spread / peaks.q
    columns = [np.bincount(place, share * part, len(q)) / n for part in parts]
    return [Moments(1 / n, *row) for row in np.stack(columns, axis=1).tolist()]


def likely(q: np.ndarray, n: int) -> tuple[np.ndarray, Peaks]:
    """The numbers k of units that answer at each variance, but for those that never do, and which variance each is of.

    P(k) has one peak in k. Of many units a few k are tried first.
    """
    place, k = np.arange(len(q)).repeat(n), np.tile(np.arange(1.0, n + 1), len(q))
    if n > 4 * _TRIED:
        tried = np.unique(np.concatenate([np.geomspace(1, n, _TRIED // 2), np.linspace(1, n, _TRIED // 2)]).round())
        log = Peaks.of(q.repeat(len(tried)), n, np.tile(tried, len(q))).log_share.reshape(len(q), -1)
        kept = log > log.max(axis=1, keepdims=True) - _RARE
        first = tried[np.maximum(kept.argmax(axis=1) - 1, 0)]
        last = tried[np.minimum(len(tried) - kept[:, ::-1].argmax(axis=1), len(tried) - 1)]
        inside = (k >= first[place]) & (k <= last[place])
        place, k = place[inside], k[inside]
    peaks = Peaks.of(q[place], n, k)
    top = np.full(len(q), -np.inf)
    np.maximum.at(top, place, peaks.log_share)
    kept = peaks.log_share > top[place] - _RARE
    return place[kept], peaks.where(kept)


def answering(peaks: Peaks, finer: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """ln P(k), and E[Σ(yᵢ − 1/k)²] where k units answer."""
    with np.errstate(all="ignore"):
        log_simplex, spread = _simplex(peaks, round(_NODES * finer))
        found = peaks.choices + _threshold(peaks, round(_CELLS * finer)) + log_simplex
    never = ~np.isfinite(found)  # Answers so far from what is usual overflow.
    return np.where(never, -np.inf, found), np.where(never, 0.0, spread)


@dataclass(frozen=True)
class Peaks:
    """Where the integrands of both integrals are largest, each field an array over pairs of variance and k.

    Attributes:
        n, q, k: the pair. beta: 1/2q.
        choices: the logarithm of what stands before the integrals.
        x, curvature: the threshold's peak in deviations, and minus the logarithm's second derivative there.
        saddle, spread: of exp(s) B(s)ᵏ, and the variance of y there.
    """

    n: int
    q: np.ndarray
    k: np.ndarray
    beta: np.ndarray
    choices: np.ndarray
    x: np.ndarray
    curvature: np.ndarray
    saddle: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, q: np.ndarray, n: int, k: np.ndarray) -> Peaks:
        from scipy.special import gammaln

        choices = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + np.log(k) - k / 2 * np.log(2 * math.pi * q)
        beta = 0.5 / q
        with np.errstate(all="ignore"):
            return cls(n, q, k, beta, choices, *_threshold_peak(q, n, k), *_saddle(beta, k))

    def where(self, kept: np.ndarray) -> Peaks:
        """Some of them."""
        arrays = (field.name for field in dataclasses.fields(self) if field.name != "n")
        return dataclasses.replace(self, **{name: getattr(self, name)[kept] for name in arrays})

    @functools.cached_property
    def log_share(self) -> np.ndarray:
        """ln P(k), both integrands taken for Gaussians."""
        with np.errstate(all="ignore"):
            found = (
                self.choices + self.threshold(self.x) + 0.5 * np.log(2 * math.pi * self.q / self.curvature)
                + _log_of_power(self.saddle, self.beta, self.k, _scaled(self.saddle, self.beta))
                - 0.5 * np.log(2 * math.pi * self.k * self.spread)
            )  # fmt: skip
        return np.where(np.isfinite(found), found, -np.inf)

    def threshold(self, x: np.ndarray) -> np.ndarray:
        """The logarithm of the threshold's integrand."""
        from scipy.special import log_ndtr

        return (self.n - self.k) * log_ndtr(x) - self.k * (x + 1 / (self.k * np.sqrt(self.q))) ** 2 / 2


def _threshold_peak(q: np.ndarray, n: int, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`Peaks.x` and `curvature`, by Newton: the slope falls and is convex, so that no step is too long."""
    from scipy.special import log_ndtr

    x, curvature = -1 / (k * np.sqrt(q)), k
    centre = x
    for _ in range(_STEPS):
        mills = np.exp(-(x**2) / 2 - log_ndtr(x)) / math.sqrt(2 * math.pi)
        curvature = (n - k) * mills * (x + mills) + k
        step = ((n - k) * mills - k * (x - centre)) / curvature
        x = x + step
        if not (np.abs(step) * np.sqrt(curvature) > _CLOSE).any():
            break
    return x, curvature


def _saddle(beta: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`Peaks.saddle` and `spread`, where the mean of y is 1/k, by Newton.

    From above on 1/E[y], which rises, is convex, and nearly straight; where the Gaussian decides, from below on E[y].
    """
    from_above = k > np.sqrt(beta)
    s, spread = np.where(from_above, k, -2 * beta / k), beta
    for _ in range(_STEPS):
        w = s / (2 * np.sqrt(beta))
        far, v = w > _FAR, beta / s**2
        near = (1 / (math.sqrt(math.pi) * _scaled(s, beta)) - w) / np.sqrt(beta)
        mean = np.where(far, (1 - 4 * v) / s, near)
        spread = np.where(
            far, (1 - 12 * v) / s**2, np.maximum((0.5 - w * near * np.sqrt(beta)) / beta - near**2, 1e-300)
        )
        step = np.where(from_above, (k - 1 / mean) * mean**2, mean - 1 / k) / spread
        s = s + step
        if not (np.abs(step) * np.sqrt(k * spread) > _CLOSE).any():
            break
    return s, spread


def _threshold(p: Peaks, cells: int) -> np.ndarray:
    """The logarithm of the integral over τ, by equal steps wherever the integrand is more than rounding."""
    from scipy.special import logsumexp

    # The curvature falls from the left to the right, down to k.
    left, right = math.sqrt(2 * _RARE) / np.sqrt(p.curvature), math.sqrt(2 * _RARE) / np.sqrt(p.k)
    step = (left + right) / cells
    x = p.x - left + step * np.arange(cells + 1)[:, None]
    return logsumexp(p.threshold(x), axis=0) + np.log(step * np.sqrt(p.q))


def _simplex(p: Peaks, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """The logarithm of the integral over the simplex, and the mean of Σ(yᵢ − 1/k)² under it.

    By Bromwich's integral over a hyperbola through the saddle of exp(s) B(s)ᵏ, whose branches run to the left, where
    exp(s) decays.
    """
    size = 1 / (np.sqrt(p.k * p.spread) * math.cos(_LEAN))
    reach = np.maximum(np.arccosh(1 + _NO_MORE / (size * math.sin(_LEAN))), 3.5)
    theta = reach * np.linspace(0, 1, nodes)[:, None]
    sinh, cosh = np.sinh(theta), np.cosh(theta)
    s = p.saddle + size * (math.sin(_LEAN) * (1 - cosh) + 1j * math.cos(_LEAN) * sinh)
    along = math.cos(_LEAN) * cosh + 1j * math.sin(_LEAN) * sinh
    scaled = _scaled(s, p.beta)
    exponent = _log_of_power(s, p.beta, p.k, scaled)
    top = exponent[0].real
    part = np.exp(exponent - top) * along
    part[0] *= 0.5
    total = part.real.sum(axis=0)
    square = p.k * (part * _second(s, p.beta, scaled)).real.sum(axis=0) / total
    return top + np.log(total * size * reach / ((nodes - 1) * math.pi)), square - 1 / p.k


def _scaled(s: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """exp(w²) erfc(w), w = s/2√β, of which B is √(π/β)/2 times."""
    from scipy.special import erfcx, wofz

    w = s / (2 * np.sqrt(beta))
    return wofz(1j * w) if np.iscomplexobj(w) else erfcx(w)


def _log_of_power(s: np.ndarray, beta: np.ndarray, k: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    """The logarithm of exp(s + β/k) B(s)ᵏ."""
    return k * np.log(scaled * np.sqrt(math.pi / beta) / 2) + s + beta / k


def _second(s: np.ndarray, beta: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    """E[y²] likewise; far out by the asymptotic series, where the closed form cancels."""
    w = s / (2 * np.sqrt(beta))
    # To the left the series holds only where exp(w²) has died out, and there the closed form is good for longer.
    far = (np.abs(w) > np.where(w.real > 0, _FAR, 4 * _FAR)) & (w.real > -np.abs(w.imag))
    found = (2 + 4 * w**2 - 4 * w / (math.sqrt(math.pi) * scaled)) / (4 * beta)
    m = np.arange(_TERMS)
    below = np.cumprod(np.concatenate([[1.0], -2.0 * (2 * m[:-1] + 1)]))  # (−1)ᵐ (2m)!/m!
    above = below * (2 * m + 1) * (2 * m + 2)
    there = s[far]
    v = np.broadcast_to(beta, s.shape)[far] / there**2
    found[far] = np.polyval(above[::-1], v) / np.polyval(below[::-1], v) / there**2
    return found
