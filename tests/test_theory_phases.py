"""Fixed points, correlations, the edge of chaos: published figures, 30 digits, properties over gains and biases."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import exactly
from tests.activation_choices import ELEMENTWISE, every_elementwise
from trainability import theory
from trainability.core.errors import SpecError
from trainability.theory.correlation import products
from trainability.theory.local import double
from trainability.theory.moments import moments
from trainability.theory.variance import attractor

GAINS = st.floats(0.05, 6.0)
BIASES = st.floats(0.0, 2.0)
SMOOTH_AND_KINKED = st.sampled_from(
    ["tanh", "erf", "gelu", "relu", "hardtanh", "sigmoid", "elu", "leaky_relu:0.2", "sin"]
)


def _critical_points(choice, sigma_b: float) -> tuple[theory.CriticalPoint, ...]:
    try:
        return theory.critical_points(choice, sigma_b)
    except SpecError:
        return ()


# Published figures, in the precision in which they are published.


def test_published_figures_of_tanh():
    (point,) = theory.fixed_points("tanh", 2.0, 0.1038)
    assert point.q == pytest.approx(0.8214, abs=1e-4)
    assert point.chi_1 == pytest.approx(1.0, abs=1e-4)
    sigma_w = theory.critical_sigma_w("tanh", math.sqrt(0.05))
    assert sigma_w**2 == pytest.approx(1.760955, abs=1e-6)
    assert theory.critical_points("tanh", math.sqrt(0.05))[0].q == pytest.approx(0.570048, abs=1e-6)
    for gain, length in ((1.3, 7.8341), (2.0, 25.213), (4.0, 6.9803)):
        assert theory.correlation_length("tanh", gain, 0.05) == pytest.approx(length, rel=2e-5)
    assert theory.critical_sigma_w("tanh", 0.2) == pytest.approx(1.30415, abs=1e-5)
    assert theory.chi_1("tanh", (5 / 3) ** 2, 0.0) == pytest.approx(1.210, abs=5e-4)
    assert theory.phase("tanh", (5 / 3) ** 2, 0.0) == "chaotic"


def test_published_figures_of_relu():
    """Its edge of chaos is the one point (σ_b, σ_w) = (0, √2), where every variance is a fixed point."""
    assert theory.critical_sigma_w("relu", 0.0) == pytest.approx(math.sqrt(2), rel=1e-12)
    assert theory.fixed_points("relu", 2.0, 0.0).everywhere
    assert "every variance" in theory.fixed_points("relu", 2.0, 0.0).words
    assert theory.phase("relu", 2.0, 0.0) == "critical"
    with pytest.raises(SpecError, match=r"no edge of chaos at sigma_b = 0\.1"):
        theory.critical_sigma_w("relu", 0.1)
    for gain in (0.7, 1.9, 2.6):
        assert theory.chi_1("relu", gain, 0.1) == pytest.approx(gain / 2, rel=1e-12)
    assert theory.correlation_map("relu", 0.0, 2.0, 0.0) == pytest.approx(1 / math.pi, rel=1e-12)


def test_published_figures_of_gelu():
    assert theory.critical_sigma_w("gelu", 0.2) == pytest.approx(1.54701, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "gain"), [("gelu", 1.53353), ("tanh", 1.59254), ("relu", math.sqrt(2)), ("identity", 1.0), ("selu", 1.0)]
)
def test_published_second_moment_gains(text: str, gain: float):
    assert theory.second_moment_gain(text) == pytest.approx(gain, abs=5e-6)


def test_selu_keeps_mean_0_and_variance_1():
    assert theory.moment_map("selu", 0.0, 1.0) == pytest.approx((0.0, 1.0), abs=1e-12)
    assert theory.variance_map("selu", 1.0, 1.0, 0.0) == pytest.approx(1.0, abs=1e-12)
    (_, point) = theory.fixed_points("selu", 1.0, 0.0)
    assert (point.q, point.stability) == (pytest.approx(1.0, rel=1e-12), "stable")
    # Away from it both come nearer: it attracts.
    mean, variance = 0.1, 1.3
    for _ in range(200):
        mean, variance = theory.moment_map("selu", mean, variance, weight_sum=0.0, weight_square_sum=1.0)
    assert (mean, variance) == pytest.approx((0.0, 1.0), abs=1e-9)


def test_gains_of_torch_that_are_second_moment_gains():
    import torch

    torch_gain = torch.nn.init.calculate_gain
    assert theory.gain("identity") == pytest.approx(torch_gain("linear"))
    assert theory.gain("relu") == pytest.approx(torch_gain("relu"), rel=1e-12)
    for slope in (0.01, 0.2, 1.5):
        assert theory.gain(f"leaky_relu:{slope}") == pytest.approx(torch_gain("leaky_relu", slope), rel=1e-12)


def test_he_lecun_and_glorot_are_special_cases():
    """Each keeps the variance of the activation that it was made for, in square layers."""
    from trainability.initializers import INITIALIZERS

    for name, phi in (("he_normal", "relu"), ("he_truncated", "relu"), ("lecun_normal", "identity"),
                      ("glorot_uniform", "identity"), ("lecun_uniform", "selu")):  # fmt: skip
        entry = INITIALIZERS[name]
        sigma_w2 = 300 * entry.variance(300, 300, INITIALIZERS.choose(name).values)
        assert math.sqrt(sigma_w2) == pytest.approx(theory.gain(phi), rel=1e-9)
    assert 300 * INITIALIZERS["torch"].variance(300, 300, ()) == pytest.approx(1 / 3)


def test_a_truncated_normal_has_the_deviation_that_is_divided_by():
    from scipy.stats import truncnorm

    from trainability.initializers.variance_scaling import TRUNCATED_DEVIATION

    assert float(truncnorm(-2, 2).std()) == pytest.approx(TRUNCATED_DEVIATION, rel=1e-12)


# Against 30 digits.


@pytest.mark.parametrize(
    ("text", "sigma_w2", "sigma_b2"),
    [("tanh", 1.7, 0.05), ("hardtanh", 1.3, 0.2), ("expr:tanh(30*(x - 0.2))", 0.4, 0.1)],
)
def test_fixed_points_in_30_digits(text: str, sigma_w2: float, sigma_b2: float):
    place = (0.2,) if "30" in text else ()
    found = attractor(text, sigma_w2, sigma_b2)
    assert found is not None

    def excess(q):
        return sigma_w2 * exactly.expectation(text, "second", q, place) + sigma_b2 - q

    with mpmath.workdps(exactly.DIGITS):
        exact = mpmath.findroot(excess, (found.q * 0.999, found.q * 1.001), solver="secant", tol=1e-26)
    assert found.q == pytest.approx(float(exact), rel=1e-11)
    slope = float(sigma_w2 * exactly.expectation(text, "slope_second", float(exact), place))
    assert found.chi_1 == pytest.approx(slope, rel=1e-10)
    growth = float(sigma_w2 * exactly.expectation(text, "growth", float(exact), place))
    assert found.chi_q == pytest.approx(growth, rel=1e-9)
    assert theory.variance_length(text, sigma_w2, sigma_b2) == pytest.approx(-1 / math.log(growth), rel=1e-9)


@pytest.mark.soak
@pytest.mark.parametrize("sigma_b", [0.05, 0.3])
@every_elementwise
def test_critical_gains_in_30_digits(choice, sigma_b: float):
    points = _critical_points(choice, sigma_b)
    for point in points:
        second, slope = (exactly.expectation(choice.text, k, point.q) for k in ("second", "slope_second"))
        assert float(point.sigma_w**2 * slope) == pytest.approx(1.0, rel=1e-10)
        assert float(point.sigma_w**2 * second + point.sigma_b**2) == pytest.approx(point.q, rel=1e-10)


@pytest.mark.parametrize("text", ["gelu", "silu", "mish"])
def test_double_critical_points_in_30_digits(text: str):
    sigma_w2, sigma_b2, q = theory.double_critical(text)
    values = {k: float(exactly.expectation(text, k, q)) for k in ("second", "slope_second", "growth")}
    assert sigma_w2 * values["slope_second"] == pytest.approx(1.0, rel=1e-11)
    assert sigma_w2 * values["growth"] == pytest.approx(1.0, rel=1e-11)
    assert sigma_w2 * values["second"] + sigma_b2 == pytest.approx(q, rel=1e-11)
    assert min(sigma_b2, q) > 0.01


# Every activation.


def test_most_activations_have_critical_points():
    """So that the tests over them look at something."""
    counts = {sigma_b: sum(bool(_critical_points(c, sigma_b)) for c in ELEMENTWISE) for sigma_b in (0.0, 0.1, 0.5)}
    assert counts[0.0] > 30
    assert min(counts.values()) > 15


@every_elementwise
def test_critical_points_are_fixed_points_with_chi_1_of_1(choice):
    for sigma_b in (0.0, 0.1, 0.5):
        points = _critical_points(choice, sigma_b)
        assert [p.q for p in points] == sorted(p.q for p in points)
        for point in points:
            sigma_w2, sigma_b2 = point.sigma_w**2, point.sigma_b**2
            assert theory.chi_1(choice, sigma_w2, sigma_b2, q=point.q) == pytest.approx(1.0, rel=1e-9)
            assert theory.variance_map(choice, point.q, sigma_w2, sigma_b2) == pytest.approx(
                point.q, rel=1e-9, abs=1e-15
            )
            assert point.attracts == (point.chi_q <= 1 + 1e-9) or point.q == 0


@every_elementwise
def test_the_correlation_map_ends_at_the_variance(choice):
    """E[φ(u)φ(v)] at c = 1 is E[φ²], at 0 E[φ]², and in between the double integral agrees with Mehler's series."""
    q = 0.8
    known = products(choice, q)
    m = moments(choice)
    assert known.at(1.0)[0] == pytest.approx(m.at("second", q), rel=1e-9)
    assert known.at(0.0)[0] == pytest.approx(m.at("mean", q) ** 2, rel=1e-9, abs=1e-14)
    values, slopes, _ = known._hermite
    for c in (-0.5, 0.3):
        powers = c ** np.arange(len(values))
        series = values @ powers, slopes @ powers
        assert double(m.phi, q, c) == pytest.approx(series, rel=1e-9, abs=1e-13)
        assert known.at(c) == pytest.approx(series, rel=1e-9, abs=1e-13)
    mirrored = sum((-1) ** k * v for k, v in enumerate(values))
    assert known.at(-1.0)[0] == pytest.approx(mirrored, rel=0.02, abs=0.02 * known.second)


CLOSED = ["relu", "leaky_relu:0.3", "erf", "sin", "gaussian", "identity"]


@pytest.mark.parametrize("text", CLOSED)
@pytest.mark.parametrize("c", [-0.99, -0.4, 0.2, 0.9, 0.9999])
def test_double_integrals_agree_with_closed_forms(text: str, c: float):
    closed = moments(text).phi.closed
    assert closed is not None
    assert closed.product is not None
    assert closed.slope_product is not None
    expected = closed.product(0.7, c), closed.slope_product(0.7, c)
    assert double(moments(text).phi, 0.7, c) == pytest.approx(expected, rel=1e-10, abs=1e-14)


# Properties over gains and biases.


@given(SMOOTH_AND_KINKED, GAINS, BIASES)
@example("tanh", 0.5, 1e-100)
@settings(max_examples=60)
def test_fixed_points_reproduce_themselves_and_say_truly_what_attracts(text: str, sigma_w: float, sigma_b: float):
    sigma_w2, sigma_b2 = sigma_w**2, sigma_b**2
    found = theory.fixed_points(text, sigma_w2, sigma_b2)
    if not len(found):
        assert found.everywhere or "no fixed point" in found.words
    for point in found:
        assert theory.variance_map(text, point.q, sigma_w2, sigma_b2) == pytest.approx(point.q, rel=1e-9, abs=1e-18)
        if point.stability == "half-stable" or point.q < 1e-20 or abs(abs(point.chi_q) - 1) < 1e-4:
            continue
        moved = theory.variance_map(text, point.q * 1.001, sigma_w2, sigma_b2)
        assert (abs(moved - point.q) < 0.001 * point.q) == point.stable
        assert point.stable == (abs(point.chi_q) < 1)


@given(SMOOTH_AND_KINKED, GAINS, BIASES)
@settings(max_examples=60)
def test_the_attractor_is_where_iteration_ends(text: str, sigma_w: float, sigma_b: float):
    sigma_w2, sigma_b2 = sigma_w**2, sigma_b**2
    point = attractor(text, sigma_w2, sigma_b2)
    q = 1.0
    for _ in range(400):
        q = min(theory.variance_map(text, q, sigma_w2, sigma_b2), 1e12)
    if point is None:
        assert q > 100
    elif abs(point.chi_q) < 0.9:
        assert q == pytest.approx(point.q, rel=1e-6, abs=1e-9)


@given(st.sampled_from(["tanh", "relu", "gelu", "hardtanh", "sigmoid"]), GAINS, BIASES)
@settings(max_examples=40)
def test_the_correlation_settles_at_a_fixed_point(text: str, sigma_w: float, sigma_b: float):
    sigma_w2, sigma_b2 = sigma_w**2, sigma_b**2
    point = attractor(text, sigma_w2, sigma_b2)
    if point is None or point.q < 1e-6:
        return
    found = theory.correlation_fixed_point(text, sigma_w2, sigma_b2)
    assert 0 <= found.c <= 1
    assert (found.c == 1) == (point.chi_1 <= 1 + 1e-12) or 1 - found.c < 1e-6
    assert theory.correlation_map(text, found.c, sigma_w2, sigma_b2, found.q) == pytest.approx(found.c, abs=1e-9)
    assert found.slope <= 1 + 1e-9
    noisy = theory.correlation_fixed_point(text, 0.8 * sigma_w2, sigma_b2, dropout=0.2)
    assert noisy.c < 1 or 0.8 * sigma_w2 * moments(text).at("second", noisy.q) < 1e-9


@given(st.floats(-1, 1), st.floats(0.05, 3))
def test_the_correlation_map_of_relu_in_closed_form(c: float, q: float):
    """Cho and Saul's arc-cosine kernel, by quadrature of a formula that the catalogue does not know."""
    found = theory.correlation_map("expr:max(x, 0) + 0*x", c, 2.0, 0.0, q)
    assert found == pytest.approx((math.sqrt(1 - c * c) + c * (math.pi - math.acos(c))) / math.pi, abs=1e-9)


# Isometry.


def test_orthogonal_linear_networks_are_isometric_and_relu_ones_are_not():
    assert theory.isometry("identity", 1.0, 0.0, depth=50) == theory.Isometry(1.0, 0.0)
    # Half of the squared singular values are 0 and half are σ_w².
    relu = theory.isometry("relu", 2.0, 0.0)
    assert (relu.mean, relu.variance) == (pytest.approx(1.0), pytest.approx(1.0))


@pytest.mark.parametrize("weights", ["orthogonal", "normal"])
def test_singular_values_of_wide_jacobians(weights):
    """One realisation of width 250; the mean and the variance of squared singular values within 10 %."""
    rng, width, depth, q = np.random.default_rng(0), 250, 3, 0.4
    jacobian = np.eye(width)
    for _ in range(depth):
        matrix = rng.normal(size=(width, width))
        matrix = np.linalg.qr(matrix)[0] if weights == "orthogonal" else matrix / math.sqrt(width)
        slopes = 1 - np.tanh(math.sqrt(q) * rng.normal(size=width)) ** 2
        jacobian = slopes[:, None] * (1.3 * matrix) @ jacobian
    squared = np.linalg.svd(jacobian, compute_uv=False) ** 2
    found = theory.isometry("tanh", 1.69, 0.0, weights, depth, q=q)
    assert squared.mean() == pytest.approx(found.mean, rel=0.1)
    assert squared.var() == pytest.approx(found.variance, rel=0.1)


# Bad input, in words.


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: theory.fixed_points("tanh", -1.0, 0.0), "sigma_w2 must not be negative"),
        (lambda: theory.fixed_points("tanh", 1.0, math.nan), "sigma_b2 must be a finite number"),
        (lambda: theory.fixed_points("tanh", "a", 0.0), "sigma_w2 must be a number"),
        (lambda: theory.chi_1("tanh", 1.0, 0.0, q=-1), "variance q must not be negative"),
        (lambda: theory.correlation_length("relu", 3.0, 0.1), "grows without bound"),
        (lambda: theory.correlation_map("tanh", 1.5, 1.0, 0.1), "between -1 and 1"),
        (lambda: theory.correlation_map("tanh", 0.5, 0.0, 0.0), "all inputs are alike"),
        (lambda: theory.critical_sigma_w("tanh", -0.1), "sigma_b must not be negative"),
        (lambda: theory.critical_sigma_w("softplus", 0.0), "no edge of chaos"),
        (lambda: theory.critical_sigma_w("binary_step"), "no gradient passes"),
        (lambda: theory.double_critical("sigmoid"), "no point at which both"),
        (lambda: theory.second_moment_gain("expr:0*x"), "is 0 wherever"),
        (lambda: theory.gain("tanh", "third"), "known are second_moment, critical"),  # pyright: ignore[reportArgumentType]
        (lambda: theory.isometry("tanh", 1.0, 0.1, depth=0), "depth must be a whole number"),
        (lambda: theory.correlation_fixed_point("tanh", 1.0, 0.1, dropout=1.0), "below 1"),
        (lambda: theory.phase_diagram("tanh", [-1.0]), "sigma_w must be a list"),
    ],
)
def test_bad_input_is_refused_in_words(call, words: str):
    with pytest.raises(SpecError, match=words):
        call()


def test_no_fixed_point_is_an_answer():
    found = theory.fixed_points("exponential", 1.0, 0.0)
    assert len(found) == 0
    assert "grows without bound" in found.words
    assert theory.fixed_points("relu", 2.0, 0.1).words.startswith("no fixed point")


def test_all_of_several_fixed_points_are_found():
    found = theory.fixed_points("gelu", 2.2, 0.0)
    assert [p.stability for p in found] == ["stable", "unstable"]
    assert "2 fixed points" in found.words
    assert found.to_dict()["points"][1]["q"] == found[1].q


def test_two_fixed_points_that_have_nearly_met_are_both_found():
    """At σ_w² = 2.2 GELU's stable and unstable fixed point meet where χ_q = 1, as the bias grows."""
    from scipy.optimize import brentq

    m = moments("gelu")
    meeting = float(brentq(lambda q: 2.2 * m.at("growth", q) - 1, 0.01, 2.0))  # pyright: ignore[reportArgumentType]
    bias = meeting - 2.2 * m.at("second", meeting)
    below = theory.fixed_points("gelu", 2.2, bias * (1 - 1e-6))
    assert [p.stability for p in below] == ["stable", "unstable"]
    assert below[1].q - below[0].q < 0.02 * meeting
    assert len(theory.fixed_points("gelu", 2.2, bias * (1 + 1e-6))) == 0


@pytest.mark.parametrize("name", ["gelu", "silu", "mish", "softplus", "elu"])
def test_a_map_that_nears_the_identity_has_no_fixed_points_of_rounding(name: str):
    """At σ_w² = 2 all of these become ReLU far out, whose map is the identity."""
    points = theory.fixed_points(name, 2.0, 0.0)
    assert all(point.q < 1e6 for point in points), points.words
    assert [p.q for p in theory.fixed_points("gelu", 2.0, 0.0)] == [0.0]
