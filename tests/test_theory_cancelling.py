"""Formulas that cancel near 0: typed as people write them, they are worth what a careful form of them is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trainability import theory
from trainability.activations import ACTIVATIONS, is_elementwise
from trainability.core.errors import SpecError
from trainability.theory import functions
from trainability.theory.cancelling import without_noise
from trainability.theory.moments import moments

CANCELS = [
    ("expr:exp(x) - 1", "expr:expm1(x)"),
    ("expr:sigmoid(x) - 0.5", "expr:0.5*tanh(x/2)"),
    ("expr:1 - cos(x)", "expr:2*sin(x/2)**2"),
    ("expr:log(1 + x*x)", "expr:log1p(x*x)"),
    ("expr:sqrt(x*x + 1) - 1", "expr:x*x/(1 + sqrt(x*x + 1))"),
    ("expr:where(x > 0, x, exp(x) - 1)", "elu"),
    ("expr:max(x, 0) + min(exp(x) - 1, 0)", "elu"),
    ("expr:(exp(x) - exp(-x))/(exp(x) + exp(-x))", "tanh"),
    ("expr:1000*exp(x/30) - 1000", "expr:1000*expm1(x/30)"),
    ("expr:2/(1 + exp(-100*x)) - 1", "expr:tanh(50*x)"),
]
FUNCTIONS = [
    (lambda x: np.exp(x) - 1, "expr:expm1(x)"),
    (lambda x: np.where(x > 0, x, np.exp(x) - 1), "elu"),
    (lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)), "tanh"),
]
KINDS = ("second", "slope_second", "growth", "fourth")


@pytest.mark.parametrize(("text", "careful"), CANCELS, ids=[text for text, _ in CANCELS])
def test_what_cancels_has_the_digits_of_its_careful_form(text: str, careful: str):
    _same(text, careful, [1e-20, 1e-14, 1e-9, 1e-5, 1e-2, 1.0, 6.0])


@pytest.mark.parametrize(("function", "careful"), FUNCTIONS)
def test_so_do_python_functions(function, careful: str):
    _same(function, careful, [1e-9, 1e-5, 1e-2, 1.0, 6.0])


def _same(phi, careful: str, variances: list[float]) -> None:
    for q in variances:
        for kind in KINDS:
            assert moments(phi).at(kind, q) == pytest.approx(moments(careful).at(kind, q), rel=1e-9), (kind, q)
    assert theory.gain(phi) == pytest.approx(theory.gain(careful), rel=1e-12)
    for sigma_w2, sigma_b2 in ((1.0, 0.0), (1.2, 0.0), (0.7, 1e-8), (0.5, 0.3)):
        found, known = (theory.fixed_points(f, sigma_w2, sigma_b2) for f in (phi, careful))
        assert [(p.q, p.stability) for p in found] == [(pytest.approx(p.q, rel=1e-9), p.stability) for p in known]
    assert _edge(phi) == pytest.approx(_edge(careful), rel=1e-9)


def _edge(phi) -> tuple[float, ...]:
    try:
        return theory.critical_sigma_w(phi, 0.1, all_branches=True)
    except SpecError:
        return ()


@pytest.mark.parametrize(
    ("text", "value", "slope"),
    [("expr:sin(x)/x", 1.0, 0.0), ("expr:(exp(x) - 1)/x", 1.0, 0.5), ("expr:log(cosh(x))", 0.0, 0.0)],
)
def test_what_has_a_limit_at_0_takes_it(text: str, value: float, slope: float):
    m = moments(text)
    assert m.at("mean", 0.0) == pytest.approx(value, abs=1e-9)
    assert m.at("slope_second", 0.0) == pytest.approx(slope**2, abs=1e-9)


def test_a_python_function_that_grows_exponentially_keeps_its_slope():
    """Of exp(x), E[φ′²] at variance q is exp(2q), from far out where φ is small beside what it is farther out."""
    for q in (1.0, 9.0, 30.0):
        assert moments(np.exp).at("slope_second", q) == pytest.approx(math.exp(2 * q), rel=1e-9)


def test_what_does_not_cancel_is_left_as_it_is():
    names = [e.name for e in ACTIVATIONS if is_elementwise(e) and e.name != "tanhshrink"]
    for text in [*names, "expr:sigmoid(50*x)", "expr:tanh(1000*x)", "expr:where(x > 0.001, 1, x)"]:
        phi = functions.resolve_elementwise(text)
        assert without_noise(phi) is phi


def test_a_kink_near_0_is_no_noise():
    phi = "expr:where(x > 0.0001, exp(x) - 1, 0.5*x)"
    careful = "expr:where(x > 0.0001, expm1(x), 0.5*x)"
    for q in (1e-4, 1.0):
        assert moments(phi).at("second", q) == pytest.approx(moments(careful).at("second", q), rel=1e-9)
