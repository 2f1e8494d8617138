"""Where a formula may have a narrow feature: the roots of the sums in it, as of x - 2 in exp(-1e6*(x - 2)**2)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from trainability.core.expression.evaluation import evaluate
from trainability.core.expression.guards import is_affine
from trainability.core.expression.lowering import lower
from trainability.core.expression.nodes import Binary, Call, Node, Where, names

_REACH, _POINTS, _STEPS = 20.0, 2001, 6
_MOST = 16


def centres(node: Node, values: Mapping[str, float] | None = None, variable: str = "x") -> np.ndarray:
    """The roots of every sum inside a function, a power or a quotient of `node`, as far as they lie in [-20, 20].

    They are few, or none: of a sum that oscillates, or where there are many sums, none are given.
    """
    values = dict(values or {})

    def at(part: Node, x: np.ndarray) -> np.ndarray:
        return evaluate(part, {**values, variable: x}, variables=(variable,))

    found = [np.empty(0)]
    for part in list(dict.fromkeys(_sums(lower(node, (variable,)), variable, inside=False)))[:_MOST]:
        if is_affine(part, frozenset({variable})):
            start, end = at(part, np.array([0.0, 1.0]))
            found.append(np.array([-start / (end - start)]) if end != start else np.empty(0))
            continue
        x = np.linspace(-_REACH, _REACH, _POINTS)
        y = at(part, x)
        cells = np.flatnonzero(np.sign(y[:-1]) * np.sign(y[1:]) < 0)
        if cells.size > _MOST:
            continue
        low, high, sign = x[cells], x[cells + 1], np.sign(y[cells])
        for _ in range(_STEPS if cells.size else 0):
            between = low + (high - low) * np.linspace(0, 1, 17)[:, None]
            same = np.sign(at(part, between)) == sign
            last = np.where(same, np.arange(17)[:, None], 0).max(axis=0).clip(0, 15)
            low, high = between[last, np.arange(cells.size)], between[last + 1, np.arange(cells.size)]
        found.append(0.5 * (low + high))
    roots = np.unique(np.concatenate(found))
    return roots[np.isfinite(roots) & (np.abs(roots) <= _REACH)]


def _sums(node: Node, variable: str, inside: bool):
    """The sums in `node` that something is done to; the branches of a `where` are no such thing."""
    if variable not in names(node):
        return
    if inside and isinstance(node, Binary) and node.operator in "+-":
        yield node
        if is_affine(node, frozenset({variable})):
            return
    for part in node.parts:
        does = isinstance(node, Call) or (isinstance(node, Binary) and node.operator in ("**", "/", "*"))
        yield from _sums(part, variable, inside or (does and not isinstance(node, Where)))
