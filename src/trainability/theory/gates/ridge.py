"""Gates of one linear combination of their pieces, such as tanh(x1 + x2 - x3): a function of one Gaussian."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

import numpy as np

from trainability.core.expression import Binary, Compare, Name, Negate, Node, Number, constant, names, number
from trainability.theory.expectations import Estimate, Expectations, Kind, Products, Table
from trainability.theory.functions import Gate
from trainability.theory.gates.factored import factor
from trainability.theory.line import LineExpectations

_PARALLEL = 1e-12

Affine = tuple[np.ndarray, float]
"""Coefficients of the variables, and a constant."""


def ridge_of(gate: Gate) -> RidgeGate | None:
    """The expectations of `gate`, or None where its formula varies along more than one direction."""
    direction: np.ndarray | None = None
    for slope, _ in _affine_parts(gate.formula, gate.variables):
        length = float(np.linalg.norm(slope))
        if length == 0:
            continue
        if direction is None:
            direction = slope / length
        elif abs(abs(float(direction @ slope)) - length) > _PARALLEL * length:
            return None
    if direction is None:
        return None
    return RidgeGate(gate, direction, factor(_along(gate.formula, gate.variables, direction), gate.name))


def _affine(node: Node, variables: tuple[str, ...]) -> Affine | None:
    """`node` as an affine function, or None where it is none."""
    if not names(node) & set(variables):
        return np.zeros(len(variables)), constant(node, {})
    match node:
        case Name():
            return np.array([float(name == node.name) for name in variables]), 0.0
        case Negate():
            inner = _affine(node.operand, variables)
            return inner and (-inner[0], -inner[1])
        case Binary(operator="+" | "-" | "*" | "/"):
            left, right = _affine(node.left, variables), _affine(node.right, variables)
            return left and right and _of_two(node.operator, left, right)
    return None


def _of_two(operator: str, left: Affine, right: Affine) -> Affine | None:
    match operator:
        case "+":
            return left[0] + right[0], left[1] + right[1]
        case "-":
            return left[0] - right[0], left[1] - right[1]
        case "*" if not left[0].any():
            return left[1] * right[0], left[1] * right[1]
        case "*" if not right[0].any():
            return left[0] * right[1], left[1] * right[1]
        case "/" if not right[0].any() and right[1] != 0:
            return left[0] / right[1], left[1] / right[1]
    return None


def _affine_parts(node: Node, variables: tuple[str, ...]) -> Iterator[Affine]:
    """The largest parts that are affine; of a condition, what is above its other side."""
    found = _affine(_above(node), variables)
    if found is not None:
        yield found
        return
    for part in node.parts:
        yield from _affine_parts(part, variables)


def _above(node: Node) -> Node:
    return Binary("-", node.left, node.right) if isinstance(node, Compare) else node


def _along(node: Node, variables: tuple[str, ...], direction: np.ndarray) -> Node:
    """`node` where its variables are `direction` times ``x``."""
    if not names(node) & set(variables):
        return node
    found = _affine(_above(node), variables)
    if found is None:
        return node.with_parts(tuple(_along(part, variables, direction) for part in node.parts))
    scale, shift = _rounded(float(found[0] @ direction)), found[1]
    made: Node = Name("x") if scale == 1 else Binary("*", number(scale), Name("x"))
    made = made if shift == 0 else Binary("+", made, number(shift))
    return Compare(node.operator, made, Number(0.0)) if isinstance(node, Compare) else made


def _rounded(scale: float) -> float:
    """`scale`, or the root of a whole number that it is but for rounding."""
    root = math.copysign(math.sqrt(round(scale**2)), scale)
    return root if math.isclose(root, scale, rel_tol=1e-15) else scale


class RidgeGate(Expectations):
    """The expectations of a function of x · direction, a unit vector: as normal as any one piece."""

    def __init__(self, gate: Gate, direction: np.ndarray, line: LineExpectations):
        self.name, self.pieces = gate.name, gate.pieces
        self._direction = direction
        self._line = line

    def at(self, kind: Kind, q: float) -> float:
        return self._line.at(kind, q)

    def estimate(self, kind: Kind, q: float) -> Estimate:
        return self._line.estimate(kind, q)

    def slope_each(self, q: float) -> tuple[float, ...]:
        return tuple((self.at("slope_second", q) * self._direction**2).tolist())

    def products(self, q: float) -> Products:
        return self._line.products(q)

    @functools.cached_property
    def table(self) -> Table:
        return self._line.table
