"""The expression grammar: parsing, errors, evaluation in two libraries, derivative, kinks, text."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainability.core.errors import FormulaError
from trainability.core.expression import (
    FUNCTION_ALIASES,
    FUNCTIONS,
    LONGEST,
    REDUCTIONS,
    Binary,
    Call,
    Compare,
    Macro,
    Name,
    Negate,
    Node,
    Number,
    Where,
    calls,
    differentiate,
    evaluate,
    guard,
    jax_library,
    kinks,
    latex,
    lower,
    names,
    parse,
    unparse,
)

ELEMENTWISE = sorted(set(FUNCTIONS) - REDUCTIONS)
X = np.array([-3.7, -1.3, -0.61, -0.2, 0.15, 0.43, 0.9, 2.2, 4.1])


@pytest.fixture(autouse=True)
def _strict_jax():
    import jax

    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        yield


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


# --- parsing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-2**2", -4.0),
        ("2**3**2", 512.0),
        ("2^-1", 0.5),
        ("(1 + 2)*3 - 4/2/2", 8.0),
        ("7 - 3 - 2", 2.0),
        ("-3*-2", 6.0),
        ("+ - + 3", -3.0),
        (".5 + 1e-3 + 2.", 2.501),
        ("where(2 > 1, 3, 4)", 3.0),
        ("where(1 != 1, 3, 4)", 4.0),
        ("max(1, 5, 3) - min(4, 2, 8)", 3.0),
        ("clip(7, 0, 6) + clip(-7, 0, 6)", 6.0),
        ("log(e) + cos(pi)", 0.0),
        ("np.tanh(0) + math.exp(0) + jnp.asinh(0)", 1.0),
        ("1/0", math.inf),
        ("9**9**9", math.inf),
    ],
)
def test_arithmetic_follows_pythons_rules(text, expected):
    assert value(text) == pytest.approx(expected)


@pytest.mark.parametrize("alias", FUNCTION_ALIASES)
def test_an_alias_is_its_function(alias):
    function = FUNCTIONS[FUNCTION_ALIASES[alias]]
    arguments = ", ".join(["x", "2", "3"][: function.least])
    assert parse(f"{alias}({arguments})") == parse(f"{function.name}({arguments})")


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("", "empty", None),
        ("   ", "empty", None),
        ("x +", "got the end", 4),
        ("sigmod(x)", "unknown function 'sigmod'; did you mean 'sigmoid'", 1),
        ("x + sigmod", "unknown name 'sigmod'; did you mean 'sigmoid'", 5),
        ("x + y", "unknown name 'y'; the formula may use 'x'", 5),
        ("sin", "the function 'sin' needs an argument", 1),
        ("x(2)", "a product needs", 1),
        ("2x", "a product needs", 2),
        ("x > 0", "a comparison stands where a number", 1),
        ("1 + (x > 0)", "a comparison stands where a number", 5),
        ("exp(x > 0)", "a comparison stands where a number", 5),
        ("-(x > 0)", "a comparison stands where a number", 1),
        ("2**(x > 0)", "a comparison stands where a number", 4),
        ("where(x > 0, x > 1, 2)", "a comparison stands where a number", 14),
        ("0 < x < 1", "chained", 7),
        ("where(x, 1, 2)", "needs a condition", 7),
        ("where(x > 0, 1)", "where takes 3 arguments, got 2", 1),
        ("exp()", "exp takes 1 argument, got 0", 1),
        ("clip(x, 1)", "clip takes 3 arguments, got 2", 1),
        ("max(x)", "max takes 2 to 64 arguments, got 1", 1),
        ("(x", "expected ')'", 3),
        ("x)", "expected an operator or the end", 2),
        ("exp(x,)", "got ')'", 7),
        ("x $ 2", "unexpected character '$'", 3),
        ("x.real", "unexpected character '.'", 2),
        ("x[0]", "unexpected character '['", 2),
        ("1e999", "too large", 1),
        ("__import__('os')", "unexpected character", 12),
        ("x" * 3000, "3000 characters", None),
        ("(" * 300 + "x" + ")" * 300, "nested too deeply", 65),
        ("-" * 300 + "x", "nested too deeply", 65),
        ("x**" * 300 + "x", "nested too deeply", None),
        ("+".join("x" * 300), "nested too deeply", 1),
        ("max(x," * 40 + "x" + ")" * 40, "too large", None),
    ],
)
def test_an_error_says_what_and_where(text, message, place):
    with pytest.raises(FormulaError) as caught:
        parse(text)
    sentence, *excerpt = str(caught.value).split("\n")
    assert message in sentence
    if place:
        assert f"(character {place} of the formula)" in sentence
        shown, caret = excerpt
        assert shown[caret.index("^") :][:1] == text[place - 1 : place]


MACROS = {
    "silu": Macro(parse("x*sigmoid(x)")),
    "leaky": Macro(parse("where(x > 0, x, a*x)", ("x", "a")), (("x", None), ("a", Number(0.1)))),
}


def test_macros_are_written_out():
    assert parse("silu(2*x) + x", macros=MACROS) == parse("2*x*sigmoid(2*x) + x")
    assert parse("leaky(x)", macros=MACROS) == parse("where(x > 0, x, 0.1*x)")
    assert parse("leaky(x, 3)", macros=MACROS) == parse("where(x > 0, x, 3*x)")
    with pytest.raises(FormulaError, match="did you mean 'silu'"):
        parse("sillu(x)", macros=MACROS)
    with pytest.raises(FormulaError, match="leaky takes 1 to 2 arguments, got 3"):
        parse("leaky(x, 1, 2)", macros=MACROS)
    with pytest.raises(FormulaError, match="too large"):
        parse("silu(" * 30 + "x" + ")" * 30, macros=MACROS)


PIECES = [
    "x",
    "1",
    "1e9",
    ".",
    "(",
    ")",
    ",",
    "+",
    "-",
    "*",
    "**",
    "/",
    "^",
    "<",
    "==",
    "where(",
    "max(",
    "exp(",
    "units_sum(",
    "abs(",
    "silu(",
    " ",
    "pi",
    "log",
    "\n",
    "é",
    "0x1",
    "_",
]


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=25).map("".join)))
def test_no_text_raises_anything_but_a_formula_error(text):
    try:
        node = parse(text, macros=MACROS)
    except FormulaError:
        return
    if len(unparse(node)) <= LONGEST:
        assert parse(unparse(node)) == node
    latex(node)
    evaluate(node, {"x": X})
    guard(node)
    if calls(node) & REDUCTIONS:
        with pytest.raises(FormulaError, match="reduces over a layer"):
            differentiate(lower(node), "x")
        return
    evaluate(differentiate(node), {"x": X})
    kinks(node)


@pytest.mark.parametrize(
    "template",
    [
        "sin({})",
        "-{}",
        "x*{}",
        "({})**2",
        "x/(1 + {})",
        "where(x > 0, {}, exp(x))",
        "where(x > {}, x, 1)",
        "clip({}, -1, 1)",
        "max(x, {})",
        "silu({})",
    ],
)
def test_the_deepest_formulas_work_throughout(template):
    """Whatever is let through can also be differentiated, guarded, evaluated and written."""
    text, node = "x", None
    for _ in range(70):
        text = template.format(text)
        try:
            node = parse(text, macros=MACROS)
        except FormulaError:
            break
    else:
        pytest.fail("nothing limits the nesting")
    assert node is not None
    if len(unparse(node)) <= LONGEST:
        assert parse(unparse(node)) == node
    evaluate(differentiate(node), {"x": X})
    latex(node)
    kinks(node)
    guard(node)


@settings(max_examples=300, deadline=None)
@given(formulas(sorted(FUNCTIONS), largest=1e300))
def test_unparse_and_parse_round_trip(node):
    assert parse(unparse(node)) == node


# --- evaluation --------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
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


@settings(max_examples=60, deadline=None)
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


@settings(max_examples=100, deadline=None)
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


# --- kinks and text ----------------------------------------------------------------------------


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


@settings(max_examples=60, deadline=None)
@given(formulas(sorted(FUNCTIONS), largest=1e30))
def test_latex_is_understood_by_mathtext(node):
    from matplotlib.mathtext import MathTextParser

    MathTextParser("path").parse(f"${latex(node)}$")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x/(1 + abs(x))", r"\frac{x}{1 + |x|}"),
        ("-x**2", "-x^{2}"),
        ("(-x)**2", r"\left(-x\right)^{2}"),
        ("exp(x)**2", r"\left(e^{x}\right)^{2}"),
        ("2*3*x", r"2\cdot 3\,x"),
        ("(x + 1)*x1", r"\left(x + 1\right)\,x_{1}"),
        ("square(x)**3", r"\left(\left(x\right)^{2}\right)^{3}"),
        ("1e30**2", r"\left(10^{30}\right)^{2}"),
        ("x - (x - 1)", r"x - \left(x - 1\right)"),
        ("alpha*1e-8", r"\alpha\cdot 10^{-8}"),
    ],
)
def test_latex(text, expected):
    assert latex(parse(text, ("x", "x1", "alpha"))) == expected
