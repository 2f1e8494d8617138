"""Where a formula of one variable changes its branch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from trainability.core.expression.derivative import differentiate
from trainability.core.expression.evaluation import constant, evaluate
from trainability.core.expression.lowering import lower
from trainability.core.expression.nodes import Binary, Call, Compare, Node, Where, names

REACH = 50.0
_POINTS = 20_001
_NEAR = 1e-9
_Path = tuple[tuple[Compare, bool], ...]


def kinks(node: Node, values: Mapping[str, float] | None = None, variable: str = "x") -> tuple[float, ...]:
    """The points of [-50, 50] at which `node` switches branch, in ascending order, to 1e-12.

    These are the roots of the two sides' difference in every condition, and of the arguments of abs and sign; a root on
    a branch that is not taken there does not count. Exact for affine differences, else found on a grid of
    20,001 points and refined, so that two roots nearer than 0.005 may be missed.
    """
    values = dict(values or {})
    found: list[float] = []
    for difference, path in _switches(lower(node), ()):
        for root in _roots(difference, values, variable):
            if _is_taken(path, values, variable, root) and all(abs(root - old) > _NEAR for old in found):
                found.append(root + 0.0)
    return tuple(sorted(found))


def _switches(node: Node, path: _Path) -> Iterator[tuple[Node, _Path]]:
    """Each expression whose sign selects a branch, with the conditions that lead to it."""
    if isinstance(node, Where):
        condition = node.condition
        yield Binary("-", condition.left, condition.right), path
        yield from _switches(node.then, (*path, (condition, True)))
        yield from _switches(node.otherwise, (*path, (condition, False)))
        return
    if isinstance(node, Call) and node.function in ("abs", "sign"):
        yield node.arguments[0], path
    for part in node.parts:
        yield from _switches(part, path)


def _is_taken(path: _Path, values: Mapping[str, float], variable: str, root: float) -> bool:
    beside = _NEAR * max(1.0, abs(root))
    return any(
        all(bool(constant(condition, {**values, variable: x})) is wanted for condition, wanted in path)
        for x in (root - beside, root, root + beside)
    )


def _roots(node: Node, values: Mapping[str, float], variable: str) -> list[float]:
    if variable not in names(node):
        return []
    slope_node = differentiate(node, variable)
    if variable not in names(slope_node):
        slope, offset = constant(slope_node, values), constant(node, {**values, variable: 0.0})
        root = -offset / slope if slope else np.inf
        return [root] if abs(root) <= REACH else []
    return _numerical_roots(node, slope_node, values, variable)


def _numerical_roots(node: Node, slope_node: Node, values: Mapping[str, float], variable: str) -> list[float]:
    grid = np.linspace(-REACH, REACH, _POINTS)
    at_grid = evaluate(node, {**values, variable: grid}, variables=(variable,))
    roots = [float(x) for x in grid[_isolated(at_grid == 0)]]
    roots += [_bisected(node, values, variable, i, grid) for i in _sign_changes(at_grid)]
    # A difference that only touches 0, such as (x - 1)**2, has a root where its slope changes sign.
    slopes = evaluate(slope_node, {**values, variable: grid}, variables=(variable,))
    touching = [_bisected(slope_node, values, variable, i, grid) for i in _sign_changes(slopes)]
    return roots + [x for x in touching if abs(constant(node, {**values, variable: x})) < 1e-15]


def _isolated(zero: np.ndarray) -> np.ndarray:
    """Zeros with a neighbour that is none: inside an interval of zeros nothing switches."""
    inside = np.r_[True, zero[:-1]] & np.r_[zero[1:], True]
    return np.flatnonzero(zero & ~inside)


def _sign_changes(values: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)


def _bisected(node: Node, values: Mapping[str, float], variable: str, cell: int, grid: np.ndarray) -> float:
    from scipy.optimize import brentq

    root = brentq(lambda x: constant(node, {**values, variable: x}), grid[cell], grid[cell + 1], xtol=1e-14)
    return float(root)  # pyright: ignore[reportArgumentType]
