"""Formulas drawn at random, and short ways to evaluate them, for the tests of expressions."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from trainability.core.expression import (
    FUNCTIONS,
    REDUCTIONS,
    Binary,
    Call,
    Compare,
    Name,
    Negate,
    Node,
    Number,
    Where,
    evaluate,
    guard,
    jax_library,
    parse,
)

ELEMENTWISE = sorted(set(FUNCTIONS) - REDUCTIONS)
X = np.array([-3.7, -1.3, -0.61, -0.2, 0.15, 0.43, 0.9, 2.2, 4.1])


def value(text: str, x: float = 0.0, **values: float) -> float:
    return float(evaluate(parse(text, ("x", *values)), {"x": np.array(x), **values}))


def jax_value_and_slope(node: Node, x, **values) -> tuple[np.ndarray, np.ndarray]:
    import jax
    import jax.numpy as jnp

    guarded = guard(node, samples=(values,))

    def total(x):
        result = evaluate(guarded, {"x": x, **values}, jax_library())
        return result.sum(), result

    slope, result = jax.grad(total, has_aux=True)(jnp.asarray(x))
    return np.asarray(result), np.asarray(slope)


def formulas(functions: list[str], operators: str = "+-*/^", largest: float = 4.0) -> st.SearchStrategy[Node]:
    numbers = st.floats(0, largest).map(abs).map(Number)
    leaves = st.one_of(numbers, st.sampled_from([Name("x"), Name("x"), Name("pi"), Name("e")]))

    def grown(parts: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        signs = st.sampled_from([{"^": "**"}.get(sign, sign) for sign in operators])
        relations = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
        condition = st.builds(Compare, relations, parts, parts)
        called = st.sampled_from(functions).map(FUNCTIONS.__getitem__)

        def call(function):
            arguments = st.lists(parts, min_size=function.least, max_size=min(function.most, 3)).map(tuple)
            return st.builds(Call, st.just(function.name), arguments)

        binary = st.builds(Binary, signs, parts, parts)
        kinds = {
            "binary": binary,
            "negate": st.builds(Negate, parts),
            "where": st.builds(Where, condition, parts, parts),
            "call": called.flatmap(call),
        }
        # By kind first: `one_of` would give each of thirty functions the weight of all operators.
        return st.sampled_from(["binary", "binary", "negate", "where", "call"]).flatmap(kinds.__getitem__)

    return st.recursive(leaves, grown, max_leaves=10)
