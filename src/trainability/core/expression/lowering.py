"""From the formula as written to the few kinds of node that evaluation and derivative know.

Functions with a definition are written out; ``max`` and ``min`` become ``where``, so that the derivative at a
tie is that of one side (the side that does not vary, if there is one: the slope of max(x, 0) at 0 is 0).
Conditions are turned so that a NaN falls into a branch that hands it on: a network that has become NaN must
not look alive behind a ReLU.
"""

from __future__ import annotations

import functools
from collections.abc import Collection

from trainability.core.expression.functions import FUNCTIONS
from trainability.core.expression.nodes import Call, Compare, Name, Node, Where, names, transform


def lower(node: Node, variables: Collection[str] = ("x",)) -> Node:
    """`node` in terms of numbers, names, operators, ``where`` and primitives; it has the same values.

    Lowering what is lowered already, for the same `variables`, changes nothing.
    """
    varying = frozenset(variables)
    return transform(node, lambda part: _lower_one(part, varying))


def _lower_one(node: Node, variables: frozenset[str]) -> Node:
    if isinstance(node, Where):
        return _hand_on_nan(node, variables)
    if not isinstance(node, Call):
        return node
    if node.function in ("max", "min"):
        return _tournament(node.arguments, "<=" if node.function == "max" else ">=", variables)
    if not FUNCTIONS[node.function].definition:
        return node
    given: dict[str, Node] = dict(zip(("u", "lo", "hi"), node.arguments, strict=False))

    def place(part: Node) -> Node:
        return given.get(part.name, part) if isinstance(part, Name) else _lower_one(part, variables)

    return transform(_definition(node.function), place)


@functools.cache
def _definition(function: str) -> Node:
    from trainability.core.expression.parser import parse

    return parse(FUNCTIONS[function].definition, ("u", "lo", "hi"))


def _tournament(sides: tuple[Node, ...], loses: str, variables: frozenset[str]) -> Node:
    """The extreme of `sides`, halving them: a chain of pairs would double its size with each side."""
    if len(sides) == 1:
        return sides[0]
    half = len(sides) // 2
    left, right = _tournament(sides[:half], loses, variables), _tournament(sides[half:], loses, variables)
    if names(right) & variables and not names(left) & variables:
        left, right = right, left
    return _hand_on_nan(Where(Compare(loses, left, right), right, left), variables)


def _hand_on_nan(node: Where, variables: frozenset[str]) -> Node:
    """`node` such that a NaN in its condition (every comparison is then false) reaches its value."""
    varying = names(node.condition) & variables
    # A NaN is unequal to everything: == and != have no complement that it fails as well.
    if not varying or names(node.otherwise) & varying or node.condition.operator in ("==", "!="):
        return node
    if names(node.then) & varying:
        return Where(node.condition.complement, node.otherwise, node.then)
    # Neither branch varies, as in a step: the third branch is taken by NaN alone.
    side = node.condition.left if names(node.condition.left) & varying else node.condition.right
    return Where(node.condition, node.then, Where(node.condition.complement, node.otherwise, side))
