"""Evaluation in NumPy and in JAX: the same values, shapes, dtypes and NaN."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings

from tests.formulas import ELEMENTWISE, X, formulas, jax_value_and_slope, value
from tests.strict_jax import strict_jax  # noqa: F401 (a fixture: pytest finds it by its name)
from trainability.core.expression import evaluate, guard, jax_library, lower, names, parse


@settings(max_examples=60)
@given(formulas(ELEMENTWISE))
def test_numpy_and_jax_agree(node):
    import jax.numpy as jnp

    result = evaluate(node, {"x": X})
    peer = np.asarray(evaluate(guard(node), {"x": jnp.asarray(X)}, jax_library()))
    with np.errstate(all="ignore"):
        # A formula such as sin(1e9*x) magnifies the last bit of its parts: do not ask more than it can give.
        spread = np.abs(evaluate(node, {"x": X * (1 + 1e-13)}) - evaluate(node, {"x": X * (1 - 1e-13)}))
        clear = np.isfinite(result) & np.isfinite(peer) & (spread < 1e-9 * (1 + np.abs(result)))
    np.testing.assert_allclose(peer[clear], result[clear], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "where(x > 0, 1, 2)",
        "1 + x",
        "x**0.5",
        "softplus(x)",
        "2*pi + 0*x",
        "max(x, 1/3)",
        "units_max(x)",
        "units_sum(1) + x",
        "where(1 > 2, x, 3*x)",
        "normal_pdf(x)",
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shape_and_dtype_are_those_of_x(text, dtype):
    import jax.numpy as jnp

    node = parse(text)
    x = np.full((2, 3), 0.7, dtype=dtype)
    results = evaluate(node, {"x": x}), evaluate(node, {"x": jnp.asarray(x)}, jax_library())
    for result in results:
        assert result.dtype == dtype
        assert result.shape == x.shape


def test_reductions_run_over_the_units_as_they_are():
    """Also inside a guarded branch, where some units are replaced by a witness."""
    import jax.numpy as jnp

    x = np.array([[1.0, -2.0, 3.0], [0.5, 0.25, -4.0]])
    node = parse("where(x > 0, units_sum(x)*exp(x), units_max(x))")
    expected = np.where(x > 0, x.sum(-1, keepdims=True) * np.exp(x), x.max(-1, keepdims=True))
    np.testing.assert_allclose(evaluate(node, {"x": x}), expected)
    np.testing.assert_allclose(evaluate(guard(node), {"x": jnp.asarray(x)}, jax_library()), expected)


@pytest.mark.parametrize(
    "text",
    [
        "where(x > 0, x, 0)",
        "where(x > 0, 1, 0)",
        "where(x < 1, 0, 1)",
        "relu(x)",
        "max(0, x)",
        "min(x, 1)",
        "clip(x, 0, 1)",
        "where(x > 1, x, where(x < -1, x, 0))",
        "where(x > a, x, a)",
        "max(x, a)",
        "abs(x)",
        "sign(x)",
    ],
)
def test_nan_is_handed_on(text):
    assert math.isnan(value(text, math.nan, a=1.0))
    assert np.isnan(jax_value_and_slope(parse(text, ("x", "a")), math.nan, a=1.0)[0])


@settings(max_examples=100)
@given(formulas(ELEMENTWISE))
def test_lowering_is_done_once(node):
    """A second lowering would throw the witnesses away that a guarded formula carries."""
    guarded = guard(node)
    assert lower(guarded) is guarded
    assert names(guarded) <= names(node)


def test_max_min_and_clip_are_numpys():
    x = {"x": X}
    np.testing.assert_array_equal(
        evaluate(parse("max(x, 1, x**2, -x)"), x), np.maximum.reduce([X, X * 0 + 1, X**2, -X])
    )
    np.testing.assert_array_equal(
        evaluate(parse("min(x, 1, x**2, -x)"), x), np.minimum.reduce([X, X * 0 + 1, X**2, -X])
    )
    np.testing.assert_array_equal(evaluate(parse("clip(x, -1, 0.5)"), x), np.clip(X, -1, 0.5))
