"""Parsing: precedence, aliases, macros, errors with their place, and any text at all."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.formulas import X, formulas, value
from trainability.core.errors import FormulaError
from trainability.core.expression import (
    FUNCTION_ALIASES,
    FUNCTIONS,
    LONGEST,
    REDUCTIONS,
    Macro,
    Number,
    calls,
    differentiate,
    evaluate,
    guard,
    kinks,
    latex,
    lower,
    parse,
    unparse,
)


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


@settings(max_examples=400)
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


@settings(max_examples=300)
@given(formulas(sorted(FUNCTIONS), largest=1e300))
def test_unparse_and_parse_round_trip(node):
    assert parse(unparse(node)) == node
