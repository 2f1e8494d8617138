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
    from trainability.theory.gates.radial import RadialGate

_GRID = 80
_STEPS, _CLOSE = 150, 4e-15
"""On the way to a crossing, and radians around it that need no more; 50 middles are enough for any."""
_NARROWINGS, _BETWEEN, _LIKELY = 14, 9, 0.7
"""Of a place at which a circle may only touch a switch, the points looked at, and the share of the smallest value
there that a parabola has to fall below for another look."""
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

    def products(self, exact: Expectations, m: RadialGate, q: float) -> PlaneProducts:
        """The expectations over two correlated inputs; `exact` knows what there is for two that are the same."""
        return PlaneProducts(exact, m.distances(q), self, q)

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
        grid = _OFF + 2 * math.pi * np.arange(-1, _GRID + 1) / _GRID
        found = [np.empty((count, 0))]
        for switch in self._switches:
            values = self._of(switch, np.broadcast_to(grid[:, None], (len(grid), count)), fixed)
            cell, row = np.nonzero((values[1:-1] > 0) != (values[2:] > 0))
            touching, left, middle, right = self._touching(switch, values, grid, fixed)
            row = np.concatenate([row, touching, touching])
            if not row.size:
                continue
            low, high = np.concatenate([grid[cell + 1], left, middle]), np.concatenate([grid[cell + 2], middle, right])
            crossing = self._between(switch, low, high, fixed[:, row])
            order = np.argsort(row, kind="stable")
            row, crossing = row[order], crossing[order]
            number = np.arange(row.size) - np.searchsorted(row, row)
            at = np.full((count, int(number.max()) + 1), np.inf)
            at[row, number] = crossing % (2 * math.pi)
            found.append(at)
        return np.concatenate(found, axis=1)

    def _touching(self, switch: Switch, values: np.ndarray, grid: np.ndarray, fixed: np.ndarray) -> list[np.ndarray]:
        """Circles that a switch crosses twice between grid points: (circle, an angle before, between, and behind)."""
        before, here, after = (np.sign(values[1:-1]) * part for part in (values[:-2], values[1:-1], values[2:]))
        turns = (here > 0) & (before >= here) & (after >= here)
        cell, row = np.nonzero(turns & (_turn(before, here, after) < _LIKELY * here))
        left, right, sign = grid[cell], grid[cell + 2], np.sign(values[cell + 1, row])
        found = [(row[:0], left[:0], left[:0], left[:0])]
        for _ in range(_NARROWINGS):
            if not row.size:
                break
            angle = left + (right - left) * np.linspace(0.0, 1.0, _BETWEEN)[:, None]
            value = sign * self._of(switch, angle, fixed[:, row])
            each, least = np.arange(row.size), np.clip(np.argmin(value, axis=0), 1, _BETWEEN - 2)
            crossed = value[least, each] < 0
            found.append((row[crossed], left[crossed], angle[least, each][crossed], right[crossed]))
            near = [value[least + i, each] for i in (-1, 0, 1)]
            kept = ~crossed & (_turn(*near) < _LIKELY * near[1])
            row, sign, left, right = row[kept], sign[kept], angle[least - 1, each][kept], angle[least + 1, each][kept]
        return [np.concatenate(part) for part in zip(*found, strict=True)]

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
            inside = (chord >= low) & (chord <= high) & (step % 3 < 2)
            at = np.where(inside, chord, 0.5 * (low + high))
            value = self._of(switch, at, fixed)
            found[place] = at
            left = (np.abs(at - before) > _CLOSE) & (high - low > _CLOSE) & (value != 0)
            if not left.any():
                break
            side = np.where((value > 0) == (at_low > 0), -1, 1)
            low, at_low = np.where(side < 0, (at, value), (low, np.where(moved == side, 0.5, 1.0) * at_low))
            high, at_high = np.where(side > 0, (at, value), (high, np.where(moved == side, 0.5, 1.0) * at_high))
            parts = low, high, at_low, at_high, place, at, side
            low, high, at_low, at_high, place, before, moved = (part[left] for part in parts)
            fixed = fixed[:, left]
        return found


def _turn(before: np.ndarray, here: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The least value of the parabola through three equidistant ones."""
    with np.errstate(all="ignore"):
        return here - (after - before) ** 2 / (8 * (after + before - 2 * here))
