"""Means over circles: of a gate of two pieces, how it is in all directions at one distance from 0.

A circle is cut where the formula switches branch on it, and its arcs are halved wherever φ is steep.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory.expectations import Expectations
from trainability.theory.gates.formula import GateFormula, Switch
from trainability.theory.gates.means import Means, columns_of, errors_of
from trainability.theory.gates.plane_products import PlaneProducts
from trainability.theory.quadrature import ENDS_WORSE, ORDER, TO_COEFFICIENTS, TO_ENDS, WEIGHTS, WITH_ENDS

if TYPE_CHECKING:
    from trainability.theory.gates.octaves import Octave

_GRID = 160
_STEPS, _CLOSE, _BESIDE = 150, 4e-15, 3e-15
"""On the way to a crossing, and radians around it that need no more; 50 middles are enough for any."""
_UNLIKE, _LIKELY = 0.1, 0.7
"""How far a value may be from a cubic through its neighbours, as a share of these; and how much of the nearest value a
parabola may leave where it turns."""
_LEVELS, _PARTS = 7, 8
"""Looks that are taken, each with cells so many times as narrow as the one before."""
_OFF = 0.0137
"""Where the grid begins on which switches are looked for: round numbers do not lie on it."""
_TOLERANCE, _SINGULAR = 1e-8, 1e-12
"""An arc's last coefficients, as a share of the circle's largest value; and times its width, of the integral."""
_ROUNDING = 1e-13
_NARROWEST = 1e-14
_MOST_ARCS, _MOST_NODES = 1_000, 3_000_000


@dataclass(frozen=True)
class Arcs:
    """Arcs of circles, each with ORDER nodes.

    Attributes:
        row: the circle that each belongs to, ascending, shape (arcs,). share: of the circle, shape (arcs,).
        angle, value: of the nodes, shape (ORDER, arcs). slopes: partial derivatives, shape (pieces, ORDER, arcs).
        size, rest: the largest, and what φ and the slopes may be off by, shape (1 + pieces, arcs).
    """

    row: np.ndarray
    share: np.ndarray
    angle: np.ndarray
    value: np.ndarray
    slopes: np.ndarray
    size: np.ndarray
    rest: np.ndarray


class Circles:
    """The circles of a formula's plane; of a third piece, planes at a height of its own."""

    def __init__(self, formula: GateFormula):
        self.formula = formula
        self._switches = [switch for switch in formula.switches if switch.names & set(formula.used[:2])]

    def means(self, radius: np.ndarray, height: Sequence[np.ndarray] = ()) -> Means:
        """Of circles of the radii (n,), at heights (n,).

        Raises:
            SpecError: φ is not finite on one of them, or too rough.
        """
        arcs = self.arcs(radius, height)
        with np.errstate(over="ignore", invalid="ignore"):
            each = 0.5 * arcs.share * (WEIGHTS @ columns_of(arcs.value, arcs.slopes))
            error = arcs.share * errors_of(arcs.size, arcs.rest)
        first = np.searchsorted(arcs.row, np.arange(len(radius)))
        return Means(
            *(np.add.reduceat(part, first, axis=1) for part in (each, error)),
            nodes=ORDER * np.diff(first, append=len(arcs.row)),
        )

    def products(self, exact: Expectations, octaves: Octave, q: float) -> PlaneProducts:
        """The expectations over two correlated inputs; `exact` knows what there is for two that are the same."""
        return PlaneProducts(exact, octaves, self, q)

    def arcs(self, radius: np.ndarray, height: Sequence[np.ndarray] = ()) -> Arcs:
        """Arcs on which φ and its slopes are resolved."""
        count = len(radius)
        fixed = np.stack([radius, *height])
        edges = np.concatenate([np.tile([0.0, math.pi, 2 * math.pi], (count, 1)), self._roots(fixed)], axis=1)
        edges.sort(axis=1)
        low, high = edges[:, :-1].ravel(), np.minimum(edges[:, 1:], 2 * math.pi).ravel()
        row = np.repeat(np.arange(count), edges.shape[1] - 1)
        wide = high > low
        row, low, high = row[wide], low[wide], high[wide]

        floor = _ROUNDING * self.formula.steepest * np.sqrt((fixed**2).sum(axis=0))
        done, largest, size, of_row = [], np.zeros(count), 0, np.bincount(row, minlength=count)
        norm_kept = np.zeros((1 + len(self.formula.used), count))
        while low.size:
            angle = 0.5 * (low + high) + 0.5 * (high - low) * WITH_ENDS[:, None]
            at = self._at(angle, fixed[:, row])
            value, slopes = self.formula.value_and_slopes(at)
            with np.errstate(over="ignore"):
                seen = np.concatenate([value[None], radius[row] * slopes])
            sizes = np.abs(seen).max(axis=1)
            if not np.isfinite(sizes).all():
                self.formula.refuse(at, seen)
            np.maximum.at(largest, row, sizes.max(axis=0))
            each = np.abs(TO_COEFFICIENTS[-2:] @ seen[:, :ORDER]).max(axis=1)
            beyond = np.abs(TO_ENDS @ seen[:, :ORDER] - seen[:, ORDER:]).max(axis=1)
            last = np.maximum(each, beyond / ENDS_WORSE)
            width = high - low
            size_of = width * np.abs(seen).mean(axis=1)
            norm = norm_kept + np.stack([np.bincount(row, part, count) for part in size_of])
            enough = np.maximum(_TOLERANCE * largest, floor)[row]
            rough = ((last > enough) & (last * width > _SINGULAR * norm[:, row])).any(axis=0)
            split = rough & (width > _NARROWEST * high) & (of_row[row] < _MOST_ARCS)
            keep = ~split
            scale = np.concatenate(
                [np.ones((1, len(row))), np.broadcast_to(1 / radius[row], (len(sizes) - 1, len(row)))]
            )
            rest = scale * np.where(rough & keep, sizes, each)
            norm_kept += np.stack([np.bincount(row[keep], part[keep], count) for part in size_of])
            parts = row, width / (2 * math.pi), angle[:ORDER], value[:ORDER], slopes[:, :ORDER], scale * sizes, rest
            done.append([part[..., keep] for part in parts])
            size += ORDER * int(keep.sum())
            row, low, high = row[split], low[split], high[split]
            of_row += np.bincount(row, minlength=count)
            if size + 2 * ORDER * low.size > _MOST_NODES:
                raise SpecError(f"'{self.formula.name}' is too rough or too noisy to be integrated")
            middle = 0.5 * (low + high)
            row, low, high = np.concatenate([row, row]), np.concatenate([low, middle]), np.concatenate([middle, high])
        parts = [np.concatenate(part, axis=-1) for part in zip(*done, strict=True)]
        order = np.argsort(parts[0], kind="stable")
        return Arcs(*(part[..., order] for part in parts))

    def _at(self, angle: np.ndarray, fixed: np.ndarray) -> np.ndarray:
        """The pieces at angles (…, circles) on circles of radius and heights `fixed` (1 + heights, circles)."""
        radius, *height = fixed
        heights = [np.broadcast_to(h, angle.shape) for h in height]
        return np.stack([radius * np.cos(angle), radius * np.sin(angle), *heights])

    def _of(self, switch: Switch, angle: np.ndarray, fixed: np.ndarray) -> np.ndarray:
        return switch.of(self._at(angle, fixed))[0]

    def _roots(self, fixed: np.ndarray) -> np.ndarray:
        """Angles at which the formula switches branch, shape (circles, roots); of a circle that has fewer, infinite."""
        count = fixed.shape[1]
        found = [np.empty((count, 0))]
        for switch in self._switches:
            row, low, high = self._crossings(switch, fixed)
            if not row.size:
                continue
            crossing = self._between(switch, low, high, fixed[:, row])
            order = np.argsort(row, kind="stable")
            row, crossing = row[order], crossing[order]
            number = np.arange(row.size) - np.searchsorted(row, row)
            at = np.full((count, int(number.max()) + 1), np.inf)
            at[row, number] = crossing % (2 * math.pi)
            found.append(at)
        return np.concatenate(found, axis=1)

    def _crossings(self, switch: Switch, fixed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Circles on which a switch changes sign, and angles before and behind: on a grid, and ever closer where its
        cells may hide more."""
        row, left, cells = np.arange(fixed.shape[1]), np.full(fixed.shape[1], _OFF), _GRID
        step = 2 * math.pi / cells
        found = []
        for level in range(_LEVELS):
            angle = left + step * np.arange(-2, cells + 3)[:, None]
            value = self._of(switch, angle, fixed[:, row])
            changes, hiding = _cells(value)
            if level == _LEVELS - 1:
                hiding[:] = False
            cell, which = np.nonzero(changes & ~hiding)
            found.append((row[which], angle[cell + 2, which], angle[cell + 3, which]))
            cell, which = np.nonzero(hiding)
            row, left, cells, step = row[which], angle[cell + 2, which], _PARTS, step / _PARTS
            if not row.size:
                break
        row, low, high = (np.concatenate(part) for part in zip(*found, strict=True))
        return row, low, high

    def _between(self, switch: Switch, low: np.ndarray, high: np.ndarray, fixed: np.ndarray) -> np.ndarray:
        """Where a switch crosses 0 between angles at which it has different signs, each on a circle of its own.

        By the chord, halving the end that stays (Illinois), and every third time by the middle, which a jump needs.
        """
        found = high.copy()
        at_low, at_high = (self._of(switch, end, fixed) for end in (low, high))
        place, before, moved = np.arange(len(low)), high, np.zeros(len(low))
        for step in range(_STEPS):
            with np.errstate(all="ignore"):
                chord = high - at_high * (high - low) / (at_high - at_low)
            # An end at which it is 0 may be the place, or one of many where it is 0: right beside tells.
            chord = np.where(at_high == 0, high - _BESIDE, np.where(at_low == 0, low + _BESIDE, chord))
            inside = (chord >= low) & (chord <= high) & (step % 3 < 2)
            at = np.where(inside, chord, 0.5 * (low + high))
            value = self._of(switch, at, fixed)
            found[place] = at
            left = (np.abs(at - before) > _CLOSE) & (high - low > _CLOSE)
            if not left.any():
                break
            side = np.where((value > 0) == (at_low > 0), -1, 1)
            low, at_low = np.where(side < 0, (at, value), (low, np.where(moved == side, 0.5, 1.0) * at_low))
            high, at_high = np.where(side > 0, (at, value), (high, np.where(moved == side, 0.5, 1.0) * at_high))
            parts = low, high, at_low, at_high, place, at, side
            low, high, at_low, at_high, place, before, moved = (part[left] for part in parts)
            fixed = fixed[:, left]
        return found


def _cells(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of values on a line, shape (4 + points, …), the cells between all but the first and the last two, shape
    (points − 1, …): at which the sign changes, and which may hide more changes.

    That is where a value among its neighbours nears 0 and a parabola through them nears it more, or where a value is so
    far from a cubic through its neighbours that there may be a kink or a jump between.
    """
    around = [value[i : len(value) - 4 + i] for i in range(5)]
    near = np.abs(around[2])
    before, after = (np.sign(around[2]) * part for part in (around[1], around[3]))
    with np.errstate(all="ignore"):
        turn = near - (after - before) ** 2 / (8 * (after + before - 2 * near))
    turns = (before >= near) & (after >= near) & (turn < _LIKELY * near)
    off = np.abs(4 * (around[1] + around[3]) - around[0] - around[4] - 6 * around[2]) / 6
    # Against what all around lies from 0: a single crossing is near 0 by itself.
    unlike = off > _UNLIKE * np.maximum.reduce([near, np.abs(before), np.abs(after)])
    hiding = (turns | unlike)[:-1] | (turns | unlike)[1:]
    return (around[2][:-1] > 0) != (around[2][1:] > 0), hiding
