"""Where a formula of one variable changes its branch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from trainability.core.expression.derivative import differentiate
from trainability.core.expression.evaluation import evaluate
from trainability.core.expression.guards import is_affine
from trainability.core.expression.lowering import lower
from trainability.core.expression.nodes import Binary, Call, Compare, Node, Number, Where, names

REACH = 50.0
_POINTS = 20_001
_NEAR = 1e-9
_TOUCHING = 1e-15
_HALVINGS = 56  # of a cell of 0.005: to the last bit
_Path = tuple[tuple[Compare, bool], ...]


def kinks(node: Node, values: Mapping[str, float] | None = None, variable: str = "x") -> tuple[float, ...]:
    """The points of [-50, 50] at which `node` switches branch, in ascending order, to 1e-12.

    These are the roots of the two sides' difference in every condition, and of the arguments of abs and sign;
    a root on a branch that is not taken there does not count. Exact for affine differences, else found on a
    grid of 20,001 points and refined, so that two roots nearer than 0.005 may be missed.
    """
    values = dict(values or {})
    at = _Line(values, variable)
    found = [np.empty(0)]
    for difference, path in switches(lower(node, (variable,)), ()):
        roots = at.roots(difference)
        found.append(roots[at.is_taken(path, roots)])
    ordered = np.sort(np.concatenate(found)) + 0.0
    distinct = np.diff(ordered, prepend=-np.inf) > _NEAR
    return tuple(float(x) for x in ordered[distinct])


def switches(node: Node, path: _Path = ()) -> Iterator[tuple[Node, _Path]]:
    """Each expression whose sign selects a branch, with the conditions that lead to it."""
    if isinstance(node, Where):
        condition = node.condition
        yield Binary("-", condition.left, condition.right), path
        yield from switches(node.then, (*path, (condition, True)))
        yield from switches(node.otherwise, (*path, (condition, False)))
        return
    if isinstance(node, Call) and node.function in ("abs", "sign"):
        yield node.arguments[0], path
    for part in node.parts:
        yield from switches(part, path)


def _has_branches(node: Node) -> bool:
    return isinstance(node, Where) or any(map(_has_branches, node.parts))


@dataclass(frozen=True)
class _Line:
    """The line of one variable, all other names being fixed."""

    values: Mapping[str, float]
    variable: str

    def __call__(self, node: Node, x: np.ndarray) -> np.ndarray:
        return evaluate(node, {**self.values, self.variable: x}, variables=(self.variable,))

    def is_taken(self, path: _Path, roots: np.ndarray) -> np.ndarray:
        """Whether each of `roots`, or a point right beside it, satisfies all conditions of `path`."""
        x = roots + _NEAR * np.maximum(1.0, np.abs(roots)) * np.array([[-1.0], [0.0], [1.0]])
        taken = np.ones(x.shape, dtype=bool)
        for condition, wanted in path:
            taken &= (self(Where(condition, Number(1.0), Number(0.0)), x) == 1) == wanted
        return np.any(taken, axis=0, keepdims=True)[0]

    def roots(self, node: Node) -> np.ndarray:
        if self.variable not in names(node):
            return np.empty(0)
        slope_node = differentiate(node, self.variable)
        if not is_affine(node, frozenset({self.variable})) or _has_branches(node):
            return self.numerical_roots(node, slope_node)
        slope, offset = (float(self(part, np.zeros(1))[0]) for part in (slope_node, node))
        root = -offset / slope if slope else np.inf
        return np.array([root] if abs(root) <= REACH else [])

    def numerical_roots(self, node: Node, slope_node: Node) -> np.ndarray:
        grid = np.linspace(-REACH, REACH, _POINTS)
        on_grid = self(node, grid)
        zero = on_grid == 0
        # Inside an interval of zeros nothing switches.
        inside = np.r_[True, zero[:-1]] & np.r_[zero[1:], True]
        # A difference that only touches 0, such as (x - 1)**2, is smallest there, and its slope changes sign.
        size, sign = np.abs(on_grid), np.sign(on_grid)
        least = (size[1:-1] <= size[:-2]) & (size[1:-1] <= size[2:]) & (sign[:-2] * sign[2:] > 0)
        least &= (size[1:-1] < size[:-2]) | (size[1:-1] < size[2:])
        near = np.flatnonzero(least)[:, None] + np.arange(3)
        touching = np.empty(0)
        if near.size:
            near = np.unique(near)
            touching = self.bisected(slope_node, grid[near], self(slope_node, grid[near]))
            touching = touching[np.abs(self(node, touching)) < _TOUCHING]
        return np.concatenate([grid[zero & ~inside], self.bisected(node, grid, on_grid), touching])

    def bisected(self, node: Node, grid: np.ndarray, on_grid: np.ndarray) -> np.ndarray:
        """The roots (or poles) of `node` in those cells of `grid` over which it changes sign."""
        cells = np.flatnonzero(np.sign(on_grid[:-1]) * np.sign(on_grid[1:]) < 0)
        low, high, sign = grid[cells], grid[cells + 1], np.sign(on_grid[cells])
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            is_low = np.sign(self(node, middle)) == sign
            low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
        return high
