"""Expectations of φ and φ′ under a Gaussian: the only integrals that mean-field theory needs of one pre-activation.

By quadrature over samples that serve every variance (samples.py); where an expectation has a closed form, by that.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory.functions import Activating, Phi, non_negative, resolve
from trainability.theory.quadrature import ORDER, tails
from trainability.theory.samples import SPREAD, Samples

Kind: TypeAlias = Literal["mean", "second", "fourth", "slope_second", "slope_fourth", "growth"]
"""E[φ], E[φ²], E[φ⁴], E[φ′²], E[φ′⁴], and d/dq E[φ²], all of φ(√q z) with z ~ N(0, 1)."""

KINDS: tuple[Kind, ...] = get_args(Kind)
_WORDS = {
    "mean": "E[φ]", "second": "E[φ²]", "fourth": "E[φ⁴]", "slope_second": "E[φ′²]", "slope_fourth": "E[φ′⁴]",
    "growth": "dE[φ²]/dq",
}  # fmt: skip

SMALLEST_Q, LARGEST_Q = 1e-20, 1e12
PER_DECADE = 6
_NEGLIGIBLE = 1e-16
_UNRESOLVED = 1e-9
_UNBOUNDED = 1e100
"""A value beside 0 that only a pole has."""


@dataclass(frozen=True)
class Estimate:
    """A number and how wrong it may be (absolute)."""

    value: float
    error: float


@dataclass(frozen=True)
class Table:
    """Expectations for variances `q`, ascending by a constant factor."""

    q: np.ndarray
    second: np.ndarray
    slope_second: np.ndarray
    growth: np.ndarray


class Moments:
    """The expectations of one activation. Use `moments` to get the one that is kept."""

    def __init__(self, phi: Phi):
        self.phi = phi
        self.samples = Samples(phi)
        beside = self.samples.beside_zero()
        if beside is None or max(map(abs, beside[0])) > _UNBOUNDED:
            raise self._not_finite(0.0)
        self.at_zero, self.slopes_at_zero = beside

    def at(self, kind: Kind, q: float) -> float:
        """The expectation `kind` at variance q ≥ 0.

        Raises:
            SpecError: it has no finite value: φ is not finite, or grows faster than the Gaussian decays.
        """
        if q == 0:
            return self._at_zero(kind)
        closed = self.phi.closed
        if closed:
            exact = closed.at(kind, q)
            if exact is not None:
                return self._checked(float(exact), kind, q)
        return self.estimate(kind, q).value

    def estimate(self, kind: Kind, q: float) -> Estimate:
        """The same by quadrature, closed form or not, with an estimate of its error."""
        self.samples.cover(q)
        while True:
            with np.errstate(over="ignore", invalid="ignore"):
                integrand = self._integrand(kind, q)
                parts = (integrand * self.samples.w).reshape(-1, ORDER).sum(axis=1)
                total = float(parts.sum())
                sizes = np.abs(integrand * self.samples.w).reshape(-1, ORDER).sum(axis=1)
            scale = float(sizes.sum())
            if not math.isfinite(scale):
                raise self._too_fast(kind, q)
            if max(sizes[0], sizes[-1]) <= _NEGLIGIBLE * scale:
                break
            self._go_on(kind, q, 0 if sizes[0] > sizes[-1] else 1)
        stuck = float(sizes[self.samples.stuck].sum())
        if stuck > _UNRESOLVED * scale:
            worst = int(np.argmax(np.where(self.samples.stuck, sizes, 0.0)))
            raise SpecError(
                f"{_WORDS[kind]} of '{self.phi.name}' does not converge: its integrand is singular near x = "
                f"{self.samples.low[worst]:.6g}"
            )
        # Coefficient 2·ORDER, which decides the error, is about the square of the last one over the first.
        shaped = integrand.reshape(-1, ORDER)
        largest = np.abs(shaped).max(axis=1)
        tail = tails(shaped)
        error = ((self.samples.high - self.samples.low) * tail**2)[largest > 0] / largest[largest > 0]
        return Estimate(total, float(error.sum() + stuck + 4 * np.finfo(float).eps * scale))

    @property
    def through_zero(self) -> bool:
        """Whether φ(0) = 0, on both sides."""
        return self.at("second", 0.0) == 0

    @functools.cached_property
    def table(self) -> Table:
        """E[φ²], E[φ′²] and dE[φ²]/dq for variances from 1e-20 up to 1e12, or up to where they stop being finite."""
        steps = round((math.log10(LARGEST_Q) - math.log10(SMALLEST_Q)) * PER_DECADE) + 1
        q = np.geomspace(SMALLEST_Q, LARGEST_Q, steps)
        closed = self.phi.closed
        if closed and closed.second and closed.slope_second and closed.growth:
            columns = [closed.at(kind, q) for kind in ("second", "slope_second", "growth")]
        else:
            self.samples.cover(LARGEST_Q, patient=True)
            q = q[q <= (self.samples.reach / SPREAD) ** 2]
            columns = self._columns(q)
            # Where cancellation has left only rounding, as for x − tanh(x) near 0, φ is 0 for all that can be told.
            noise = 1e-26 * self.samples.steepest**2
            lost = columns[0] < noise * q
            columns = [np.where(lost, 0.0, c) for c in columns]
        good = np.all([np.isfinite(c) & (np.abs(c) < 1e300) for c in columns], axis=0)
        count = len(q) if good.all() else int(np.argmin(good))
        if count == 0:
            raise self._too_fast("second", float(q[0]))
        return Table(q[:count], *(c[:count] for c in columns))

    def _columns(self, q: np.ndarray) -> list[np.ndarray]:
        """E[φ²], E[φ′²], dE[φ²]/dq at every q; NaN where the panels' ends still matter."""
        columns = [np.full(len(q), np.nan) for _ in range(3)]
        square, slopes = self.samples.value**2, self.samples.slope**2
        lifted, x2 = square - self._constant(), self.samples.x**2
        # The ends of the line matter to the last panel on each side.
        ends = np.r_[0:ORDER, len(self.samples.x) - ORDER : len(self.samples.x)]
        edge = np.maximum(square, slopes)[ends] * self.samples.w[ends]
        for first in range(0, len(q), 16):
            v = q[first : first + 16, None]
            rows = slice(first, first + 16)
            # Farther out the Gaussian is 0; nearer to 0 it has no share.
            some = (x2 < 1500 * v[-1]) & (x2 > 1e-33 * v[0])
            z2 = x2[some] / v
            weight = np.exp(-0.5 * z2) * self.samples.w[some] / np.sqrt(2 * np.pi * v)
            with np.errstate(over="ignore", invalid="ignore"):
                columns[0][rows] = weight @ square[some]
                columns[1][rows] = weight @ slopes[some]
                columns[2][rows] = ((z2 - 1) * weight) @ lifted[some] / (2 * v[:, 0])
                lost = (np.exp(-0.5 * x2[ends] / v) / np.sqrt(2 * np.pi * v) * edge).max(axis=1)
                columns[0][rows][lost > 1e-14 * columns[0][rows] + 1e-300] = np.nan
        return columns

    def _constant(self) -> float:
        """φ(0)², which dE[φ²]/dq does not see and which would cancel in it."""
        return 0.5 * (self.at_zero[0] ** 2 + self.at_zero[1] ** 2)

    def _integrand(self, kind: Kind, q: float) -> np.ndarray:
        """φ or its like, to its power, times the density of N(0, q), at the nodes."""
        # Of φ⁴ the fourth root of the density is taken in before the power, so that neither overflows alone.
        log = -0.5 * self.samples.x**2 / q - 0.5 * math.log(2 * math.pi * q)
        match kind:
            case "mean":
                return self.samples.value * np.exp(log)
            case "second":
                return (self.samples.value * np.exp(log / 2)) ** 2
            case "fourth":
                return (self.samples.value * np.exp(log / 4)) ** 4
            case "slope_second":
                return (self.samples.slope * np.exp(log / 2)) ** 2
            case "slope_fourth":
                return (self.samples.slope * np.exp(log / 4)) ** 4
        return (self.samples.value**2 - self._constant()) * (self.samples.x**2 / q - 1) / (2 * q) * np.exp(log)

    def _at_zero(self, kind: Kind) -> float:
        (left, right), (slope_left, slope_right) = self.at_zero, self.slopes_at_zero
        match kind:
            case "mean":
                return 0.5 * (left + right)
            case "second":
                return 0.5 * (left**2 + right**2)
            case "fourth":
                return 0.5 * (left**4 + right**4)
            case "slope_second":
                return 0.5 * (slope_left**2 + slope_right**2)
            case "slope_fourth":
                return 0.5 * (slope_left**4 + slope_right**4)
        return self._at_zero("slope_second") if self.through_zero else self.at("growth", 1e-8)

    def _checked(self, value: float, kind: Kind, q: float) -> float:
        if not math.isfinite(value):
            raise self._too_fast(kind, q)
        return value

    def _go_on(self, kind: Kind, q: float, side: int) -> None:
        """The last panel still matters: sample farther, or say why that is not possible."""
        limit = self.samples.limits[side]
        if limit is None and not self.samples.exhausted:
            self.samples.extend()
            return
        if limit is None or limit.why == "overflow":
            raise self._too_fast(kind, q)
        if limit.why == "nan":
            raise self._not_finite(limit.x)
        raise SpecError(f"'{self.phi.name}' is too rough to be integrated beyond x = {limit.x:.6g}")

    def _too_fast(self, kind: Kind, q: float) -> SpecError:
        return SpecError(
            f"{_WORDS[kind]} of '{self.phi.name}' has no finite value at variance {q:.6g}: the function overflows, or "
            "grows faster than the Gaussian decays"
        )

    def _not_finite(self, x: float) -> SpecError:
        return SpecError(f"'{self.phi.name}' is not a finite number at x = {x:.6g}; its argument must be any number")


@functools.lru_cache(maxsize=64)
def _moments(phi: Phi) -> Moments:
    return Moments(phi)


def moments(phi: Activating) -> Moments:
    """The expectations of `phi`, sampled once and kept."""
    return _moments(resolve(phi))


def expectation(phi: Activating, kind: Kind = "second", q: float = 1.0) -> Estimate:
    """An expectation of φ(√q z), z ~ N(0, 1), by quadrature, with an estimate of its absolute error.

    Args:
        phi: a catalogue name, a formula or a function of a NumPy array.
        kind: ``mean`` E[φ], ``second`` E[φ²], ``fourth`` E[φ⁴], ``slope_second`` E[φ′²], ``slope_fourth`` E[φ′⁴],
            ``growth`` dE[φ²]/dq.
        q: the pre-activation's variance, positive.

    Raises:
        SpecError: the expectation has no finite value, or an argument is out of range.

    Example:
        >>> round(expectation("relu", "second").value, 12)
        0.5
    """
    if kind not in KINDS:
        raise SpecError(f"unknown expectation {kind!r}; known are {', '.join(KINDS)}")
    q = non_negative(q, "the variance q")
    if q == 0:
        raise SpecError("the variance q must be more than 0 for an expectation by quadrature")
    return moments(phi).estimate(kind, q)
