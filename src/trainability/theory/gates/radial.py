"""Gates whose formula ties a few pieces together: means over directions, sampled along the distance from 0 once.

At variance q the distance r of k pieces has the density 2 (r²/2q)^(k/2) exp(−r²/2q) / (r Γ(k/2)), whatever the formula.
Means over directions are kept by octaves of r, made as they are asked for, and serve every variance, as the samples on
the line do for functions of one piece.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory.expectations import Estimate, Expectations, Kind, Products, Table, variances
from trainability.theory.gates.formula import GateFormula, Overflow
from trainability.theory.gates.means import COLUMNS, EACH, Means
from trainability.theory.gates.panels import resolved
from trainability.theory.quadrature import NODES, ORDER, WEIGHTS, tails

_INWARD = {2: 15, 3: 10}
"""Octaves below √q, by pieces: within the rest, of a share of 5e-10 at most, means count as constant."""
_REACH, _FARTHEST = 7.9, 6
"""Deviations that are looked at at least, and octaves above √q beyond which nothing can count."""
_ALL, _NEAR_0 = 14.0, 0.1
"""Deviations at which a root of the density is below 1e-20; and how close to an edge another one need not be."""
_NEGLIGIBLE, _UNRESOLVED, _SLOW = 1e-12, 1e-9, 1e-5
_CHEAP, _NEAR = (1_000_000, 600_000), 6
"""Values of φ that a table takes up to an octave, and beyond."""
_PER_DECADE, _SMALLEST, _LARGEST = 3, 1e-12, 1e6
_AT_ONCE = 4
_NARROW = 1e-4
_BESIDE_0, _NOTHING, _HUGE = 1e-70, 1e-120, 1e290


class Directions(Protocol):
    """Takes means over all directions."""

    formula: GateFormula

    def means(self, radius: np.ndarray) -> Means:
        """At the distances (n,); SpecError where φ is not finite or too rough."""
        ...

    def products(self, exact: Expectations, m: RadialGate, q: float) -> Products:
        """The expectations over two correlated inputs; `exact` knows what there is for two that are the same."""
        ...


@dataclass(frozen=True)
class Octave:
    """Means over directions at nodes between two distances of which one is twice the other.

    Attributes:
        r, w: nodes and their weights, shape (nodes,).
        value, error: shape (columns, nodes).
        stuck: shape (nodes,): panels that are not resolved although they are the narrowest.
        touching: distances at which panels narrow down, as where a circle touches a switch.
        cost: how many values of φ they took.
    """

    r: np.ndarray
    w: np.ndarray
    value: np.ndarray
    error: np.ndarray
    stuck: np.ndarray
    touching: np.ndarray
    cost: int


class RadialGate(Expectations):
    """Expectations of a function of a few pieces, from its means over directions."""

    def __init__(self, directions: Directions):
        self.formula = directions.formula
        self.name, self.pieces = self.formula.name, self.formula.pieces
        self._directions = directions
        self._dimensions = len(self.formula.used)
        self._octaves: dict[int, Octave | SpecError] = {}
        self._beside_0  # noqa: B018 - refuses a formula that is not finite at 0

    def at(self, kind: Kind, q: float) -> float:
        return self._at_zero(kind) if q == 0 else self.estimate(kind, q).value

    def estimate(self, kind: Kind, q: float) -> Estimate:
        octaves = self._for(kind, q)
        r, w, stuck = (np.concatenate([getattr(o, name) for o in octaves]) for name in ("r", "w", "stuck"))
        value, error = (self._column([getattr(o, name) for o in octaves], kind) for name in ("value", "error"))
        density = self._density(r, np.array([q]))[0]
        with np.errstate(over="ignore", invalid="ignore"):
            if kind == "growth":
                factor = (r**2 / q - self._dimensions) / (2 * q)
                integrand, error = (value - self._constant) * factor * density, error * np.abs(factor)
            else:
                integrand = value * density
            inside = integrand * w
            scale, total = float(np.abs(inside).sum()), float(inside.sum())
        if not math.isfinite(scale):
            raise self._too_fast(kind, q)
        left = float(np.abs(inside[stuck]).sum())
        if left > _UNRESOLVED * scale:
            raise self._too_rough()
        if kind != "growth":
            total += self._inside(self._first(q), q) * float(value[0])
        shaped, widths = integrand.reshape(-1, ORDER), w.reshape(-1, ORDER).sum(axis=1)
        last, largest = tails(shaped), np.abs(shaped).max(axis=1)
        # Coefficient 2·ORDER, which decides the error, is about the square of the last one over the largest; where a
        # circle only touches a switch, coefficients fall slowly.
        share = np.where(last > _SLOW * largest, 1.0, last / np.where(largest > 0, largest, 1.0))
        rest = float(widths @ (last * share)) + _NEGLIGIBLE * scale
        return Estimate(total, rest + float((error * density * w).sum()) + left)

    def of_power(self, kind: Kind, power: float) -> Estimate:
        """The expectation at variance 1 where its mean over directions grows as r^`power`."""
        value, error = (float(part[COLUMNS[kind], 0]) for part in (self._at_1.value, self._at_1.error))
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
        octaves = self._for("slope_second", q)
        r, w = (np.concatenate([getattr(o, name) for o in octaves]) for name in ("r", "w"))
        value = np.concatenate([o.value[EACH:] for o in octaves], axis=1)
        each = value @ (self._density(r, np.array([q]))[0] * w) + self._inside(self._first(q), q) * value[:, 0]
        return self.formula.of_pieces(each.tolist())

    def products(self, q: float, exact: Expectations | None = None) -> Products:
        return self._directions.products(exact or self, self, q)

    @functools.cached_property
    def table(self) -> Table:
        q = variances(_PER_DECADE, _SMALLEST, _LARGEST)
        lowest, highest = self._first(q[0]), math.ceil(0.5 * math.log2(q[-1]) + math.log2(_REACH))
        found: list[Octave] = []
        place, cost = lowest, 0
        # Steep or oscillating on its own scale, each octave takes more than the one before.
        while place < highest and cost + 2 * (found[-1].cost if found else 0) <= _CHEAP[place > _NEAR]:
            block = self._made(range(place, max(place + 1, min(place + _AT_ONCE, _NEAR))))
            good = [octave for octave in block if isinstance(octave, Octave)]
            found += good
            place, cost = place + len(block), cost + sum(octave.cost for octave in good)
            if len(good) < len(block):
                break
        if not found:
            raise self._too_fast("second", float(q[0]))
        r, w = (np.concatenate([getattr(o, name) for o in found]) for name in ("r", "w"))
        value = np.concatenate([o.value for o in found], axis=1)
        q = q[q <= (float(r[-1]) / 8) ** 2]
        density = self._density(r, q)
        weight = density * w
        inside = np.array([self._inside(lowest, v) for v in q.tolist()])
        second, slope = value[COLUMNS["second"]], value[COLUMNS["slope_second"]]
        columns = [weight @ part + inside * part[0] for part in (second, slope)]
        factor = (r**2 / q[:, None] - self._dimensions) / (2 * q[:, None])
        columns.append((weight * factor) @ (second - self._constant))
        # The end of what is sampled must not matter.
        last = np.stack([weight[:, -ORDER:] @ part[-ORDER:] for part in (second, slope)])
        kept = (last <= 1e-10 * np.array(columns[:2])).all(axis=0) | (q * 256 <= float(r[-1]) ** 2)
        count = len(q) if kept.all() else int(np.argmin(kept))
        return self._finite(q[:count], [column[:count] for column in columns])

    def distances(self, q: float) -> tuple[np.ndarray, np.ndarray]:
        """Distances between which also polynomials of degree 128 are resolved, and the share of each at variance q."""
        deviation = math.sqrt(q)
        octaves = self._for("second", q)
        touching = np.concatenate([octave.touching for octave in octaves]) / deviation
        touching = touching[touching > _NEAR_0]
        steps = np.arange(1.0, math.ceil(max(_ALL, 1.4 * float(octaves[-1].r[-1]) / deviation)) + 1)
        steps = steps[np.abs(steps[:, None] - touching).min(axis=1, initial=np.inf) > _NEAR_0]
        edges = np.sort(np.concatenate([[0.0], steps, touching]))
        starts, ends, graded = [], [], []
        for low, high in itertools.pairwise(edges.tolist()):
            kinds = [end in touching for end in (low, high)]
            middle = 0.5 * (low + high) if all(kinds) else high if kinds[0] else low
            for start, is_touching in ((low, kinds[0]), (high, kinds[1])):
                if is_touching or (start == low and not kinds[1]):
                    starts.append(start)
                    ends.append(middle if is_touching else high)
                    graded.append(is_touching)
        # Means go as whole powers of a root of the distance from where a circle touches a switch.
        t, width = 0.5 * (1 + NODES), np.subtract(ends, starts)[:, None]
        bent = np.array(graded)[:, None]
        r = deviation * (np.array(starts)[:, None] + width * np.where(bent, t * t, t)).ravel()
        w = deviation * (np.abs(width) * 0.5 * WEIGHTS * np.where(bent, 2 * t, 1.0)).ravel()
        return r, self._density(r, np.array([q]))[0] * w

    @property
    def _inward(self) -> int:
        return _INWARD[self._dimensions]

    def _first(self, q: float) -> int:
        """The innermost octave that counts at variance q: from 2^it."""
        return math.floor(0.5 * math.log2(q)) - self._inward

    def _for(self, kind: Kind, q: float) -> list[Octave]:
        """The octaves that count."""
        first, middle = self._first(q), 0.5 * math.log2(q)
        last = math.ceil(middle + math.log2(_REACH))
        found: list[Octave] = []
        for octave in self._made(range(first, last)):
            if isinstance(octave, SpecError):
                break
            found.append(octave)
        else:
            while not self._ends(found, kind, q):
                if last > middle + _FARTHEST:
                    raise self._too_fast(kind, q)
                (octave,) = self._made(range(last, last + 1))
                if isinstance(octave, SpecError):
                    break
                found.append(octave)
                last += 1
            else:
                return found
        if len(found) > middle - first and self._ends(found, kind, q):
            return found
        raise self._too_fast(kind, q) if isinstance(octave, Overflow) else octave

    def _ends(self, found: list[Octave], kind: Kind, q: float) -> bool:
        """Whether what comes beyond has no share, as fast as the integrand falls at the end."""
        octaves = [(o, self._density(o.r, np.array([q]))[0]) for o in found]
        with np.errstate(over="ignore", invalid="ignore"):
            sizes = [density * np.abs(self._column([o.value], kind)) for o, density in octaves]
            total = sum(float(size @ o.w) for size, (o, _) in zip(sizes, octaves, strict=True))
        if not math.isfinite(total):
            return False
        end, r = sizes[-1][-2:], found[-1].r[-2:]
        if end[1] == 0:
            return True
        rate = math.log(end[0] / end[1]) / (r[1] - r[0]) if end[0] > 0 else 0.0
        return rate > 0 and end[1] / rate <= _NEGLIGIBLE * total

    def _made(self, places: range) -> list[Octave | SpecError]:
        """The octaves from 2^place to twice that."""
        missing = [place for place in places if place not in self._octaves]
        if missing:
            try:
                made: list[Octave | SpecError] = list(self._sample(missing))
            except SpecError as error:
                made = (
                    [error]
                    if len(missing) == 1
                    else [o for place in missing for o in self._made(range(place, place + 1))]
                )
            self._octaves.update(zip(missing, made, strict=True))
        return [self._octaves[place] for place in places]

    def _sample(self, places: list[int]) -> list[Octave]:
        low = 2.0 ** np.array(places)

        def means(r: np.ndarray, _: np.ndarray) -> Means:
            found = self._directions.means(r.ravel())
            if not (np.abs(found.value[[COLUMNS["second"], COLUMNS["slope_second"]]]) < _HUGE).all():
                raise Overflow(f"'{self.name}' overflows or grows faster than the Gaussian decays")
            return found

        panels = resolved(means, np.stack([low, 2 * low], axis=1), 2 * low, self.formula.rounding, self.name)
        ends = np.searchsorted(panels.interval, np.arange(len(places) + 1))
        made = []
        for i, cost in enumerate(panels.nodes.tolist()):
            mine = slice(ends[i], ends[i + 1])
            value, error = (part[:, mine].reshape(len(part), -1) for part in (panels.value, panels.error))
            stuck = np.repeat(panels.stuck[mine], ORDER)
            touching = _narrowing(panels.x[mine].mean(axis=1), panels.w[mine].sum(axis=1))
            made.append(Octave(panels.x[mine].ravel(), panels.w[mine].ravel(), value, error, stuck, touching, cost))
        return made

    def _density(self, r: np.ndarray, q: np.ndarray) -> np.ndarray:
        """Of the distance, shape (q, r)."""
        half = 0.5 * r**2 / q[:, None]
        return 2 * half ** (0.5 * self._dimensions) * np.exp(-half) / (r * math.gamma(0.5 * self._dimensions))

    def _inside(self, first: int, q: float) -> float:
        """The chance to be nearer to 0 than the octave `first`, a small part of √q."""
        k = self._dimensions
        return (0.5 * 4.0**first / q) ** (0.5 * k) / math.gamma(0.5 * k + 1)

    def _column(self, parts: list[np.ndarray], kind: Kind) -> np.ndarray:
        column = COLUMNS["second" if kind == "growth" else kind]
        return np.concatenate([part[column] for part in parts])

    @functools.cached_property
    def _beside_0(self) -> Means:
        """Means right beside 0; a rounding's worth of φ there is 0."""
        found = self._directions.means(np.array([_BESIDE_0]))
        value = found.value.copy()
        if value[COLUMNS["second"], 0] < _NOTHING:
            value[[COLUMNS["mean"], COLUMNS["second"], COLUMNS["fourth"], COLUMNS["both"]]] = 0.0
        return Means(value, found.error, found.nodes)

    @property
    def _constant(self) -> float:
        """φ(0)², which dE[φ²]/dq does not see and which would cancel in it."""
        return float(self._beside_0.value[COLUMNS["second"], 0])

    def _at_zero(self, kind: Kind) -> float:
        if kind == "growth":
            return self._at_zero("slope_second") if self.through_zero else self.at("growth", _SMALLEST)
        return float(self._beside_0.value[COLUMNS[kind], 0])

    def _too_rough(self) -> SpecError:
        return SpecError(f"the expectations of '{self.name}' do not converge: it is singular or too rough")


def _narrowing(middle: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Where panels, ascending, narrow down to far below their place: the middles of the narrowest of each run."""
    narrow = np.flatnonzero(width < _NARROW * middle)
    runs = np.split(narrow, np.flatnonzero(np.diff(narrow) > 1) + 1) if narrow.size else []
    return np.array([middle[run][width[run] <= 1.001 * width[run].min()].mean() for run in runs])
