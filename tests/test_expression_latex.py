"""Formulas as LaTeX."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.formulas import formulas
from trainability.core.expression import FUNCTIONS, latex, parse


@settings(max_examples=60)
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
