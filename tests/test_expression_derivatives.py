"""The symbolic derivative against that of JAX and central differences, and the kinks."""

from __future__ import annotations

import math

import jax
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


@pytest.mark.parametrize(
    "text",
    [
        "exp(x - units_max(x))/units_sum(exp(x - units_max(x)))",
        "x*units_sum(x**2) - units_max(sin(x))",
        "where(x >= units_max(x), x**2, units_sum(3))",
        "units_max(where(x > 0, tanh(x), x**3)) + units_sum(x)*units_sum(1/(2 + cos(x)))",
    ],
)
def test_the_derivative_along_a_direction_is_that_of_jax(text):
    """Formulas over a layer, each unit of which moves in its own direction."""
    node = parse(text)
    x, direction = np.random.default_rng(0).standard_normal((2, 40, 7))
    moved = evaluate(differentiate(node, along="dx"), {"x": x, "dx": direction}, variables=("x", "dx"))
    with jax.enable_x64(True):
        function = lambda z: evaluate(guard(node), {"x": z}, jax_library())  # noqa: E731
        peer = jax.jvp(function, (jax.numpy.asarray(x),), (jax.numpy.asarray(direction),))[1]
    np.testing.assert_allclose(moved, peer, rtol=1e-12, atol=1e-14)


def test_largest_units_that_tie_share_what_moves_them():
    node = differentiate(parse("units_max(x)"), along="dx")
    moved = evaluate(node, {"x": np.zeros((1, 4)), "dx": np.array([[1.0, 2.0, 3.0, 6.0]])}, variables=("x", "dx"))
    np.testing.assert_allclose(moved, np.full((1, 4), 3.0))


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
