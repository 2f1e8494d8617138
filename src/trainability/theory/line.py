"""Expectations of a function of one pre-activation: by quadrature over samples that serve every variance.

Where an expectation has a closed form, by that.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory.cancelling import without_noise
from trainability.theory.expectations import (
    LARGEST_Q,
    SMALLEST_Q,
    WORDS,
    Estimate,
    Expectations,
    Kind,
    Table,
    variances,
)
from trainability.theory.functions import Phi
from trainability.theory.products import LineProducts
from trainability.theory.quadrature import ORDER, tails
from trainability.theory.samples import FARTHEST, Panels, Samples, split

_NEGLIGIBLE = 1e-16
_UNRESOLVED = 1e-9
_MOST_ERROR, _NOTHING = 1e-8, 1e-26
_FALL, _MOST_CUTS = 4.0, 64
"""A panel is cut where the Gaussian falls by more than e to this power, into no more parts than that."""

_TINY = 1e-36
_SHARE = 8.5
"""Deviations: a Gaussian's share beyond them is 2e-17."""

_REACHED = 10.0
"""Deviations that a table's samples cover at least; where that is not enough, the ends show it."""

_DEVIATIONS, _FARTHEST = 13.0, 1500.0
"""Deviations at which the Gaussian has fallen to 1e-37, and the square of those at which it is 0 as a float."""

_NEAR_0 = 16.0
_BESIDE_0, _STEEPER = 1e-150, 1.01
_UNBOUNDED = 1e100
"""A value beside 0 that only a pole has."""


class LineExpectations(Expectations):
    """The expectations of an elementwise activation."""

    pieces = 1

    def __init__(self, phi: Phi):
        self.phi = phi if phi.closed else without_noise(phi)
        self.name = phi.name
        self.samples = Samples(self.phi)
        beside = self.samples.beside_zero()
        if beside is None or max(map(abs, beside[0])) > _UNBOUNDED:
            raise self._unusable()
        self.at_zero, self.slopes_at_zero = beside[0], self._unbounded(beside[1])

    def at(self, kind: Kind, q: float) -> float:
        if q == 0:
            return self._at_zero(kind)
        closed = self.phi.closed
        if closed:
            exact = closed.at(kind, q)
            if exact is not None:
                return self._checked(float(exact), kind, q)
        if q < _TINY:  # inside the innermost panels φ is a straight line on each side
            return self._at_zero(kind) + (q * self._at_zero("growth") if kind == "second" else 0.0)
        return self.estimate(kind, q).value

    def estimate(self, kind: Kind, q: float) -> Estimate:
        reach = self.samples.reach_for(q)
        while True:
            panels = self.samples.within(reach)
            integrand, sizes = self._sizes(panels, kind, q)
            scale = float(sizes.sum())
            if not math.isfinite(scale):
                raise self._too_fast(kind, q)
            side = self._too_near(q)
            if side is None:
                if max(sizes[0], sizes[-1]) <= _NEGLIGIBLE * scale:
                    break
                side = 0 if sizes[0] > sizes[-1] else 1
            self._check_farther(kind, q, reach, side)
            reach *= 2
        lost = sizes * self._loss(panels, kind)
        unsure = float(lost.sum())
        if unsure > _UNRESOLVED * scale:
            raise self._unresolved(panels, kind, lost)
        rest = _rest(panels, integrand)
        if rest > _UNRESOLVED * scale:
            # Beyond a threshold far out, as of where(x > 10, 1, 0), the Gaussian falls off within a panel; and what is
            # resolved itself may not be in its fourth power.
            fall = (panels.high - panels.low) * np.maximum(np.abs(panels.low), np.abs(panels.high)) / q
            counts = np.where(sizes > _NEGLIGIBLE * scale, np.clip(np.ceil(fall / _FALL), 2, _MOST_CUTS), 1).astype(int)
            panels = split(panels, counts, self.phi)
            integrand, sizes = self._sizes(panels, kind, q)
            rest = _rest(panels, integrand)
        if rest + unsure > _MOST_ERROR * scale and scale > self._nothing(kind, q):
            raise self._unresolved(panels, kind, sizes)
        return Estimate(float((integrand * panels.w).sum()), float(rest + unsure + 4 * np.finfo(float).eps * scale))

    def _sizes(self, panels: Panels, kind: Kind, q: float) -> tuple[np.ndarray, np.ndarray]:
        """The integrand at the nodes, and how much each panel adds to its integral, signs left out."""
        with np.errstate(over="ignore", invalid="ignore"):
            integrand = self._integrand(panels, kind, q)
            return integrand, np.abs(integrand * panels.w).reshape(-1, ORDER).sum(axis=1)

    def _nothing(self, kind: Kind, q: float) -> float:
        """What counts for nothing beside what φ does near 0."""
        return max(_NOTHING * self.samples.steepest**2 * (q if kind in ("second", "mean") else 1.0), _NOTHING**4)

    def _too_near(self, q: float) -> int | None:
        """The side, if there is one, on which φ ends where a Gaussian of this variance still has a share."""
        near = [limit is not None and abs(limit.x) < _SHARE * math.sqrt(q) for limit in self.samples.limits]
        return near.index(True) if any(near) else None

    def slope_each(self, q: float) -> tuple[float, ...]:
        return (self.at("slope_second", q),)

    def products(self, q: float) -> LineProducts:
        return LineProducts(self, q)

    @functools.cached_property
    def table(self) -> Table:
        q = variances()
        closed = self.phi.closed
        if closed and closed.second and closed.slope_second and closed.growth:
            columns = [closed.at(kind, q) for kind in ("second", "slope_second", "growth")]
        else:
            reach = self.samples.cheap_reach(self.samples.reach_for(LARGEST_Q))
            near = min((abs(limit.x) for limit in self.samples.limits if limit), default=math.inf)
            q = q[q <= min(reach / _REACHED, near / _SHARE) ** 2]
            if not len(q):
                raise self._too_fast("second", SMALLEST_Q)
            columns = self._columns(self.samples.within(reach), q)
            # Where cancellation has left only rounding, as for x − tanh(x) near 0, φ is 0 for all that can be told.
            noise = _NOTHING * self.samples.steepest**2
            lost = columns[0] < noise * q
            columns = [np.where(lost, 0.0, c) for c in columns]
        return self._finite(q, columns)

    def _columns(self, panels: Panels, q: np.ndarray) -> list[np.ndarray]:
        """E[φ²], E[φ′²], dE[φ²]/dq at every q; NaN where the panels' ends still matter."""
        columns = [np.full(len(q), np.nan) for _ in range(3)]
        square, slopes = panels.value**2, panels.slope**2
        lifted, slanted, x2 = square - self._constant(), panels.x * panels.value * panels.slope, panels.x**2
        # The ends of the line matter to the last panel on each side.
        ends = np.r_[0:ORDER, len(panels.x) - ORDER : len(panels.x)]
        edge = np.maximum(square, slopes)[ends] * panels.w[ends]
        losses = [np.repeat(loss, ORDER) if loss.any() else None for loss in (panels.value_loss, panels.slope_loss)]
        for first in range(0, len(q), 16):
            v = q[first : first + 16, None]
            rows = slice(first, first + 16)
            # Farther out the Gaussian is 0 for all that φ grows; nearer to 0 it has no share.
            some = (x2 < self._farthest(x2, square, slopes, float(v[0, 0])) * v[-1]) & (x2 > 1e-33 * v[0])
            z2 = x2[some] / v
            weight = np.exp(-0.5 * z2) * panels.w[some] / np.sqrt(2 * np.pi * v)
            with np.errstate(over="ignore", invalid="ignore"):
                columns[0][rows] = weight @ square[some]
                columns[1][rows] = weight @ slopes[some]
                if self._constant() and _FARTHEST * v[-1, 0] < self._smooth_within**2:
                    columns[2][rows] = weight @ slanted[some] / v[:, 0]
                else:
                    columns[2][rows] = ((z2 - 1) * weight) @ lifted[some] / (2 * v[:, 0])
                lost = (np.exp(-0.5 * x2[ends] / v) / np.sqrt(2 * np.pi * v) * edge).max(axis=1)
                columns[0][rows][lost > 1e-14 * columns[0][rows] + 1e-300] = np.nan
                for column, values, loss in zip(columns, (square, slopes), losses, strict=False):
                    if loss is not None:
                        unsure = weight @ (values * loss)[some] > _UNRESOLVED * column[rows]
                        column[rows][unsure] = np.nan
        return columns

    def _unbounded(self, slopes: tuple[float, float]) -> tuple[float, float]:
        """The slopes beside 0, inf where they grow without bound, as those of |x|^0.75 or x log|x| do."""
        with np.errstate(all="ignore"):
            farther = np.abs(self.phi.slope(np.array([-_BESIDE_0, _BESIDE_0]))).tolist()
        left, right = (math.inf if abs(s) > _STEEPER * f else s for s, f in zip(slopes, farther, strict=True))
        return left, right

    def _constant(self) -> float:
        """φ(0)², which dE[φ²]/dq does not see and which would cancel in it."""
        return 0.5 * (self.at_zero[0] ** 2 + self.at_zero[1] ** 2)

    def _integrand(self, panels: Panels, kind: Kind, q: float) -> np.ndarray:
        """φ or its like, to its power, times the density of N(0, q), at the nodes."""
        # Of φ⁴ the fourth root of the density is taken in before the power, so that neither overflows alone.
        log = -0.5 * panels.x**2 / q - 0.5 * math.log(2 * math.pi * q)
        match kind:
            case "mean":
                return panels.value * np.exp(log)
            case "second":
                return (panels.value * np.exp(log / 2)) ** 2
            case "fourth":
                return (panels.value * np.exp(log / 4)) ** 4
            case "slope_second":
                return (panels.slope * np.exp(log / 2)) ** 2
            case "slope_fourth":
                return (panels.slope * np.exp(log / 4)) ** 4
            case "both":
                return (panels.value * np.exp(log / 4) * (panels.slope * np.exp(log / 4))) ** 2
        if self._constant() and _FARTHEST * q < self._smooth_within**2:
            # By Stein's lemma; φ(0)² then is not a difference of large numbers over a small q.
            return panels.x * panels.value * panels.slope / q * np.exp(log)
        density = np.exp(log)
        inside = (panels.value**2 - self._constant()) * (panels.x**2 / q - 1) / (2 * q) * density
        return np.where(density > 0, inside, 0.0)

    @functools.cached_property
    def _smooth_within(self) -> float:
        """A distance from 0 within which φ does not jump, except at 0."""
        panels = self.samples.within(_NEAR_0)
        rough = np.minimum(np.abs(panels.low), np.abs(panels.high))[panels.value_loss > 0]
        known = np.abs(np.asarray(self.phi.kinks or ()))
        return float(min((_NEAR_0, *known[known > 1e-12], *rough)))

    def _at_zero(self, kind: Kind) -> float:
        if kind == "growth" and not self.through_zero:
            return self.at("growth", 1e-8)
        sides = zip(self.at_zero, self.slopes_at_zero, strict=True)
        with np.errstate(over="ignore", invalid="ignore"):
            return self._checked(0.5 * sum(_of_side(kind, np.float64(v), np.float64(s)) for v, s in sides), kind, 0.0)

    def _checked(self, value: float, kind: Kind, q: float) -> float:
        if not math.isfinite(value):
            raise self._too_fast(kind, q)
        return value

    def _check_farther(self, kind: Kind, q: float, reach: float, side: int) -> None:
        """The last panel on that side still matters: raise unless there is more to sample."""
        limit = self.samples.limits[side]
        if limit is None or (abs(limit.x) >= reach and limit.why != "rough"):
            if reach < FARTHEST:
                return
            raise self._too_fast(kind, q)
        if limit.why == "overflow":
            raise self._too_fast(kind, q)
        if limit.why == "nan":
            raise self._not_finite(limit.x)
        raise SpecError(f"'{self.phi.name}' is too rough to be integrated beyond x = {limit.x:.6g}")

    @staticmethod
    def _farthest(x2: np.ndarray, square: np.ndarray, slopes: np.ndarray, q: float) -> float:
        """The square of how many deviations of N(0, q) count."""
        within, growth = x2 <= q, 0.0
        for part in (square, slopes):
            near, far = part[within].max(initial=0.0), part.max(initial=0.0)
            if far > 0:
                growth = max(growth, math.log(far) - math.log(near)) if near > 0 else math.inf
        return min(_FARTHEST, _DEVIATIONS**2 + 2 * growth)

    def _loss(self, panels: Panels, kind: Kind) -> np.ndarray:
        """What share of the integrand may be wrong on each panel."""
        if kind in ("slope_second", "slope_fourth"):
            return panels.slope_loss
        return np.maximum(panels.value_loss, panels.slope_loss) if kind == "both" else panels.value_loss

    def _unresolved(self, panels: Panels, kind: Kind, lost: np.ndarray) -> SpecError:
        worst = int(np.argmax(lost))
        if self._loss(panels, kind)[worst] < 1:
            return SpecError(
                f"{WORDS[kind]} of '{self.phi.name}' is not known to 9 digits: the function loses too many of its own "
                f"near x = {panels.low[worst]:.6g}"
            )
        return SpecError(
            f"{WORDS[kind]} of '{self.phi.name}' does not converge to 9 digits: its integrand is singular near x = "
            f"{panels.low[worst]:.6g}"
        )

    def _unusable(self) -> SpecError:
        """Why there is nothing around 0."""
        places = np.array([0.0, -1.0, 1.0, -0.3, 0.3])
        with np.errstate(all="ignore"):
            bad = np.flatnonzero(~np.isfinite(self.phi.value(places)))
        if bad.size:
            return self._not_finite(float(places[bad[0]]))
        return SpecError(f"'{self.phi.name}' or its slope is too large around x = 0 for its square to be a number")

    def _not_finite(self, x: float) -> SpecError:
        return SpecError(f"'{self.phi.name}' is not a finite number at x = {x:.6g}; theory needs one for every x")


def _of_side(kind: Kind, value: np.float64, slope: np.float64) -> float:
    match kind:
        case "mean":
            return value
        case "second":
            return value * value
        case "fourth":
            return (value * value) ** 2
        case "slope_second" | "growth":  # where φ(0) = 0
            return slope * slope
        case "slope_fourth":
            return (slope * slope) ** 2
        case "both":
            return (value * slope) ** 2 if value else 0.0


def _rest(panels: Panels, integrand: np.ndarray) -> float:
    """How wrong the integral may be: coefficient 2·ORDER decides, about the square of the last one over the first."""
    shaped = integrand.reshape(-1, ORDER)
    largest, last = np.abs(shaped).max(axis=1), tails(shaped)
    some = largest > 0
    return float(((panels.high - panels.low)[some] * last[some] * (last[some] / largest[some])).sum())
