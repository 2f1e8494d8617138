"""Forms of a formula that keep their digits in float64.

``exp(x) - 1`` loses them near 0, ``1 - tanh(x)**2`` far out, and ``log(1 + exp(x))`` overflows. The derivative of
``max(x, 0)**0.6`` is 0 below 0, but reads as 0 times infinity there.
"""

from __future__ import annotations

from collections.abc import Callable

from trainability.core.expression.derivative import differentiate
from trainability.core.expression.lowering import lower
from trainability.core.expression.nodes import Binary, Call, Negate, Node, Number, Where, transform

_ZERO, _ONE, _TWO = Number(0.0), Number(1.0), Number(2.0)


def steady(node: Node) -> Node:
    """`node`, lowered, with the same values but for rounding."""
    return transform(lower(node), _steadied)


def steady_slope(node: Node, name: str = "x") -> Node:
    """The derivative of `node` in such a form, 0 where one of its factors is a branch that is 0."""
    return transform(steady(differentiate(steady(node), name)), _zero_is_zero)


def _steadied(node: Node) -> Node:
    match node:
        case Binary("-", Call("exp", (u,)), Number(1.0)):
            return Call("expm1", (u,))
        case Binary("-", Number(1.0), Call("exp", (u,))):
            return Negate(Call("expm1", (u,)))
        case Binary("-", Number(1.0), Call("cos", (u,))):
            return Binary("*", _TWO, Binary("**", Call("sin", (Binary("/", u, _TWO),)), _TWO))
        case Binary("-", Number(1.0), Binary("**", Call("tanh", (u,)), Number(2.0))):
            return _sech_squared(u)
        case Call("log", (Binary("+", Number(1.0), u) | Binary("+", u, Number(1.0)),)):
            match u:
                case Call("exp", (v,)):
                    return Call("softplus", (v,))
            return Call("log1p", (u,))
        case Binary(
            "/", top, Binary("+", Number(1.0), Call("exp", (u,))) | Binary("+", Call("exp", (u,)), Number(1.0))
        ):
            return Call("sigmoid", (u,)) if top == Call("exp", (u,)) else _times(top, Call("sigmoid", (_minus(u),)))
    return node


def _sech_squared(u: Node) -> Node:
    """1 − tanh²(u) = 4 σ(2u) σ(−2u)."""
    double = Binary("*", _TWO, u)
    return Binary("*", Number(4.0), Binary("*", Call("sigmoid", (double,)), Call("sigmoid", (Negate(double),))))


def _times(left: Node, right: Node) -> Node:
    return right if left == _ONE else Binary("*", left, right)


def _minus(node: Node) -> Node:
    return node.operand if isinstance(node, Negate) else Negate(node)


def _zero_is_zero(node: Node) -> Node:
    """A product with a branch that is 0 as a branch that is 0."""
    match node:
        case Binary("*" | "/", Where() as where, right) if _ZERO in (where.then, where.otherwise):
            return _inside(where, lambda branch: Binary(node.operator, branch, right))
        case Binary("*", left, Where() as where) if _ZERO in (where.then, where.otherwise):
            return _inside(where, lambda branch: Binary("*", left, branch))
        case Negate(Where() as where) if _ZERO in (where.then, where.otherwise):
            return _inside(where, Negate)
    return node


def _inside(where: Where, change: Callable[[Node], Node]) -> Node:
    then, otherwise = (part if part == _ZERO else _zero_is_zero(change(part)) for part in (where.then, where.otherwise))
    return Where(where.condition, then, otherwise)
