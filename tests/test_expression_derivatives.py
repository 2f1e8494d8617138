"""The symbolic derivative against that of JAX and central differences, and the kinks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings

from tests.formulas import ELEMENTWISE, X, formulas, jax_value_and_slope
from tests.strict_jax import strict_jax  # noqa: F401 (a fixture: pytest finds it by its name)
from trainability.core.expression import FUNCTIONS, differentiate, evaluate, guard, jax_library, kinks, parse


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_functions_agree_between_libraries_and_with_their_derivative(name):
    """Every row of the table: NumPy against JAX, and the rule for the derivative against jax.grad."""
    function = FUNCTIONS[name]
    node = parse(f"{name}({', '.join(['x', '-0.5', '0.5'][: function.least])})")
    x = X[np.isfinite(evaluate(node, {"x": X})) & np.isfinite(evaluate(differentiate(node), {"x": X}))]
    assert len(x) >= 3
    peer, slope = jax_value_and_slope(node, x)
    np.testing.assert_allclose(peer, evaluate(node, {"x": x}), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(slope, evaluate(differentiate(node), {"x": x}), rtol=1e-12, atol=1e-14)
    step = 1e-6
    numeric = (evaluate(node, {"x": x + step}) - evaluate(node, {"x": x - step})) / (2 * step)
    np.testing.assert_allclose(slope, numeric, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "1 - sin(x)",
        "x - (x - x**2)",
        "sin(x)/(2 + cos(x))",
        "2/x",
        "x/3",
        "x**x",
        "2**x",
        "(x**2 + 1)**-1.5",
        "x**0.5",
        "-x*-x",
        "exp(-x**2)/x**3",
        "where(x > 1, x**2, 1/x)",
        "min(x, 1/x)",
        "tanh(x)**0",
        "x**1",
    ],
)
def test_the_rules_of_the_derivative(text):
    node, x = parse(text), X[X > 0]
    np.testing.assert_allclose(evaluate(differentiate(node), {"x": x}), jax_value_and_slope(node, x)[1], rtol=1e-12)


SMOOTH = ["tanh", "sin", "sigmoid", "erf", "softplus", "arctan", "normal_cdf", "relu", "abs", "max", "clip"]


@settings(max_examples=60)
@given(formulas(SMOOTH, "+-*"))
def test_the_symbolic_derivative_is_that_of_jax(node):
    expected = evaluate(differentiate(node), {"x": X})
    assert np.isfinite(expected).all()
    _, slope = jax_value_and_slope(node, X)
    with np.errstate(all="ignore"):
        jumps = np.abs(evaluate(differentiate(node), {"x": X * (1 + 1e-12)}) - expected) > 1e-7 * (1 + np.abs(expected))
    np.testing.assert_allclose(slope[~jumps], expected[~jumps], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    ("text", "x", "slope"),
    [
        ("where(x > 0, x, expm1(x))", 1e4, 1.0),
        ("where(x > 0, x, expm1(x))", 0.0, 1.0),
        ("where(x < 0, exp(-1e9*x), x)", -1e-3, -math.inf),
        ("where(x > 0, log(x), x)", -2.0, 1.0),
        ("where(x > 0, sqrt(x), 0)", -2.0, 0.0),
        ("where(x > 0, sqrt(x), 0)", 0.0, 0.0),
        ("where(x != 0, sin(x)/x, 1)", 0.0, 0.0),
        ("where(x > 0, where(x > 1, x, sqrt(1 - x**2)), 2*x)", 3.0, 1.0),
        ("where(x > 0, where(x > 1, x, sqrt(1 - x**2)), 2*x)", -3.0, 2.0),
        ("min(exp(x), 1)", 1e4, 0.0),
        ("clip(sinh(x), -1, 1)", 1e4, 0.0),
        ("relu(x)", 0.0, 0.0),
        ("max(x, 0)", 0.0, 0.0),
        ("max(0, x)", 0.0, 0.0),
        ("min(x, 2)", 2.0, 0.0),
        ("clip(x, -1, 1)", 1.0, 0.0),
        ("abs(x)", 0.0, 0.0),
        ("where(x > 0, x, 0.1*x)", 0.0, 0.1),
        ("where(x >= 0, x, 0.1*x)", 0.0, 1.0),
        ("x**2", 0.0, 0.0),
        ("x**3", -2.0, 12.0),
    ],
)
def test_gradients_at_kinks_and_beside_overflow(text, x, slope):
    node = parse(text)
    assert jax_value_and_slope(node, x)[1] == pytest.approx(slope)
    assert evaluate(differentiate(node), {"x": np.array(x)}) == pytest.approx(slope)


def test_the_derivative_in_a_parameter_is_finite_too():
    """A learned parameter's gradient passes through the branch that is not taken."""
    import jax
    import jax.numpy as jnp

    node = parse("where(x > 0, x, alpha*expm1(x/alpha))", ("x", "alpha"))
    guarded = guard(node, samples=tuple({"alpha": a} for a in (1.0, 1e-3, 1e3)))

    def function(alpha, x):
        return evaluate(guarded, {"x": x, "alpha": alpha}, jax_library())

    for alpha in (1e-3, 1.0, 1e3):
        for x in (-1e4, -1.0, 1e4):
            slopes = jax.grad(function, (0, 1))(jnp.float32(alpha), jnp.float32(x))
            assert np.isfinite(slopes).all(), (alpha, x)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", ()),
        ("x*sigmoid(x)", ()),
        ("where(x > 0.1, x, 0)", (0.1,)),
        ("where(3*x - 1 > x, x, 0)", (0.5,)),
        ("clip(x/6 + 0.5, 0, 1)", (-3.0, 3.0)),
        ("abs(x) + abs(2*x + 1)", (-0.5, 0.0)),
        ("abs(abs(x) - 1)", (-1.0, 0.0, 1.0)),
        ("where(x**2 > 2, x, 0)", (-math.sqrt(2), math.sqrt(2))),
        ("where(x*(x - 1)**2 > 0, x, 1)", (0.0, 1.0)),
        ("where(tanh(x) > 0.5, 1, x)", (math.atanh(0.5),)),
        ("where(exp(x) < 2, x, 0)", (math.log(2),)),
        ("max(x, x**2)", (0.0, 1.0)),
        ("where(1/x > 0, 1, 2)", (0.0,)),
        ("where(x > 0, where(x > -1, 2, x), where(x > -3, x, 1))", (-3.0, 0.0)),
        ("where(sign(x - 2) > 0.5, 1, 0)", (2.0,)),
        ("where(x > 60, 1, 0)", ()),
        ("where(sin(pi*x) > 0, x, 0)", tuple(float(k) for k in range(-50, 51))),
    ],
)
def test_kinks_are_found(text, expected):
    assert kinks(parse(text)) == pytest.approx(expected, abs=1e-12)


def test_kinks_depend_on_the_parameters():
    node = parse("where(x > a, x, where(x < -a, x, 0))", ("x", "a"))
    assert kinks(node, {"a": 0.3}) == (-0.3, 0.3)
    assert kinks(node, {"a": 7.0}) == (-7.0, 7.0)
