"""Gaussian expectations: mpmath and SciPy as twins, closed forms, Python functions, and what has no expectation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import exactly
from tests.activation_choices import ELEMENTWISE, every_elementwise
from trainability import theory
from trainability.activations import choose, kinks, numpy_function, numpy_slope
from trainability.core.errors import SpecError, UsageError
from trainability.theory import expectation
from trainability.theory.expectations import KINDS, Kind
from trainability.theory.functions import Phi, resolve
from trainability.theory.line import LineExpectations
from trainability.theory.moments import moments

# (formula, variance, where it is steep)
HARD = [
    ("tanh", 0.57, ()),
    ("gelu", 3.5, ()),
    ("relu6", 9.0, ()),
    ("hardswish", 4.0, ()),
    ("selu", 1.0, ()),
    ("expr:tanh(50*(x - 0.3))", 1.0, (0.3,)),
    ("expr:where(x > 0.7, x**2, sin(x))", 2.0, ()),
    ("expr:abs(tanh(x) - 0.5)", 0.3, ()),
]


@pytest.mark.parametrize(("text", "q", "places"), HARD, ids=[text for text, _, _ in HARD])
@pytest.mark.parametrize("kind", ["second", "slope_second"])
def test_30_digits_agree_on_hard_functions(text: str, q: float, places: tuple[float, ...], kind: str):
    exact = float(exactly.expectation(text, kind, q, places))
    found = moments(text).estimate(kind, q)
    assert found.value == pytest.approx(exact, rel=1e-12)
    assert abs(found.value - exact) <= found.error + 4e-16 * abs(exact)
    assert moments(text).at(kind, q) == pytest.approx(exact, rel=1e-12)


def test_the_error_is_told_where_digits_are_lost():
    """φ′² = 9/16 |x|^(−1/2) has an integrable pole: E = 9/16 · 2^(−1/4) Γ(1/4) / √π."""
    exact = 9 / 16 * 2**-0.25 * math.gamma(0.25) / math.sqrt(math.pi)
    found = expectation("expr:abs(x)**0.75", "slope_second", 1.0)
    assert 1e-12 < abs(found.value - exact) <= found.error < 1e-8


@pytest.mark.soak
@every_elementwise
@pytest.mark.parametrize("q", [1e-6, 0.3, 1.0, 25.0])
@pytest.mark.parametrize("kind", KINDS)
def test_30_digits_agree_on_the_catalogue(choice, q: float, kind: str):
    if choice.entry.name == "exponential" and q > 1:
        pytest.skip("its mass lies outside mpmath's interval")
    exact = float(exactly.expectation(choice.text, kind, q))
    m = moments(choice)
    # An odd function's mean is 0 to rounding, and a derivative by a small q is a difference over it.
    zero = 4e-16 * {"mean": math.sqrt(m.at("second", q)), "growth": m.at("second", q) / q}.get(kind, 0.0)
    assert m.estimate(kind, q).value == pytest.approx(exact, rel=1e-9, abs=zero)
    assert m.at(kind, q) == pytest.approx(exact, rel=1e-9, abs=zero)


@every_elementwise
def test_scipy_agrees(choice):
    """SciPy's adaptive quadrature, told where the kinks are."""
    from scipy.integrate import quad

    phi, slope = numpy_function(choice), numpy_slope(choice)
    assert slope is not None
    functions = {"mean": phi, "second": lambda x: phi(x) ** 2, "slope_second": lambda x: slope(x) ** 2}
    for q in (0.3, 2.0):
        reach = 12 * math.sqrt(q)
        cuts = sorted({-reach, 0.0, reach, *(k for k in kinks(choice) if abs(k) < reach)})
        for kind, function in functions.items():
            twin = sum(
                quad(
                    lambda x, f=function, q=q: f(x) * math.exp(-x * x / (2 * q)) / math.sqrt(2 * math.pi * q),
                    a, b, epsabs=1e-13, epsrel=1e-11, limit=200,
                )[0]
                for a, b in itertools.pairwise(cuts)
            )  # fmt: skip
            assert moments(choice).at(kind, q) == pytest.approx(twin, rel=1e-9, abs=1e-11)


CLOSED = [choice for choice in ELEMENTWISE if choice.entry.closed]


@pytest.mark.parametrize("choice", CLOSED, ids=[choice.text for choice in CLOSED])
@pytest.mark.parametrize("q", [1e-8, 0.04, 1.0, 30.0])
def test_closed_forms_agree_with_quadrature(choice, q: float):
    m = moments(choice)
    assert m.phi.closed is not None
    known = [kind for kind in KINDS if getattr(m.phi.closed, kind)]
    assert {"mean", "second", "slope_second", "growth"} <= set(known)
    for kind in known:
        # Near q = 0 the derivative by q is a difference of nearly equal numbers over q.
        abs_ = 1e-16 / q if kind == "growth" else 1e-14
        assert m.phi.closed.at(kind, q) == pytest.approx(m.estimate(kind, q).value, rel=1e-10, abs=abs_)


@every_elementwise
def test_the_derivative_by_the_variance(choice):
    """`growth` against differences of E[φ²], and E[φ²], E[φ′²] of the table against single integrals."""
    m = moments(choice)
    for q in (0.2, 1.3):
        step = 1e-4 * q
        difference = (m.at("second", q + step) - m.at("second", q - step)) / (2 * step)
        assert m.at("growth", q) == pytest.approx(difference, rel=1e-6, abs=1e-9)
    table = m.table
    for i in range(0, len(table.q), 12):
        q = table.q[i]
        if table.second[i] > 1e-26 * q * (1 + m.slopes_at_zero[0] ** 2):
            assert table.second[i] == pytest.approx(m.at("second", q), rel=1e-9)
            assert table.slope_second[i] == pytest.approx(m.at("slope_second", q), rel=1e-8, abs=1e-15)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (np.tanh, "tanh"),
        (lambda x: np.maximum(x, 0), "relu"),
        (lambda x: np.where(x > 0.3, x, 0.1 * x), "expr:where(x > 0.3, x, 0.1*x)"),
        (lambda x: x / (1 + np.exp(-x)), "silu"),
        (lambda x: np.tanh(200 * (x - 0.7)), "expr:tanh(200*(x - 0.7))"),
        (lambda x: np.clip(x, -1, 1.5) + 0.2 * np.abs(x - 0.1), "expr:clip(x, -1, 1.5) + 0.2*abs(x - 0.1)"),
        (lambda x: np.where(x > 0.4, 2.0, np.sin(x)), "expr:where(x > 0.4, 2, sin(x))"),
        (np.vectorize(math.erf), "erf"),
    ],
)
def test_a_python_function_is_as_good_as_its_formula(function, text: str):
    """Its kinks are found and its slope is taken from samples."""
    for kind in KINDS:
        for q in (0.2, 1.0, 5.0):
            expected = moments(text).at(kind, q)
            assert expectation(function, kind, q).value == pytest.approx(expected, rel=1e-9, abs=1e-10)


@pytest.mark.parametrize(
    ("phi", "words"),
    [
        ("expr:exp(x*x)", "grows faster than the Gaussian decays"),
        ("expr:exp(exp(x))", "overflows"),
        ("expr:log(x)", "not a finite number at x = 0"),
        ("expr:1/x", "not a finite number at x = 0"),
        ("expr:sqrt(abs(x))", "singular near x"),
        ("expr:sqrt(x)", "not a finite number at x = -1"),
        ("expr:1e200*x", "too large around x = 0"),
        ("expr:sqrt(x + 0.5)", "not a finite number at x = -0.5"),
        ("softmax", "answers to its whole layer"),
        ("relux", "did you mean"),
        ("expr:3", "does not occur"),
        (7, "is a name such as"),
        (lambda x: 1.0, "one number for each of its inputs"),
        (lambda x: x.astype(np.float32), "float64"),
        (lambda x: math.tanh(x), "cannot be evaluated on a NumPy array"),
        (lambda x: np.random.default_rng().normal(size=x.shape), "too rough or too noisy"),
        (lambda x: x * np.nan, "not a finite number"),
    ],
)
def test_what_has_no_expectation_is_said_in_words(phi, words: str):
    with pytest.raises(UsageError) as caught:
        expectation(phi, "slope_second", 1.0)
    assert words in str(caught.value)
    assert "nan" not in str(caught.value).lower()


@pytest.mark.parametrize("q", [1.0, 30.0, 1e3])
def test_a_derivative_that_overflows_where_the_function_does_not(q: float):
    for kind in ("second", "slope_second", "growth"):
        found = expectation("expr:1/(1 + exp(-50*x))", kind, q).value
        assert found == pytest.approx(moments("expr:sigmoid(50*x)").at(kind, q), rel=1e-9)


def test_a_function_may_grow_fast_if_the_gaussian_is_narrow():
    """E[exp(2x²)] is 1/√(1 − 4q) below q = 1/4, and has no finite value from there on."""
    assert expectation("expr:exp(x*x)", "second", 0.2).value == pytest.approx(math.sqrt(5), rel=1e-12)
    with pytest.raises(SpecError, match=r"no finite value at variance 0\.25"):
        expectation("expr:exp(x*x)", "second", 0.25)


@given(
    st.floats(-2, 2), st.floats(-2, 2), st.floats(-3, 3), st.floats(1e-4, 100),
)  # fmt: skip
def test_two_lines_that_meet_anywhere(left: float, right: float, kink: float, q: float):
    """E[φ²] of slopes a and b meeting at a kink, by the partial moments of the normal distribution."""
    from scipy.special import ndtr

    found = moments(lambda x: np.where(x > kink, right, left) * (x - kink)).at("second", q)
    s, k = math.sqrt(q), kink / math.sqrt(q)
    density = math.exp(-k * k / 2) / math.sqrt(2 * math.pi)
    above = (1 + k * k) * float(ndtr(-k)) - k * density
    below = (1 + k * k) * float(ndtr(k)) + k * density
    assert found == pytest.approx(s * s * (right**2 * above + left**2 * below), rel=1e-9, abs=1e-13)


def test_an_unknown_expectation_and_a_bad_variance_are_refused():
    for kind, q, words in (
        ("third", 1.0, "known are mean"),
        ("second", -1.0, "negative"),
        ("second", math.nan, "finite"),
    ):
        with pytest.raises(SpecError, match=words):
            expectation("tanh", kind, q)  # pyright: ignore[reportArgumentType]


def _asked(m: LineExpectations, kind: Kind, q: float) -> object:
    try:
        return m.estimate(kind, q)
    except SpecError as error:
        return str(error)


@every_elementwise
def test_an_answer_does_not_depend_on_what_was_asked_before(choice):
    """To the last bit: asked first, and after wide variances and the whole table were."""
    phi = resolve(choice)
    assert isinstance(phi, Phi)
    fresh, used = LineExpectations(phi), LineExpectations(phi)
    for q in (50.0, 3e4):
        _asked(used, "second", q)
    assert len(used.table.q) > 100
    for q in (1e-9, 0.7, 20.0):
        for kind in KINDS:
            assert _asked(used, kind, q) == _asked(fresh, kind, q)
    for column in ("q", "second", "slope_second", "growth"):
        assert np.array_equal(getattr(LineExpectations(phi).table, column), getattr(used.table, column))


def test_a_python_functions_answer_does_not_depend_on_what_was_asked_before():
    def asked_first(x):
        return np.where(x > 0.3, x, np.tanh(3 * x))

    def asked_later(x):
        return np.where(x > 0.3, x, np.tanh(3 * x))

    expectation(asked_later, "second", 1e6)
    theory.correlation_map(asked_later, 0.3, 0.2, 0.1)
    found = [
        (theory.correlation_map(phi, 0.7, 0.5, 0.1), expectation(phi, "slope_second", 0.9))
        for phi in (asked_first, asked_later)
    ]
    assert found[0] == found[1]


def test_functions_are_sampled_once():
    assert moments("tanh") is moments("tanh")
    assert moments(choose("tanh")) is moments(" tanh ".strip())


def test_a_pole_ends_the_table():
    """E[tan²] has no value once the Gaussian reaches π/2: no fixed point is looked for there."""
    assert "no fixed point up to a variance of 0.0" in theory.fixed_points("expr:tan(x)", 1.3, 0.1).words
