"""An expression as a computation graph: values forward, gradients backward by the chain rule, node by node."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from trainability.core.errors import FormulaError, SpecError
from trainability.core.expression import (
    FUNCTION_ALIASES,
    FUNCTIONS,
    REDUCTIONS,
    Binary,
    Call,
    Compare,
    Name,
    Node,
    Where,
    calls,
    differentiate,
    evaluate,
    lower,
    names,
    parse,
    unparse,
)
from trainability.core.expression.nodes import CONSTANTS

MOST_OPERATIONS: Final = 24
EXAMPLE: Final = "'w*x + b; w=-2, x=5, b=3'"
_NAME: Final = re.compile(
    r"(?:(?:np|numpy|jnp|math|torch|F)\.)?([A-Za-z_][A-Za-z_0-9]*)\s*(\()?|[0-9.]+(?:[eE][+-]?[0-9]+)?"
)
_SIGNS: Final = {"*": "×", "/": "÷", "-": "−", "**": "^"}


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which each comes after its parts; equal parts of the expression are one node.

    Attributes:
        nodes: the expression of each node; the last is the whole.
        parts: of each node the places of its operands; none for variables and constants.
        templates: of each operation its expression in operands called ``p0``, ``p1``, …; constants stay as they are.
    """

    nodes: tuple[Node, ...]
    parts: tuple[tuple[int, ...], ...]
    templates: tuple[Node | None, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables' names, in the order of the nodes."""
        return tuple(node.name for node in self.nodes if isinstance(node, Name) and node.name not in CONSTANTS)

    @property
    def operations(self) -> int:
        """How many nodes compute something."""
        return sum(template is not None for template in self.templates)

    def label(self, i: int) -> str:
        """What is written into a node: ``×``, ``sigmoid``, ``w``, ``3``."""
        node = self.nodes[i]
        if self.templates[i] is None:
            return unparse(node).replace("-", "−")
        if isinstance(node, Binary):
            return _SIGNS.get(node.operator, node.operator)
        if isinstance(node, Where):
            return f"where {node.condition.operator}"
        return node.function if isinstance(node, Call) else "−"


@dataclass(frozen=True)
class Passes:
    """What came of a graph at some points.

    Attributes:
        values: of every node, shape (nodes, points).
        gradients: of the whole by every node, summed over its edges, likewise; 0 for what the whole does not depend on.
        edges: (node, place among its operands) to what flows back over that edge, shape (points,); none to constants.
    """

    values: np.ndarray
    gradients: np.ndarray
    edges: Mapping[tuple[int, int], np.ndarray]


def graph_of(node: Node) -> Graph:
    """The graph of an expression."""
    places: dict[Node, int] = {}
    nodes: list[Node] = []
    parts: list[tuple[int, ...]] = []
    templates: list[Node | None] = []

    def place(part: Node) -> int:
        if part in places:
            return places[part]
        operands = _operands(part) if names(part) and not isinstance(part, Name) else ()
        found = tuple(place(operand) for operand in operands)
        marks = [operand if not names(operand) else Name(f"p{i}") for i, operand in enumerate(operands)]
        nodes.append(part)
        parts.append(found)
        # Lowered for all operands together, so that of two equal ones of a max one takes the whole gradient.
        varying = tuple(mark.name for mark in marks if isinstance(mark, Name))
        templates.append(lower(_with(part, marks), varying) if operands else None)
        places[part] = len(nodes) - 1
        return places[part]

    place(node)
    return Graph(tuple(nodes), tuple(parts), tuple(templates))


def _operands(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Where):
        return (node.condition.left, node.condition.right, node.then, node.otherwise)
    return node.parts


def _with(node: Node, operands: list[Node]) -> Node:
    if isinstance(node, Where):
        left, right, then, otherwise = operands
        return Where(Compare(node.condition.operator, left, right), then, otherwise)
    return node.with_parts(tuple(operands))


def passes(graph: Graph, values: Mapping[str, np.ndarray]) -> Passes:
    """Forward, then backward: each node hands its gradient, times its local derivative, to each operand.

    Args:
        values: of every variable, float64 of shape (points,).
    """
    points = len(next(iter(values.values())))
    known = np.zeros((len(graph.nodes), points))
    for i, (node, template) in enumerate(zip(graph.nodes, graph.templates, strict=True)):
        if template is None:
            given = values.get(node.name) if isinstance(node, Name) else None
            known[i] = evaluate(node, {"x": np.zeros(points)}) if given is None else given
        else:
            known[i] = _at(template, graph.parts[i], known)
    gradients, edges = np.zeros_like(known), {}
    gradients[-1] = 1.0
    for i in reversed(range(len(graph.nodes))):
        for slot, (part, local) in enumerate(zip(graph.parts[i], local_derivatives(graph, i), strict=True)):
            if local is not None:
                with np.errstate(all="ignore"):
                    edges[i, slot] = gradients[i] * _at(local, graph.parts[i], known)
                gradients[part] += edges[i, slot]
    return Passes(known, gradients, edges)


def local_derivatives(graph: Graph, i: int) -> tuple[Node | None, ...]:
    """The derivative of a node by each of its operands, in ``p0``, ``p1``, …; None for constants."""
    template = graph.templates[i]
    if template is None:
        return ()
    return tuple(
        differentiate(template, f"p{slot}") if names(graph.nodes[part]) else None
        for slot, part in enumerate(graph.parts[i])
    )


def _at(node: Node, parts: tuple[int, ...], known: np.ndarray) -> np.ndarray:
    marks = tuple(f"p{slot}" for slot in range(len(parts)))
    return evaluate(node, {mark: known[part] for mark, part in zip(marks, parts, strict=True)}, variables=marks)


def automatic_gradient(node: Node, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The gradient by `jax.grad` in float64, of every variable, shape (points,)."""
    import jax

    from trainability.core.expression import guard, jax_library

    order = tuple(values)
    guarded = guard(node, order)

    def whole(point: tuple[Any, ...]) -> Any:
        return evaluate(guarded, dict(zip(order, point, strict=True)), jax_library(), order)

    with jax.enable_x64(True):
        found = jax.vmap(jax.grad(whole))(tuple(jax.numpy.asarray(values[name], "float64") for name in order))
        return {name: np.asarray(part) for name, part in zip(order, found, strict=True)}


def difference_gradient(node: Node, values: Mapping[str, np.ndarray], step: float) -> dict[str, np.ndarray]:
    """The gradient by central differences, (f(v + h) − f(v − h)) / 2h, of every variable, shape (points,)."""
    order = tuple(values)

    def moved(name: str, by: float) -> np.ndarray:
        return evaluate(node, {**values, name: values[name] + by}, variables=order)

    return {name: (moved(name, step) - moved(name, -step)) / (2 * step) for name in order}


def read_expression(text: str, seed: int = 0) -> tuple[Node, dict[str, float]]:
    """What the user typed: an expression and, after a semicolon, values, as in ``w*x + b; w=-2, x=5, b=3``.

    A variable without a value gets one of 0.5 to 2, drawn from the seed.

    Raises:
        FormulaError: it is not an expression.
        SpecError: a value is not a number or its variable does not occur, the expression has no variable or is too
            large, or its value or gradient is not finite there.
    """
    formula, _, given = text.partition(";")
    if not formula.strip():
        raise SpecError(f"the expression is empty; write one such as {EXAMPLE}")
    found = dict.fromkeys(match[1] for match in _NAME.finditer(formula) if match[1] and not match[2])
    known = {*FUNCTIONS, *FUNCTION_ALIASES, "where", *CONSTANTS}
    order = [name for name in found if name not in known]
    node = parse(formula, order or ("x",))
    if calls(node) & REDUCTIONS:
        raise FormulaError("units_sum and units_max reduce over a layer; an expression is a single number")
    if not names(node) or isinstance(node, Name):
        raise SpecError(
            f"the expression '{formula.strip()}' computes nothing of a variable; write one such as {EXAMPLE}"
        )
    graph = graph_of(node)
    if graph.operations > MOST_OPERATIONS:
        raise SpecError(
            f"the expression has {graph.operations} operations; a graph of at most {MOST_OPERATIONS} can be drawn"
        )
    drawn = np.random.Generator(np.random.Philox(seed)).uniform(0.5, 2.0, len(order)).round(1)
    values = dict(zip(order, (float(value) for value in drawn), strict=True))
    values |= _values(given, values)
    at = passes(graph, {name: np.array([value]) for name, value in values.items()})
    inputs = [i for i, part in enumerate(graph.nodes) if isinstance(part, Name)]
    if not (np.isfinite(at.values[-1]).all() and np.isfinite(at.gradients[inputs]).all()):
        where = ", ".join(f"{name}={value:g}" for name, value in values.items())
        raise SpecError(f"the expression or its gradient is not finite at {where}; give other values, as in {EXAMPLE}")
    return node, values


def _values(text: str, variables: Mapping[str, float]) -> dict[str, float]:
    values = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, number = (word.strip() for word in part.partition("="))
        if not equals or name not in variables:
            raise SpecError(f"'{part}' gives no variable of the expression a value; write them as in {EXAMPLE}")
        try:
            values[name] = float(number)
        except ValueError:
            raise SpecError(f"the value '{number}' of '{name}' is not a number; write values as in {EXAMPLE}") from None
        if not math.isfinite(values[name]):
            raise SpecError(f"the value '{number}' of '{name}' is not finite")
    return values
