"""The inner integrals of nested quadrature: for each x1 a line over x2, with panels of its own."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainability.core.errors import SpecError
from trainability.core.expression import Node, names
from trainability.theory.gates.formula import GateFormula
from trainability.theory.quadrature import ORDER, nodes_of, tails, weights_of

_STEP = 2.0
_GRID, _HALVINGS = 96, 52
_OFF = 1.0137
"""The grid on which switches are looked for reaches this much farther: round numbers do not lie on it."""

_TOLERANCE = 1e-7
_NARROWEST = 1e-12
_MOST_PANELS = 1_000
_ROUNDING = 1e-13
_MOST_NODES = 6_000_000


@dataclass(frozen=True)
class RowNodes:
    """Nodes y on rows, the weights of N(0, q) at them, and φ there; a panel's ORDER nodes lie together."""

    row: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    value: np.ndarray
    slopes: np.ndarray
    stuck: np.ndarray

    @functools.cached_property
    def slope_second(self) -> np.ndarray:
        """φ′², shape (nodes,)."""
        return (self.slopes**2).sum(axis=0)


class Rows:
    """Lines over the second of two pieces, out to `reach` deviations."""

    def __init__(self, formula: GateFormula, switches: Sequence[Node], q: float, reach: float):
        self.formula = formula
        self.q, self.s, self.reach = q, math.sqrt(q), reach
        self.across = [difference for difference in switches if formula.used[1] in names(difference)]

    def roots(self, differences: Sequence[Node], fixed: np.ndarray, place: int) -> np.ndarray:
        """Where differences change sign along the piece `place`, the other being `fixed` (n,): (n, roots), else inf."""
        grid = np.linspace(-self.reach, self.reach, _GRID) * _OFF * self.s
        found = [np.full((len(fixed), 0), np.inf)]
        for difference in differences:
            on_grid = np.broadcast_to(grid, (len(fixed), _GRID))
            positive = self._positive(difference, np.broadcast_to(fixed[:, None], on_grid.shape), on_grid, place)
            row, cell = np.nonzero(positive[:, 1:] != positive[:, :-1])
            if not row.size:
                continue
            low, high, first = grid[cell], grid[cell + 1], positive[row, cell]
            for _ in range(_HALVINGS):
                middle = 0.5 * (low + high)
                is_low = self._positive(difference, fixed[row], middle, place) == first
                low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
            number = np.arange(row.size) - np.searchsorted(row, row)
            at = np.full((len(fixed), int(number.max()) + 1), np.inf)
            at[row, number] = high
            found.append(at)
        return np.concatenate(found, axis=1)

    def _positive(self, difference: Node, fixed: np.ndarray, moving: np.ndarray, place: int) -> np.ndarray:
        return self.formula.of(difference, np.stack([moving, fixed] if place == 0 else [fixed, moving])) > 0

    def nodes(self, x: np.ndarray) -> RowNodes:
        """Nodes on the rows x (n,), enough to resolve φ and its slopes times the root of the density."""
        end = self.reach * self.s
        cuts = np.clip(self.roots(self.across, x, place=1), -end, end)
        steps = np.linspace(-end, end, 1 + round(2 * self.reach / _STEP))
        edges = np.sort(np.concatenate([np.broadcast_to(steps, (len(x), len(steps))), cuts], axis=1), axis=1)
        low, high = edges[:, :-1].ravel(), edges[:, 1:].ravel()
        row = np.repeat(np.arange(len(x)), edges.shape[1] - 1)
        wide = high > low
        return self._resolved(x, row[wide], low[wide], high[wide])

    def _resolved(self, x: np.ndarray, row: np.ndarray, low: np.ndarray, high: np.ndarray) -> RowNodes:
        floor = _ROUNDING * self.formula.steepest * self.s * (2 * math.pi * self.q) ** -0.25
        done, largest, count, of_row = [], np.zeros((3, 1)), 0, np.bincount(row, minlength=len(x))
        while low.size:
            y = nodes_of(low, high)
            at = np.stack([np.broadcast_to(x[row][:, None], y.shape), y])
            value, slopes = self.formula.value(at), self.formula.slopes(at)
            density = np.exp(-0.5 * y**2 / self.q) / math.sqrt(2 * math.pi * self.q)
            seen = np.stack([value, self.s * slopes[0], self.s * slopes[1]])
            if not np.isfinite(seen).all():
                self._refuse(at.reshape(2, -1), seen.reshape(3, -1))
            # What the whole plane's Gaussian leaves of it: far out nothing needs to be resolved.
            seen = seen * np.sqrt(density * np.exp(-0.5 * x[row] ** 2 / self.q)[:, None])
            sizes = np.abs(seen).max(axis=-1)
            largest = np.maximum(largest, sizes.max(axis=1, keepdims=True))
            # One piece's slope may be the rounding of the other's.
            largest[1:] = largest[1:].max()
            rough = (tails(seen) > np.maximum(_TOLERANCE * largest, floor)).any(axis=0)
            far = np.maximum(np.abs(low), np.abs(high))
            # A row that rounding makes rough has little weight, or else its stuck panels are told of.
            wide = (high - low > _NARROWEST * np.maximum(self.s, far)) & (of_row[row] < _MOST_PANELS)
            split = rough & wide
            keep = ~split
            weight = weights_of(low, high) * density
            done.append((row[keep], y[keep], weight[keep], value[keep], slopes[:, keep], (rough & ~wide)[keep]))
            count += ORDER * int(keep.sum())
            row, low, high = row[split], low[split], high[split]
            of_row += np.bincount(row, minlength=len(x))
            if count + 2 * ORDER * low.size > _MOST_NODES:
                raise SpecError(f"'{self.formula.name}' is too rough or too noisy to be integrated")
            middle = 0.5 * (low + high)
            row = np.concatenate([row, row])
            low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        rows, y, weight, value, slopes, stuck = (list(part) for part in zip(*done, strict=True))
        return RowNodes(
            np.repeat(np.concatenate(rows), ORDER), np.concatenate(y).ravel(), np.concatenate(weight).ravel(),
            np.concatenate(value).ravel(), np.concatenate(slopes, axis=1).reshape(2, -1),
            np.repeat(np.concatenate(stuck), ORDER),
        )  # fmt: skip

    def _refuse(self, at: np.ndarray, seen: np.ndarray) -> None:
        bad = np.flatnonzero(~np.isfinite(seen).all(axis=0))
        infinite = np.isinf(seen[:, bad]).any()
        if infinite and float(np.abs(at[:, bad]).max(axis=0).min()) > self.s:
            raise SpecError(
                f"'{self.formula.name}' has no finite expectations at variance {self.q:.6g}: it overflows, or grows "
                "faster than the Gaussian decays"
            )
        raise self.formula.not_finite(at[:, bad[0]])
