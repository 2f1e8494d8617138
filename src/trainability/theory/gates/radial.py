"""Gates whose formula ties a few pieces together: from means over directions, which serve every variance.

At variance q the distance r of k pieces has the density 2 (r²/2q)^(k/2) exp(−r²/2q) / (r Γ(k/2)), whatever the formula.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory.expectations import Estimate, Expectations, Kind, Products, Table, variances
from trainability.theory.gates.formula import Overflow
from trainability.theory.gates.means import COLUMNS, EACH, Means
from trainability.theory.gates.octaves import Directions, Octave, Octaves, density, share_within
from trainability.theory.quadrature import ORDER, tails

_INWARD = {2: 15, 3: 10}
"""Octaves below √q, by pieces: within the rest, of a share of 5e-10 at most, means count as constant."""
_REACH, _FARTHEST = 7.9, 6
"""Deviations that are looked at at least, and octaves above √q beyond which nothing can count."""
_NEGLIGIBLE = 1e-12
"""The share of an expectation that may lie beyond what is looked at."""
_UNRESOLVED = 1e-9
"""The share that may come from where φ is not resolved."""
_SLOW = 1e-5
"""A panel's last coefficient over its largest value from where on coefficients count as falling slowly."""
_PER_DECADE, _SMALLEST, _LARGEST = 3, 1e-12, 1e6
_BESIDE_0, _NOTHING = 1e-70, 1e-120


class RadialGate(Expectations):
    """Expectations of a function of two or three pieces."""

    def __init__(self, directions: Directions):
        self.formula = directions.formula
        self.name, self.pieces = self.formula.name, self.formula.pieces
        self._directions = directions
        self._octaves = Octaves(directions)
        self._dimensions = len(self.formula.used)
        self._beside_0  # noqa: B018 - refuses a formula that is not finite at 0

    def at(self, kind: Kind, q: float) -> float:
        return self._at_zero(kind) if q == 0 else self.estimate(kind, q).value

    def estimate(self, kind: Kind, q: float) -> Estimate:
        o = self._enough(kind, q)
        value, error = o.value[_column(kind)], o.error[_column(kind)]
        weight = density(o.r, q, self._dimensions)
        with np.errstate(over="ignore", invalid="ignore"):
            if kind == "growth":
                factor = (o.r**2 / q - self._dimensions) / (2 * q)
                integrand, error = (value - self._constant) * factor * weight, error * np.abs(factor)
            else:
                integrand = value * weight
            inside = integrand * o.w
            scale, total = float(np.abs(inside).sum()), float(inside.sum())
        if not math.isfinite(scale):
            raise self._too_fast(kind, q)
        left = float(np.abs(inside[o.stuck]).sum())
        if left > _UNRESOLVED * scale:
            raise self._too_rough()
        if kind != "growth":
            total += self._share_within(q) * float(value[0])
        shaped, widths = integrand.reshape(-1, ORDER), o.w.reshape(-1, ORDER).sum(axis=1)
        last, largest = tails(shaped), np.abs(shaped).max(axis=1)
        # Coefficient 2·ORDER, which decides the error, is about the square of the last one over the largest; where a
        # circle only touches a switch, coefficients fall slowly.
        share = np.where(last > _SLOW * largest, 1.0, last / np.where(largest > 0, largest, 1.0))
        rest = float(widths @ (last * share)) + _NEGLIGIBLE * scale
        return Estimate(total, rest + float((error * weight * o.w).sum()) + left)

    def of_power(self, kind: Kind, power: float) -> Estimate:
        """The expectation at variance 1 where its mean over directions grows as r^`power`."""
        value, error = (float(part[_column(kind), 0]) for part in (self._at_1.value, self._at_1.error))
        if kind != "mean" and not error <= _UNRESOLVED * value:
            raise self._too_rough()
        factor = self._mean_power(power) if value else 0.0
        value, error = factor * value, factor * error
        return Estimate(value, error + 1e-15 * abs(value))

    def slope_each_of_power(self, power: float) -> tuple[float, ...]:
        """`slope_each` likewise."""
        return self.formula.of_pieces((self._mean_power(power) * self._at_1.value[EACH:, 0]).tolist())

    @functools.cached_property
    def _at_1(self) -> Means:
        return self._directions.means(np.ones(1))

    def _mean_power(self, power: float) -> float:
        """E[r^power] at variance 1."""
        half = 0.5 * self._dimensions
        if half + 0.5 * power <= 0:
            return math.inf
        return math.exp(0.5 * power * math.log(2) + math.lgamma(half + 0.5 * power) - math.lgamma(half))

    def slope_each(self, q: float) -> tuple[float, ...]:
        if not q:
            return self.formula.of_pieces(self._beside_0.value[EACH:, 0].tolist())
        o = self._enough("slope_second", q)
        value = o.value[EACH:]
        each = value @ (density(o.r, q, self._dimensions) * o.w) + self._share_within(q) * value[:, 0]
        return self.formula.of_pieces(each.tolist())

    def products(self, q: float, exact: Expectations | None = None) -> Products:
        return self._directions.products(exact or self, self._enough("second", q), q)

    @functools.cached_property
    def table(self) -> Table:
        q = variances(_PER_DECADE, _SMALLEST, _LARGEST)
        first, last = self._first(q[0]), math.ceil(0.5 * math.log2(q[-1]) + math.log2(_REACH))
        found = self._octaves.affordable(range(first, last))
        if not found:
            raise self._too_fast("second", float(q[0]))
        o = Octave.joined(found)
        q = q[q <= (float(o.r[-1]) / _REACH) ** 2]
        weight = density(o.r, q[:, None], self._dimensions) * o.w
        inside = np.array([share_within(2.0**first, v, self._dimensions) for v in q.tolist()])
        second, slope = o.value[_column("second")], o.value[_column("slope_second")]
        columns = [weight @ part + inside * part[0] for part in (second, slope)]
        factor = (o.r**2 / q[:, None] - self._dimensions) / (2 * q[:, None])
        columns.append((weight * factor) @ (second - self._constant))
        # The end of what is sampled must not matter.
        last_panel = np.stack([weight[:, -ORDER:] @ part[-ORDER:] for part in (second, slope)])
        kept = (last_panel <= 1e-10 * np.array(columns[:2])).all(axis=0) | (4 * _REACH**2 * q <= float(o.r[-1]) ** 2)
        count = len(q) if kept.all() else int(np.argmin(kept))
        return self._finite(q[:count], [column[:count] for column in columns])

    def _first(self, q: float) -> int:
        """The innermost octave that counts at variance q: from 2^it."""
        return math.floor(0.5 * math.log2(q)) - _INWARD[self._dimensions]

    def _share_within(self, q: float) -> float:
        """The chance of a distance nearer to 0 than that octave."""
        return share_within(2.0 ** self._first(q), q, self._dimensions)

    def _enough(self, kind: Kind, q: float) -> Octave:
        """The octaves that count."""
        first, middle = self._first(q), 0.5 * math.log2(q)
        last = math.ceil(middle + math.log2(_REACH))
        found: list[Octave] = []
        for octave in self._octaves.made(range(first, last)):
            if isinstance(octave, SpecError):
                break
            found.append(octave)
        else:
            while last <= middle + _FARTHEST + 1:
                joined = Octave.joined(found)
                if self._ends(joined, kind, q):
                    return joined
                (octave,) = self._octaves.made(range(last, last + 1))
                if isinstance(octave, SpecError):
                    break
                found.append(octave)
                last += 1
            else:
                raise self._too_fast(kind, q)
        if len(found) > middle - first:
            joined = Octave.joined(found)
            if self._ends(joined, kind, q):
                return joined
        raise self._too_fast(kind, q) if isinstance(octave, Overflow) else octave

    def _ends(self, o: Octave, kind: Kind, q: float) -> bool:
        """Whether what comes beyond has no share, as fast as the integrand falls at the end."""
        with np.errstate(over="ignore", invalid="ignore"):
            size = density(o.r, q, self._dimensions) * np.abs(o.value[_column(kind)])
            total = float(size @ o.w)
        if not math.isfinite(total):
            return False
        before, end = size[-2:].tolist()
        if end == 0:
            return True
        rate = math.log(before / end) / (o.r[-1] - o.r[-2]) if before > 0 else 0.0
        return rate > 0 and end / rate <= _NEGLIGIBLE * total

    @functools.cached_property
    def _beside_0(self) -> Means:
        """Means right beside 0; a rounding's worth of φ there is 0."""
        found = self._directions.means(np.array([_BESIDE_0]))
        value = found.value.copy()
        if value[_column("second"), 0] < _NOTHING:
            value[[_column("mean"), _column("second"), _column("fourth"), _column("both")]] = 0.0
        return Means(value, found.error, found.nodes)

    @property
    def _constant(self) -> float:
        """φ(0)², which dE[φ²]/dq does not see and which would cancel in it."""
        return float(self._beside_0.value[_column("second"), 0])

    def _at_zero(self, kind: Kind) -> float:
        if kind == "growth":
            return self._at_zero("slope_second") if self.through_zero else self.at("growth", _SMALLEST)
        return float(self._beside_0.value[_column(kind), 0])

    def _too_rough(self) -> SpecError:
        return SpecError(f"the expectations of '{self.name}' do not converge: it is singular or too rough")


def _column(kind: Kind) -> int:
    """The column of means that an expectation is taken from."""
    return COLUMNS["second" if kind == "growth" else kind]
