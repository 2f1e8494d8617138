"""Expectations of φ and φ′ under a Gaussian: the only integrals that mean-field theory needs of one pre-activation.

φ is sampled once, on panels that shrink towards 0 by octaves and are split at its kinks and wherever it is steep. The
same samples then serve every variance q, because a Gaussian of any width is smooth on panels that shrink as it does.
Where an expectation has a closed form, that is used.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory.functions import Activating, Phi, non_negative, resolve
from trainability.theory.quadrature import ORDER, nodes_of, refine, tails, weights_of

Kind: TypeAlias = Literal["mean", "second", "fourth", "slope_second", "slope_fourth", "growth"]
"""E[φ], E[φ²], E[φ⁴], E[φ′²], E[φ′⁴], and d/dq E[φ²], all of φ(√q z) with z ~ N(0, 1)."""

KINDS: tuple[Kind, ...] = get_args(Kind)
_WORDS = {
    "mean": "E[φ]", "second": "E[φ²]", "fourth": "E[φ⁴]", "slope_second": "E[φ′²]", "slope_fourth": "E[φ′⁴]",
    "growth": "dE[φ²]/dq",
}  # fmt: skip

SMALLEST_OCTAVE = -60
"""The innermost panels end at ±2^-60."""

SMALLEST_Q, LARGEST_Q = 1e-20, 1e12
PER_DECADE = 6
_TOLERANCE = 1e-10
_SPREAD = 16.0  # deviations: a Gaussian's share beyond them is 1e-57
_NEGLIGIBLE = 1e-16
_UNRESOLVED = 1e-9
_ROUNDING = 1e-14
_MOST_NODES = 40_000  # of a table: an oscillating function is not followed to infinity
_HUGE = 1e150
_FARTHEST = 2.0**45


@dataclass(frozen=True)
class Estimate:
    """A number and how wrong it may be (absolute)."""

    value: float
    error: float


@dataclass(frozen=True)
class _Limit:
    """Where φ stops being a number that can be used, and why."""

    x: float
    why: str


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
        self._low, self._high = np.empty(0), np.empty(0)
        self._x, self._w = np.empty(0), np.empty(0)
        self._value, self._slope = np.empty(0), np.empty(0)
        self._stuck = np.empty(0, dtype=bool)
        self._limits: list[_Limit | None] = [None, None]
        self._reach = 0.0
        self._largest = np.zeros(2)
        self._steepest = 0.0
        self._extend()
        self.at_zero, self.slopes_at_zero = self._beside_zero()

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
        self._cover(q)
        while True:
            with np.errstate(over="ignore", invalid="ignore"):
                integrand = self._integrand(kind, q)
                parts = (integrand * self._w).reshape(-1, ORDER).sum(axis=1)
                total = float(parts.sum())
                sizes = np.abs(integrand * self._w).reshape(-1, ORDER).sum(axis=1)
            scale = float(sizes.sum())
            if not math.isfinite(scale):
                raise self._too_fast(kind, q)
            if max(sizes[0], sizes[-1]) <= _NEGLIGIBLE * scale:
                break
            self._go_on(kind, q, 0 if sizes[0] > sizes[-1] else 1)
        stuck = float(sizes[self._stuck].sum())
        if stuck > _UNRESOLVED * scale:
            worst = int(np.argmax(np.where(self._stuck, sizes, 0.0)))
            raise SpecError(
                f"{_WORDS[kind]} of '{self.phi.name}' does not converge: its integrand is singular near x = "
                f"{self._low[worst]:.6g}"
            )
        # Coefficient 2·ORDER, which decides the error, is about the square of the last one over the first.
        shaped = integrand.reshape(-1, ORDER)
        largest = np.abs(shaped).max(axis=1)
        tail = tails(shaped)
        error = ((self._high - self._low) * tail**2)[largest > 0] / largest[largest > 0]
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
        if self.phi.closed and None not in (
            self.phi.closed.second,
            self.phi.closed.slope_second,
            self.phi.closed.growth,
        ):
            columns = [self.phi.closed.at(kind, q) for kind in ("second", "slope_second", "growth")]
        else:
            self._cover(LARGEST_Q, patient=True)
            q = q[q <= (self._reach / _SPREAD) ** 2]
            columns = self._columns(q)
            # Where cancellation in φ has left only rounding, as for x − tanh(x) near 0, φ is 0 for all that can be told.
            noise = 1e-26 * self._steepest**2
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
        square, slopes = self._value**2, self._slope**2
        lifted, x2 = square - self._constant(), self._x**2
        # The ends of the line matter to the last panel on each side.
        ends = np.r_[0:ORDER, len(self._x) - ORDER : len(self._x)]
        edge = np.maximum(square, slopes)[ends] * self._w[ends]
        for first in range(0, len(q), 16):
            v = q[first : first + 16, None]
            rows = slice(first, first + 16)
            # Farther out the Gaussian is 0; nearer to 0 it has no share.
            some = (x2 < 1500 * v[-1]) & (x2 > 1e-33 * v[0])
            z2 = x2[some] / v
            weight = np.exp(-0.5 * z2) * self._w[some] / np.sqrt(2 * np.pi * v)
            with np.errstate(over="ignore", invalid="ignore"):
                columns[0][rows] = weight @ square[some]
                columns[1][rows] = weight @ slopes[some]
                columns[2][rows] = ((z2 - 1) * weight) @ lifted[some] / (2 * v[:, 0])
                lost = (np.exp(-0.5 * x2[ends] / v) / np.sqrt(2 * np.pi * v) * edge).max(axis=1)
                columns[0][rows][lost > 1e-14 * columns[0][rows] + 1e-300] = np.nan
        return columns

    def samples(self, q: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Nodes x, the weights of N(0, q) at them, φ and φ′: enough for any smooth function's expectation."""
        self.estimate("second", q)  # reaches far enough, or says why not
        weight = self._gaussian(q) * self._w
        some = weight > 0
        return self._x[some], weight[some], self._value[some], self._slope[some]

    def _beside_zero(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """φ and φ′ just left and right of 0, which decide what happens at q = 0."""
        inner = np.argsort(np.abs(self._x))[: 2 * ORDER]
        sides = [inner[self._x[inner] < 0], inner[self._x[inner] > 0]]
        if not all(len(side) for side in sides):
            raise self._not_finite(0.0)
        values, slopes = self._both(np.array([-1e-300, 1e-300]))
        found = []
        for known, samples in ((values, self._value), (slopes, self._slope)):
            nearest = [samples[side[0]] for side in sides]
            found.append(tuple(float(v if np.isfinite(v) else n) for v, n in zip(known, nearest, strict=True)))
        return found[0], found[1]

    def _constant(self) -> float:
        """φ(0)², which dE[φ²]/dq does not see and which would cancel in it."""
        return 0.5 * (self.at_zero[0] ** 2 + self.at_zero[1] ** 2)

    def _integrand(self, kind: Kind, q: float) -> np.ndarray:
        """φ or its like, to its power, times the density of N(0, q), at the nodes."""
        # Of φ⁴ the fourth root of the density is taken in before the power, so that neither overflows alone.
        log = -0.5 * self._x**2 / q - 0.5 * math.log(2 * math.pi * q)
        match kind:
            case "mean":
                return self._value * np.exp(log)
            case "second":
                return (self._value * np.exp(log / 2)) ** 2
            case "fourth":
                return (self._value * np.exp(log / 4)) ** 4
            case "slope_second":
                return (self._slope * np.exp(log / 2)) ** 2
            case "slope_fourth":
                return (self._slope * np.exp(log / 4)) ** 4
        return (self._value**2 - self._constant()) * (self._x**2 / q - 1) / (2 * q) * np.exp(log)

    def _gaussian(self, q: float) -> np.ndarray:
        return np.exp(-0.5 * self._x**2 / q) / math.sqrt(2 * math.pi * q)

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

    def _cover(self, q: float, patient: bool = False) -> None:
        """Sample far enough for variance q; `patient`: or as far as can be."""
        while self._reach < min(_SPREAD * math.sqrt(q), _FARTHEST):
            if all(self._limits) or (patient and (any(self._limits) or self._x.size > _MOST_NODES)):
                break
            self._extend(math.ceil(math.log2(_SPREAD * math.sqrt(q) / self._reach)))

    def _go_on(self, kind: Kind, q: float, side: int) -> None:
        """The last panel still matters: sample farther, or say why that is not possible."""
        limit = self._limits[side]
        if limit is None and self._reach < _FARTHEST:
            self._extend()
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

    def _both(self, x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.stack([self.phi.value(x), self.phi.slope(x)])

    def _extend(self, octaves: int = 1) -> None:
        """Sample so many octaves more on each side that has no limit."""
        if self._reach == 0:
            powers = 2.0 ** np.arange(SMALLEST_OCTAVE, 4)
            outer = np.concatenate([[0.0], np.sort(np.concatenate([powers, 1.5 * powers])), [16.0]])
        else:
            powers = self._reach * 2.0 ** np.arange(octaves)
            outer = np.concatenate([np.sort(np.concatenate([powers, 1.5 * powers])), [2 * powers[-1]]])
        try:
            starts = [self._start(np.sort(sign * outer) + 0.0) for sign in (-1.0, 1.0)]
            floor, largest = self._noise(starts)
            found = [
                refine(self.phi.to_resolve, start, _TOLERANCE, floor, f"'{self.phi.name}'") if limit is None else None
                for start, limit in zip(starts, self._limits, strict=True)
            ]
        except SpecError:
            if self._reach == 0:
                raise
            if octaves > 1:
                self._extend(1)
                return
            self._limits = [
                limit or _Limit(sign * self._reach, "rough")
                for limit, sign in zip(self._limits, (-1.0, 1.0), strict=True)
            ]
            return
        for side, panels in enumerate(found):
            if panels:
                self._keep(*panels, side)
        self._reach = float(outer[-1])
        self._largest = largest

    def _start(self, edges: np.ndarray) -> np.ndarray:
        """The octaves' edges and the kinks between them."""
        breaks = self.phi.breaks(float(np.abs(edges).max()))
        return np.unique(np.concatenate([edges, breaks[(breaks > edges[0]) & (breaks < edges[-1])]]))

    def _noise(self, starts: list[np.ndarray]) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        """How large φ and φ′ are whose rounding must not be taken for structure, by distance d from 0.

        As large as φ anywhere nearer to 0, which a Gaussian around 0 sees better; and as d, for x − tanh(x) and the like.
        """
        distance, size = [], []
        for edges in starts:
            low, high = edges[:-1], edges[1:]
            values = np.abs(self._both(nodes_of(low, high)))
            values[~(values < _HUGE)] = 0.0
            distance.append(np.minimum(np.abs(low), np.abs(high)))
            size.append(values.max(axis=2))
        distances, sizes = np.concatenate(distance), np.concatenate(size, axis=1)
        order = np.argsort(distances)
        distances = distances[order]
        largest = np.maximum.accumulate(np.maximum(sizes[:, order], self._largest[:, None]), axis=1)
        if self._reach == 0:
            self._steepest = float(largest[1, np.searchsorted(distances, 0.9)])

        def floor(d: np.ndarray) -> np.ndarray:
            inner = largest[:, np.searchsorted(distances, d, side="right") - 1]
            sizes = _ROUNDING * np.maximum(inner, self._steepest * np.stack([d, np.ones_like(d)]))
            return sizes[:1] if self.phi.kinks is None else sizes

        return floor, largest[:, -1]

    def _keep(self, edges: np.ndarray, stuck: np.ndarray, side: int) -> None:
        """Sample φ and φ′ between `edges` as far as they are finite."""
        low, high = edges[:-1], edges[1:]
        x = nodes_of(low, high)
        value, slope = self._both(x)
        good = (np.isfinite(value) & np.isfinite(slope) & (np.abs(value) < _HUGE) & (np.abs(slope) < _HUGE)).all(axis=1)
        if not good.all():
            bad = np.flatnonzero(~good)
            place = bad[0] if side else bad[-1]
            why = "nan" if np.isnan(value[place]).any() else "overflow"
            self._limits[side] = _Limit(float(low[place] if side else high[place]), why)
            keep = slice(0, place) if side else slice(place + 1, None)
            low, high, stuck, x = low[keep], high[keep], stuck[keep], x[keep]
            value, slope = value[keep], slope[keep]
        w = weights_of(low, high).ravel()
        joined = [
            ("_low", low), ("_high", high), ("_stuck", stuck),
            ("_x", x.ravel()), ("_w", w), ("_value", value.ravel()), ("_slope", slope.ravel()),
        ]  # fmt: skip
        for name, new in joined:
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, new] if side else [new, old]))


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
