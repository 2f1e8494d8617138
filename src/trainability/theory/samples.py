"""φ and φ′ at nodes on the whole line, made as far out as they are asked for.

The panels shrink towards 0 by octaves, are split at φ's kinks, and are halved wherever φ is steep: a Gaussian of any
width is smooth on them, so that the same samples serve every variance.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory.functions import Phi
from trainability.theory.hidden import probes, with_hidden
from trainability.theory.quadrature import ORDER, Refined, nodes_of, refined, weights_of

SMALLEST_OCTAVE = -60
"""The innermost panels end at ±2^-60."""

SPREAD = 16.0
"""Deviations that samples cover at least: a Gaussian's share beyond them is 1e-57."""

_FIRST = 16.0
FARTHEST = 2.0**64
"""Samples go no farther out."""

_TOLERANCE = 1e-10
_ROUNDING = 1e-14
_HUGE = 1e150
_LEAST = 1.0
"""How far out a function must be resolved at least, that is too rough to be farther out."""

_MOST_NODES = 20_000
_OCTAVES_AT_ONCE = 8


@dataclass(frozen=True)
class Limit:
    """Where φ stops being a number that can be used, and why: ``overflow``, ``nan`` or ``rough``."""

    x: float
    why: str


@dataclass(frozen=True)
class Panels:
    """Samples between two ends.

    Attributes:
        low, high: the panels' ends, ascending, shape (panels,).
        value_loss, slope_loss: what share of φ and of φ′ on a panel may be wrong, as `quadrature.Refined` says it.
        x, w, value, slope: nodes, their weights, φ and φ′ there, shape (panels · ORDER,).
    """

    low: np.ndarray
    high: np.ndarray
    value_loss: np.ndarray
    slope_loss: np.ndarray
    x: np.ndarray
    w: np.ndarray
    value: np.ndarray
    slope: np.ndarray


def split(panels: Panels, counts: np.ndarray, phi: Phi) -> Panels:
    """The same panels, each cut into so many equal ones."""
    part = np.concatenate([np.arange(n) for n in counts])
    low, width, whole = (np.repeat(a, counts) for a in (panels.low, panels.high - panels.low, counts))
    low, high = low + width * part / whole, low + width * (part + 1) / whole
    x = nodes_of(low, high)
    with np.errstate(all="ignore"):
        value, slope = phi.value(x), phi.slope(x)
    value_loss, slope_loss = np.repeat(panels.value_loss, counts), np.repeat(panels.slope_loss, counts)
    return Panels(
        low, high, value_loss, slope_loss, x.ravel(), weights_of(low, high).ravel(), value.ravel(), slope.ravel()
    )


class Samples:
    """The samples of one function. What they answer does not depend on how far out they were asked for before.

    Attributes:
        limits: what ends the panels on the left and on the right, if anything but `reach` does.
        reach: how far out the panels go.
        steepest: the largest |φ′| on [-1, 1].
    """

    def __init__(self, phi: Phi):
        self.phi = phi
        none = np.empty(0)
        self._panels = Panels(none, none, none, none, none, none, none, none)
        self.limits: list[Limit | None] = [None, None]
        self.reach = 0.0
        self.steepest = 0.0
        self._largest = np.zeros(2)
        self.extend()

    @staticmethod
    def reach_for(q: float) -> float:
        """How far out samples for variance q go at least: a power of 2."""
        return min(max(_FIRST, 2.0 ** math.ceil(math.log2(SPREAD * math.sqrt(q)))), FARTHEST)

    def within(self, reach: float) -> Panels:
        """The samples from -reach to reach, a power of 2, or up to where φ stops being a number."""
        while self.reach < reach and not all(self.limits):
            self.extend(round(math.log2(reach / self.reach)))
        low, high = self._panels.low, self._panels.high
        first, last = int(np.searchsorted(low, -reach)), int(np.searchsorted(high, reach, side="right"))
        panels, nodes = slice(first, last), slice(first * ORDER, last * ORDER)
        all_ = self._panels
        return Panels(
            low[panels], high[panels], all_.value_loss[panels], all_.slope_loss[panels],
            all_.x[nodes], all_.w[nodes], all_.value[nodes], all_.slope[nodes],
        )  # fmt: skip

    def cheap_reach(self, most: float) -> float:
        """How far out samples stay numbers and cheap, `most` at most.

        An oscillating function needs panels in proportion to the distance, and is not followed to infinity.
        """
        while self.reach < most and not all(self.limits) and self._panels.x.size <= _MOST_NODES:
            self.extend(min(_OCTAVES_AT_ONCE, round(math.log2(most / self.reach))))
        reach = _FIRST
        while reach < min(most, self.reach) and self.within(reach).x.size <= _MOST_NODES:
            reach *= 2
        return reach

    def beside_zero(self) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """φ and φ′ just left and right of 0; None if φ is not finite there."""
        panels = self._panels
        inner = np.argsort(np.abs(panels.x))[: 2 * ORDER]
        sides = [inner[panels.x[inner] < 0], inner[panels.x[inner] > 0]]
        if not all(len(side) for side in sides):
            return None
        exact, found = self._both(np.array([-1e-300, 1e-300])), []
        for known, sampled in zip(exact, (panels.value, panels.slope), strict=True):
            nearest = [sampled[side[0]] for side in sides]
            left, right = (float(v if np.isfinite(v) else n) for v, n in zip(known, nearest, strict=True))
            found.append((left, right))
        return found[0], found[1]

    def extend(self, octaves: int = 1) -> None:
        """Sample so many octaves more on each side that has no limit."""
        first = self.reach == 0
        powers = 2.0 ** np.arange(SMALLEST_OCTAVE, 4) if first else self.reach * 2.0 ** np.arange(octaves)
        outer = np.sort(np.concatenate([powers, 1.5 * powers, [2 * powers[-1]], [0.0] if first else []]))
        starts = [self._start(np.sort(sign * outer) + 0.0) for sign in (-1.0, 1.0)]
        floor, largest = self._noise(starts)
        # What is found rough on the way must not depend on how much was asked for: one octave after the other then.
        least = _LEAST if first else self.reach if octaves == 1 else math.inf
        try:
            found = [
                self._resolved(start, floor, least) if limit is None else None
                for start, limit in zip(starts, self.limits, strict=True)
            ]
        except SpecError:
            if first or octaves == 1:
                raise
            self.extend()
            return
        for side, panels in enumerate(found):
            if panels:
                self._keep(panels, side)
        self.reach = float(outer[-1])
        self._largest = largest

    def _both(self, x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.stack([self.phi.value(x), self.phi.slope(x)])

    def _start(self, edges: np.ndarray) -> np.ndarray:
        """The octaves' edges and the kinks between them."""
        breaks = self.phi.breaks(float(np.abs(edges).max()))
        return np.unique(np.concatenate([edges, breaks[(breaks > edges[0]) & (breaks < edges[-1])]]))

    def _noise(self, starts: list[np.ndarray]) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        """What size of φ and φ′ is rounding and not structure, by the distance d from 0; and the largest of both.

        A share of φ's size anywhere nearer to 0, which a Gaussian around 0 sees better; and of d, for x − tanh(x) and
        the like.
        """
        distance, size = [], []
        for edges in starts:
            low, high = edges[:-1], edges[1:]
            values = np.abs(self._both(nodes_of(low, high)))
            values[~(values < _HUGE)] = 0.0
            distance.append(np.maximum(np.abs(low), np.abs(high)))
            size.append(values.max(axis=2))
        distances, sizes = np.concatenate(distance), np.concatenate(size, axis=1)
        order = np.argsort(distances)
        distances = distances[order]
        largest = np.maximum.accumulate(np.maximum(sizes[:, order], self._largest[:, None]), axis=1)
        if self.reach == 0:
            self.steepest = float(largest[1, np.searchsorted(distances, 1.0, side="right") - 1])

        def floor(d: np.ndarray) -> np.ndarray:
            inner = largest[:, np.maximum(np.searchsorted(distances, d, side="right") - 1, 0)]
            sizes = _ROUNDING * np.maximum(inner, self.steepest * np.stack([d, np.ones_like(d)]))
            return sizes[:1] if self.phi.kinks is None else sizes

        return floor, largest[:, -1]

    def _resolved(self, start: np.ndarray, floor: Callable[[np.ndarray], np.ndarray], least: float) -> Refined:
        low, high = self.phi.resolution.ends if self.phi.kinks is None else (-math.inf, math.inf)
        kept = start[(low <= start) & (start <= high)]

        def panels(edges: np.ndarray) -> Refined:
            return refined(self.phi.to_resolve, edges, _TOLERANCE, floor, f"'{self.phi.name}'", least)

        found = panels(kept)
        if self.reach == 0 and self.phi.kinks is not None:  # of a Python function, the resolution has seen to that
            x = probes(float(kept[0]), float(kept[-1]), self.phi.centres)
            found = with_hidden(self.phi.value, found, panels, x)
        return found if len(kept) == len(start) else dataclasses.replace(found, whole=False)

    def _keep(self, found: Refined, side: int) -> None:
        """Sample φ and φ′ between the edges found as far as they are finite."""
        low, high = found.edges[:-1], found.edges[1:]
        value_loss, slope_loss = found.loss[0], found.loss[-1]
        if not found.whole:
            self.limits[side] = Limit(float(high[-1] if side else low[0]), "rough")
        x = nodes_of(low, high)
        value, slope = self._both(x)
        good = ((np.abs(value) < _HUGE) & (np.abs(slope) < _HUGE)).all(axis=1)  # NaN is not less
        if not good.all():
            bad = np.flatnonzero(~good)
            place = bad[0] if side else bad[-1]
            why = "nan" if np.isnan(value[place]).any() else "overflow"
            self.limits[side] = Limit(float(low[place] if side else high[place]), why)
            keep = slice(0, place) if side else slice(place + 1, None)
            low, high, value_loss, slope_loss, x, value, slope = (
                part[keep] for part in (low, high, value_loss, slope_loss, x, value, slope)
            )
        new = (
            low,
            high,
            value_loss,
            slope_loss,
            x.ravel(),
            weights_of(low, high).ravel(),
            value.ravel(),
            slope.ravel(),
        )
        pairs = zip(vars(self._panels).values(), new, strict=True)
        self._panels = Panels(*(np.concatenate([old, part] if side else [part, old]) for old, part in pairs))
