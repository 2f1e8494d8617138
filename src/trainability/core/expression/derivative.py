"""The derivative of a formula as a formula."""

from __future__ import annotations

import functools

from trainability.core.errors import FormulaError
from trainability.core.expression.functions import FUNCTIONS, REDUCTIONS
from trainability.core.expression.lowering import lower
from trainability.core.expression.nodes import (
    Binary,
    Call,
    Compare,
    Name,
    Negate,
    Node,
    Number,
    Where,
    names,
    substitute,
)

_ZERO, _ONE = Number(0.0), Number(1.0)


def differentiate(node: Node, name: str = "x", along: str | None = None) -> Node:
    """The derivative of `node` with respect to `name`, lowered and lightly simplified.

    At a kink it is the derivative of the branch that the condition takes; abs and sign have slope 0 at 0.

    Args:
        along: a name for the direction in which `name` moves; the derivative is then how `node` moves with it, to first
            order, which also a formula has that reduces over the units of a layer: every unit moves in its own
            direction. Largest units that tie share alike in what their largest moves.

    Raises:
        FormulaError: the formula reduces over the units of a layer, so that it has no elementwise derivative.
    """
    return _derivative(lower(node, (name,)), name, _ONE if along is None else Name(along))


def _derivative(node: Node, name: str, along: Node) -> Node:
    if name not in names(node):
        return _ZERO
    match node:
        case Name():
            return along
        case Negate(operand=operand):
            return negate(_derivative(operand, name, along))
        case Where(condition=condition, then=then, otherwise=otherwise):
            branches = _derivative(then, name, along), _derivative(otherwise, name, along)
            return branches[0] if branches[0] == branches[1] else Where(condition, *branches)
        case Call(function=function, arguments=(argument, *_)):
            inner = _derivative(argument, name, along)
            if function in REDUCTIONS:
                if along == _ONE:
                    raise FormulaError(f"{function} reduces over a layer and has no elementwise derivative")
                return _of_reduction(node, argument, inner)
            return multiply(substitute(_rule(function), {"u": argument}), inner)
        case Binary(operator=operator, left=left, right=right):
            return _of_binary(operator, (left, right), *(_derivative(part, name, along) for part in (left, right)))
    raise TypeError(f"not a lowered formula: {node!r}")


def _of_reduction(node: Call, argument: Node, inner: Node) -> Node:
    if inner == _ZERO:
        return _ZERO
    if node.function == "units_sum":
        return Call("units_sum", (inner,))
    largest = Compare(">=", argument, node)
    among, count = (Call("units_sum", (Where(largest, part, _ZERO),)) for part in (inner, _ONE))
    return divide(among, count)


@functools.cache
def _rule(function: str) -> Node:
    from trainability.core.expression.parser import parse

    return parse(FUNCTIONS[function].derivative, ("u",))


def _of_binary(operator: str, sides: tuple[Node, Node], d_left: Node, d_right: Node) -> Node:
    left, right = sides
    if operator == "+":
        return add(d_left, d_right)
    if operator == "-":
        return add(d_left, negate(d_right))
    if operator == "*":
        return add(multiply(d_left, right), multiply(left, d_right))
    if operator == "/":
        if d_right == _ZERO:
            return divide(d_left, right)
        return add(divide(d_left, right), negate(divide(multiply(left, d_right), power(right, Number(2.0)))))
    # left ** right
    by_base = multiply(multiply(right, power(left, add(right, Negate(_ONE)))), d_left)
    by_exponent = multiply(multiply(Binary("**", left, right), Call("log", (left,))), d_right)
    return add(by_base, by_exponent)


def _value(node: Node) -> float | None:
    if isinstance(node, Negate) and isinstance(node.operand, Number):
        return -node.operand.value
    return node.value if isinstance(node, Number) else None


def _folded(value: float) -> Node:
    return Negate(Number(-value)) if value < 0 else Number(abs(value))


def negate(node: Node) -> Node:
    """-node."""
    if isinstance(node, Negate):
        return node.operand
    return node if node == _ZERO else Negate(node)


def add(left: Node, right: Node) -> Node:
    """left + right."""
    a, b = _value(left), _value(right)
    if a is not None and b is not None:
        return _folded(a + b)
    if a == 0:
        return right
    if b == 0:
        return left
    if isinstance(right, Negate):
        return Binary("-", left, right.operand)
    return Binary("+", left, right)


def multiply(left: Node, right: Node) -> Node:
    """left * right."""
    a, b = _value(left), _value(right)
    if a == 0 or b == 0:
        return _ZERO
    if a in (1, -1):
        return right if a == 1 else negate(right)
    if b in (1, -1):
        return left if b == 1 else negate(left)
    if isinstance(left, Negate):
        return negate(multiply(left.operand, right))
    if isinstance(right, Negate):
        return negate(multiply(left, right.operand))
    return Binary("*", left, right)


def divide(left: Node, right: Node) -> Node:
    """left / right."""
    if _value(left) == 0 or _value(right) == 1:
        return left
    return Binary("/", left, right)


def power(base: Node, exponent: Node) -> Node:
    """base ** exponent."""
    if _value(exponent) == 0:
        return _ONE
    return base if _value(exponent) == 1 else Binary("**", base, exponent)
