"""φ and φ′ at nodes on the whole line, made as far out as they are asked for.

The panels shrink towards 0 by octaves, are split at φ's kinks, and are halved wherever φ is steep: a Gaussian of any
width is smooth on them, so that the same samples serve every variance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory.functions import Phi
from trainability.theory.quadrature import ORDER, nodes_of, refine, weights_of

SMALLEST_OCTAVE = -60
"""The innermost panels end at ±2^-60."""

SPREAD = 16.0
"""Deviations that samples cover at least: a Gaussian's share beyond them is 1e-57."""

_FIRST = 16.0
_FARTHEST = 2.0**45
_TOLERANCE = 1e-10
_ROUNDING = 1e-14
_HUGE = 1e150
_MOST_NODES = 40_000


@dataclass(frozen=True)
class Limit:
    """Where φ stops being a number that can be used, and why: ``overflow``, ``nan`` or ``rough``."""

    x: float
    why: str


class Samples:
    """The samples of one function.

    Attributes:
        low, high: the panels' ends, ascending, shape (panels,).
        stuck: which panels are not resolved although they are the narrowest.
        x, w, value, slope: nodes, their weights, φ and φ′ there, shape (panels · ORDER,).
        limits: what ends the panels on the left and on the right, if anything but `reach` does.
        reach: how far out the panels go.
        steepest: the largest |φ′| on [-1, 1].
    """

    def __init__(self, phi: Phi):
        self.phi = phi
        self.low, self.high = np.empty(0), np.empty(0)
        self.stuck = np.empty(0, dtype=bool)
        self.x, self.w = np.empty(0), np.empty(0)
        self.value, self.slope = np.empty(0), np.empty(0)
        self.limits: list[Limit | None] = [None, None]
        self.reach = 0.0
        self.steepest = 0.0
        self._largest = np.zeros(2)
        self.extend()

    def cover(self, q: float, patient: bool = False) -> None:
        """Sample far enough for variance q; `patient`: or as far as φ stays a number and cheap.

        An oscillating function needs panels in proportion to the distance, and is not followed to infinity.
        """
        while self.reach < min(SPREAD * math.sqrt(q), _FARTHEST):
            if all(self.limits) or (patient and (any(self.limits) or self.x.size > _MOST_NODES)):
                break
            self.extend(math.ceil(math.log2(SPREAD * math.sqrt(q) / self.reach)))

    @property
    def exhausted(self) -> bool:
        """Whether the samples go as far out as they ever will."""
        return self.reach >= _FARTHEST

    def beside_zero(self) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """φ and φ′ just left and right of 0; None if φ is not finite there."""
        inner = np.argsort(np.abs(self.x))[: 2 * ORDER]
        sides = [inner[self.x[inner] < 0], inner[self.x[inner] > 0]]
        if not all(len(side) for side in sides):
            return None
        exact, found = self._both(np.array([-1e-300, 1e-300])), []
        for known, sampled in zip(exact, (self.value, self.slope), strict=True):
            nearest = [sampled[side[0]] for side in sides]
            left, right = (float(v if np.isfinite(v) else n) for v, n in zip(known, nearest, strict=True))
            found.append((left, right))
        return found[0], found[1]

    def extend(self, octaves: int = 1) -> None:
        """Sample so many octaves more on each side that has no limit."""
        first = self.reach == 0
        powers = 2.0 ** np.arange(SMALLEST_OCTAVE, 4) if first else self.reach * 2.0 ** np.arange(octaves)
        outer = np.sort(np.concatenate([powers, 1.5 * powers, [2 * powers[-1]], [0.0] if first else []]))
        try:
            starts = [self._start(np.sort(sign * outer) + 0.0) for sign in (-1.0, 1.0)]
            floor, largest = self._noise(starts)
            found = [
                refine(self.phi.to_resolve, start, _TOLERANCE, floor, f"'{self.phi.name}'") if limit is None else None
                for start, limit in zip(starts, self.limits, strict=True)
            ]
        except SpecError:
            if first:
                raise
            if octaves > 1:
                self.extend(1)
                return
            ends = (-self.reach, self.reach)
            self.limits = [limit or Limit(x, "rough") for limit, x in zip(self.limits, ends, strict=True)]
            return
        for side, panels in enumerate(found):
            if panels:
                self._keep(*panels, side)
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
            distance.append(np.minimum(np.abs(low), np.abs(high)))
            size.append(values.max(axis=2))
        distances, sizes = np.concatenate(distance), np.concatenate(size, axis=1)
        order = np.argsort(distances)
        distances = distances[order]
        largest = np.maximum.accumulate(np.maximum(sizes[:, order], self._largest[:, None]), axis=1)
        if self.reach == 0:
            self.steepest = float(largest[1, np.searchsorted(distances, 1.0) - 1])

        def floor(d: np.ndarray) -> np.ndarray:
            inner = largest[:, np.searchsorted(distances, d, side="right") - 1]
            sizes = _ROUNDING * np.maximum(inner, self.steepest * np.stack([d, np.ones_like(d)]))
            return sizes[:1] if self.phi.kinks is None else sizes

        return floor, largest[:, -1]

    def _keep(self, edges: np.ndarray, stuck: np.ndarray, side: int) -> None:
        """Sample φ and φ′ between `edges` as far as they are finite."""
        low, high = edges[:-1], edges[1:]
        x = nodes_of(low, high)
        value, slope = self._both(x)
        good = ((np.abs(value) < _HUGE) & (np.abs(slope) < _HUGE)).all(axis=1)  # NaN is not less
        if not good.all():
            bad = np.flatnonzero(~good)
            place = bad[0] if side else bad[-1]
            why = "nan" if np.isnan(value[place]).any() else "overflow"
            self.limits[side] = Limit(float(low[place] if side else high[place]), why)
            keep = slice(0, place) if side else slice(place + 1, None)
            low, high, stuck, x, value, slope = (part[keep] for part in (low, high, stuck, x, value, slope))
        new = {
            "low": low, "high": high, "stuck": stuck, "x": x.ravel(), "w": weights_of(low, high).ravel(),
            "value": value.ravel(), "slope": slope.ravel(),
        }  # fmt: skip
        for name, part in new.items():
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, part] if side else [part, old]))
