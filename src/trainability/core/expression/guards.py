"""A safe value for each branch of a ``where``, chosen when the formula is built.

A branch is evaluated everywhere, also where it is not taken. There its variables are replaced by its
*witness*: a value at which the branch and its derivatives are finite for all parameter values tried. A value
at which the branch is taken anyway is preferred. An affine branch needs none. A ``where`` that reduces over units gets
none, because the replaced units would enter the reduction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trainability.core.expression.derivative import differentiate
from trainability.core.expression.evaluation import constant, is_finite
from trainability.core.expression.functions import REDUCTIONS
from trainability.core.expression.lowering import lower
from trainability.core.expression.nodes import Binary, Name, Negate, Node, Where, calls, names, transform

_CANDIDATES = (
    *(sign * size for size in (1.0, 0.5, 2.0, 0.25, 5.0, 0.1, 10.0, 100.0) for sign in (1, -1)),
    0.0,
)


def guard(node: Node, variables: tuple[str, ...] = ("x",), samples: Sequence[Mapping[str, float]] = ({},)) -> Node:
    """`node` lowered, with a witness for each branch that needs one.

    Args:
        node: the formula.
        variables: the names that a witness replaces.
        samples: values of the other names to try, the usual ones first.
    """
    return transform(lower(node, variables), lambda part: _guarded(part, variables, samples))


def _guarded(node: Node, variables: tuple[str, ...], samples: Sequence[Mapping[str, float]]) -> Node:
    if not isinstance(node, Where):
        return node
    witnesses = (
        _witness(node, node.then, True, variables, samples),
        _witness(node, node.otherwise, False, variables, samples),
    )
    return Where(node.condition, node.then, node.otherwise, witnesses)


def _witness(
    node: Where, branch: Node, taken: bool, variables: tuple[str, ...], samples: Sequence[Mapping[str, float]]
) -> float | None:
    if is_affine(branch, frozenset(variables)) or calls(node) & REDUCTIONS:
        return None
    watched = [branch, *(differentiate(branch, name) for name in sorted(names(branch)))]
    ranked = []
    for place, candidate in enumerate(_CANDIDATES):
        at = dict.fromkeys(variables, candidate)
        finite = sum(all(is_finite(part, {**sample, **at}) for part in watched) for sample in samples)
        chosen = bool(constant(node.condition, {**samples[0], **at})) is taken
        ranked.append((finite, chosen, -place, candidate))
    best = max(ranked)
    return best[-1] if best[0] else None


def is_affine(node: Node, variables: frozenset[str]) -> bool:
    """Whether `node`, lowered, is seen at a glance to be affine in `variables`, or affine on each branch."""
    if isinstance(node, Name) or not names(node) & variables:
        return True
    if isinstance(node, Negate):
        return is_affine(node.operand, variables)
    if isinstance(node, Where):
        return is_affine(node.then, variables) and is_affine(node.otherwise, variables)
    if not isinstance(node, Binary):
        return False
    left, right = is_affine(node.left, variables), is_affine(node.right, variables)
    left_fixed, right_fixed = not names(node.left) & variables, not names(node.right) & variables
    return {
        "+": left and right,
        "-": left and right,
        "*": left and right and (left_fixed or right_fixed),
        "/": left and right_fixed,
    }.get(node.operator, False)
