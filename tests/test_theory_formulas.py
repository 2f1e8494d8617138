"""Formulas that people type, and those that attack the quadrature: narrow, steep, singular or noisy ones."""

from __future__ import annotations

import contextlib
import math
import warnings

import numpy as np
import pytest

from tests.activation_choices import CHOICES
from trainability import theory
from trainability.activations import choose, is_elementwise, numpy_function, numpy_slope
from trainability.core.errors import SpecError
from trainability.core.expression import centres, parse
from trainability.theory import expectation
from trainability.theory.expectations import KINDS
from trainability.theory.line import LineExpectations
from trainability.theory.moments import moments

_PI = math.pi


def _bump(a: float, m: float) -> tuple[float, float]:
    """Of exp(−a (x − m)²), by completing the square: E[φ²] and E[φ′²]."""
    spread = 1 / (4 * a + 1)
    size = math.sqrt(spread) * math.exp(-2 * a * m * m * spread)
    return size, size * 4 * a * a * (spread + (m * spread) ** 2)


@pytest.mark.parametrize(("a", "m"), [(1e4, 2.0), (1e6, 2.3), (1e6, -5.5), (1e5, 0.77)])
def test_a_narrow_bump_between_the_nodes_is_seen(a: float, m: float):
    """Typed it is found by its centre; of a Python function, if it is as wide as 0.005, by looking closely."""
    second, slope = _bump(a, m)
    text = f"expr:exp(-{a}*(x - {m})**2)".replace("- -", "+ ")
    assert expectation(text, "second").value == pytest.approx(second, rel=1e-9)
    assert expectation(text, "slope_second").value == pytest.approx(slope, rel=1e-9)
    if a <= 1e4:
        assert expectation(lambda x: np.exp(-a * (x - m) ** 2)).value == pytest.approx(second, rel=1e-9)


def test_a_low_narrow_step_is_seen_by_its_slope():
    """x + tanh(k (x − 1))/1000 with k = 1e6: E[φ′²] = 1 + 2·10⁻³ E[k sech²] + 10⁻⁶ E[k² sech⁴]."""
    density = math.exp(-0.5) / math.sqrt(2 * _PI)
    expected = 1 + density * (2 * 2e-3 + 1e-6 * 1e6 * 4 / 3)
    found = expectation("expr:x + 0.001*tanh(1e6*(x - 1))", "slope_second")
    assert found.value == pytest.approx(expected, rel=1e-9)


def test_centres_are_the_roots_of_sums_inside():
    found = centres(parse("exp(-a*(x**2 - 2)**2) + x/(1 + 25*(x - 0.3)**2) + x", ("x", "a")), {"a": 1e4})
    assert found == pytest.approx([-math.sqrt(2), 0.3, math.sqrt(2)], abs=1e-7)


# Typed as people do, where rounding hides φ or φ′ far out or near 0; and the same said with care.
CAREFUL = [
    ("where(x > 3.7, tanh(x), 0)", "where(x > 3.7, 1 - 2*sigmoid(-2*x), 0)"),
    ("tanh(1000*(x - 0.3))", "1 - 2*sigmoid(-2000*(x - 0.3))"),
    ("sqrt(1 - tanh(x)**2)", "1/cosh(x)"),
    ("log(1 + x**4)", "log1p(x**4)"),
    ("(1 - cos(x))/x**2", "where(abs(x) < 1e-4, 0.5 - x**2/24, 2*(sin(x/2)/x)**2)"),
    ("1/(1 + exp(-20*x))", "sigmoid(20*x)"),
    ("sqrt(x**2 + 1e-12) - 1e-6", "x**2/(sqrt(x**2 + 1e-12) + 1e-6)"),
]


@pytest.mark.parametrize(("text", "careful"), CAREFUL, ids=[text for text, _ in CAREFUL])
def test_what_rounding_hides_is_not_taken_for_structure(text: str, careful: str):
    for kind in ("second", "slope_second"):
        for q in (0.1, 1.0, 9.0):
            found = moments(f"expr:{text}").at(kind, q)
            assert found == pytest.approx(moments(f"expr:{careful}").at(kind, q), rel=1e-9)


@pytest.mark.parametrize(
    ("function", "careful"),
    [
        (lambda x: np.log(1 + x**4), "log1p(x**4)"),
        (lambda x: (1 - np.cos(x)) / x**2, "where(abs(x) < 1e-4, 0.5 - x**2/24, 2*(sin(x/2)/x)**2)"),
        (lambda x: np.sqrt(x**2 + 1e-12) - 1e-6, "x**2/(sqrt(x**2 + 1e-12) + 1e-6)"),
        (lambda x: np.sqrt(1 - np.tanh(x) ** 2), "1/cosh(x)"),
    ],
)
def test_nor_in_python_functions(function, careful: str):
    assert theory.gain(function) == pytest.approx(theory.gain(f"expr:{careful}"), rel=1e-9)


def test_a_function_too_rough_far_out_is_integrated_as_far_as_the_gaussian_needs():
    """E[sin²(eˣ)] at variance 1, wave by wave; from 5,000 waves on 1e-21 of the Gaussian is left."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    cuts = np.concatenate([np.linspace(-12, 1, 40), np.log(_PI * np.arange(1, 5000))])
    half = 0.5 * np.diff(cuts)[:, None]
    x = 0.5 * (cuts[1:] + cuts[:-1])[:, None] + half * nodes
    expected = (half * weights * np.sin(np.exp(x)) ** 2 * np.exp(-0.5 * x**2)).sum() / math.sqrt(2 * _PI)
    for phi in ("expr:sin(exp(x))", lambda x: np.sin(np.exp(x))):
        assert expectation(phi).value == pytest.approx(expected, rel=1e-9)
        with pytest.raises(SpecError, match="too rough to be integrated beyond x ="):
            expectation(phi, "second", 25.0)


def test_what_grows_while_it_oscillates_is_resolved_where_it_counts():
    """E[e^(2x) sin²x] = (e^(2q) − cos(4q))/2, from around x = 2q."""
    for q in (10.0, 100.0):
        expected = 0.5 * (math.exp(2 * q) - math.cos(4 * q))
        assert expectation("expr:exp(x)*sin(x)", "second", q).value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("threshold", [3.7, 10.0])
def test_a_threshold_far_out(threshold: float):
    from scipy.special import ndtr

    found = expectation(f"expr:where(x > {threshold}, 1, 0)")
    assert found.value == pytest.approx(float(ndtr(-threshold)), rel=1e-9)


@pytest.mark.parametrize("text", ["abs(x - 3.7)", "1e3 + x", "abs(x + 7.77)", "x - 40"])
def test_the_derivative_by_the_variance_where_phi_is_large_at_0(text: str):
    assert expectation(f"expr:{text}", "growth", 1e-10).value == pytest.approx(1.0, rel=1e-7)


@pytest.mark.parametrize("power", [0.6, 0.75, 1.5])
def test_the_slope_of_a_power_of_a_rectifier_is_0_below(power: float):
    """E[max(x, 0)^2p] = 2^p Γ(p + 1/2) / (2 √π)."""
    found = theory.second_moment_gain(f"expr:max(x, 0)**{power}")
    assert found == pytest.approx((2**power * math.gamma(power + 0.5) / (2 * math.sqrt(_PI))) ** -0.5, rel=1e-9)
    assert numpy_slope(choose(f"expr:max(x, 0)**{power}"))(np.array([-2.0, -0.1])).tolist() == [0.0, 0.0]  # pyright: ignore[reportOptionalCall]


def test_a_slope_without_bound_at_0_is_no_number():
    """|x|^0.75 leaves variance 0 at any gain; its critical point lies elsewhere."""
    points = theory.fixed_points("expr:sign(x)*abs(x)**0.9", 0.5, 0.0)
    assert points[0].chi_1 == math.inf
    assert points[0].stability == "unstable"
    assert all(point.q > 0 for point in theory.critical_points("expr:sign(x)*abs(x)**0.9", 0.1))
    with pytest.raises(SpecError, match="no finite value at variance 0"):
        moments("expr:abs(x)**0.75").at("slope_second", 0.0)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("1/(x - 1)", "second", "singular near x = 1"),
        ("x/(x**2 - 1)", "second", "singular near x = -1"),
        ("abs(x - 1)**0.6", "slope_second", "near x = 1"),
        ("x**x", "second", "not a finite number at x = -0.3"),
        ("where(x == 0, 0, x*sin(1/x))", "second", "too rough"),
        ("max(x - 40, 0)", "gain", "0 wherever pre-activations of variance 1 come"),
    ],
)
def test_what_has_no_answer_is_refused_in_a_sentence(text: str, kind: str, words: str):
    def ask(phi: str) -> object:
        return theory.gain(phi) if kind == "gain" else expectation(phi, kind)  # pyright: ignore[reportArgumentType]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SpecError) as caught:
            ask(f"expr:{text}")
    assert words in str(caught.value)


def test_noise_of_single_precision_is_refused():
    with pytest.raises(SpecError, match="not known to 9 digits"):
        theory.gain(lambda x: np.tanh(x.astype(np.float32)).astype(float))


@pytest.mark.parametrize(
    "text", ["max(x - 40, 0)", "abs(x)**0.3", "x**64", "(1 - cos(x))/x**2", "where(x > 200, 1, 0)"]
)
def test_no_question_ends_in_a_traceback_or_a_warning(text: str):
    phi = f"expr:{text}"
    asked = [
        lambda: theory.gain(phi),
        lambda: theory.critical_points(phi, 0.1),
        lambda: theory.double_critical(phi),
        lambda: theory.fixed_points(phi, 1.3, 0.05),
        lambda: theory.chi_1(phi, 4.0, 0.2),
        lambda: theory.phase_diagram(phi, [0.5, 2.0], [0.0, 0.3]),
        lambda: theory.expectation(phi, "second", 100.0),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ask in asked:
            with contextlib.suppress(SpecError):
                ask()


def test_an_answer_of_a_rough_function_does_not_depend_on_what_was_asked_before():
    first = LineExpectations(moments("expr:sin(exp(x))").phi)  # pyright: ignore[reportAttributeAccessIssue]
    used = LineExpectations(first.phi)
    for q in (30.0, 2.0):
        with pytest.raises(SpecError):
            used.at("second", q)
    assert used.at("second", 0.5) == first.at("second", 0.5)


def test_the_value_is_the_formulas():
    """What is rewritten to keep digits has the formula's values elsewhere."""
    x = np.linspace(-5, 5, 102)  # without 0, where a quotient has no value
    for text, _ in CAREFUL:
        value, formula = moments(f"expr:{text}").phi.value, numpy_function(choose(f"expr:{text}"))  # pyright: ignore[reportAttributeAccessIssue]
        np.testing.assert_allclose(value(x), formula(x), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("q", [1e-6, 0.3, 64.0, 3e3])
def test_what_is_resolved_is_so_in_its_fourth_power(q: float):
    """No entry of the catalogue is refused for what only the scatter between networks needs, as sin was at 64."""
    for choice in CHOICES:
        if is_elementwise(choice.entry) and choice.entry.name != "exponential":  # whose powers do overflow
            m = moments(choice)
            assert all(math.isfinite(m.at(kind, q)) for kind in KINDS), choice.text
