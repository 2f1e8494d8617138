"""Theory of gates, whose units consume several pre-activations: 30 digits, peers of one piece, wide networks."""

from __future__ import annotations

import math
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

import trainability
from tests import exactly
from tests.activation_choices import CHOICES, ids
from trainability import theory
from trainability.activations import choose, jax_function, numpy_function, pieces_of
from trainability.core.errors import SpecError
from trainability.theory.correlation import products
from trainability.theory.expectations import KINDS
from trainability.theory.functions import Gate, resolve
from trainability.theory.gates.circle import Circles
from trainability.theory.gates.closed import ClosedGate
from trainability.theory.gates.factored import FactoredGate
from trainability.theory.gates.formula import GateFormula
from trainability.theory.gates.homogeneous import HomogeneousGate
from trainability.theory.gates.radial import RadialGate
from trainability.theory.gates.ridge import RidgeGate
from trainability.theory.gates.sampled import SampledGate
from trainability.theory.gates.separable import SeparableGate
from trainability.theory.moments import moments
from trainability.theory.propagation import Layer, propagate

FORMULAS = [
    "expr:x1*relu(x2)", "expr:x1*gelu(x2)", "expr:2*x1*silu(x2)/(1 + abs(x3))", "expr:tanh(x1 + x2)",
    "expr:where(x1 > 0.5, x2, tanh(x1) - x2)", "expr:sigmoid(x1)*x2 + (1 - sigmoid(x1))*tanh(x2)",
    "expr:max(x1*x2, 0)", "expr:sqrt(x1*x1 + x2*x2)", "expr:max(x1 + x2, x3, 0)", "expr:tanh(x1*x3 + x2)",
    "expr:sigmoid(x1)*tanh(x2) + sigmoid(x3)*x4", "expr:relu(x1) - (0.5*relu(x2) + x1)*x3/2 + 1",
]  # fmt: skip
GATES = [c for c in CHOICES if pieces_of(c) > 1 and not c.entry.across_units] + [choose(text) for text in FORMULAS]
every_gate = pytest.mark.parametrize("choice", GATES, ids=ids(GATES))


def _sampled(choice) -> bool:
    m = moments(choice)
    return isinstance(getattr(m, "_at_1", m), SampledGate)


def _tied(text: str) -> RadialGate:
    """A gate of two pieces by means over circles, however simple it is."""
    gate = resolve(text)
    assert isinstance(gate, Gate)
    return RadialGate(Circles(GateFormula(gate)))


def test_each_gate_goes_the_best_way():
    ways = {
        "glu": FactoredGate, "maxout:5": ClosedGate, "expr:max(x1, x2, x3)": ClosedGate,
        "expr:x1*tanh(x2)*x3": FactoredGate,
        "expr:-x1/(1 + exp(-x2))": FactoredGate, "expr:tanh(x1 + x2)": RidgeGate,
        "expr:where(x1 > x2, tanh(x2 - x1), 1)": RidgeGate, "expr:tanh(x1*x2)": RadialGate,
        "expr:max(x1, x2, x1 + x2)": HomogeneousGate,
        "expr:sigmoid(x1)*tanh(x2) + sigmoid(x3)*x4": SeparableGate,
        "expr:max(x1 + x2, x3, 0)": HomogeneousGate, "expr:tanh(x1*x3 + x2)": SampledGate,
    }  # fmt: skip
    assert {text: type(moments(text)) for text in ways} == ways


# Against 30 digits.


@pytest.mark.parametrize("q", [1e-6, 0.3, 1.0, 40.0])
def test_glu_in_30_digits(q: float):
    """x1·g(x2): E[φ²] = q E[g²], |φ′|² = g² + x1² g′²."""
    known = {kind: exactly.expectation("sigmoid", kind, q) for kind in ("second", "fourth", "slope_second", "growth")}
    slope_4, both = (exactly.expectation("sigmoid", kind, q) for kind in ("slope_fourth", "both"))
    expected = {
        "second": q * known["second"],
        "slope_second": known["second"] + q * known["slope_second"],
        "growth": known["second"] + q * known["growth"],
        "fourth": 3 * q * q * known["fourth"],
        "slope_fourth": known["fourth"] + 3 * q * q * slope_4 + 2 * q * both,
        "both": q * known["fourth"] + 3 * q * q * both,
    }
    for kind, value in expected.items():
        assert moments("glu").at(kind, q) == pytest.approx(float(value), rel=1e-10)
        found = moments("glu").estimate(kind, q)
        assert abs(found.value - float(value)) <= found.error + 1e-15 * float(value)


@pytest.mark.parametrize("pieces", [2, 3, 7, 32])
def test_maxout_in_30_digits(pieces: int):
    with mp.workdps(exactly.DIGITS):

        def moment(power: int):
            return mpmath.quad(
                lambda x: x**power * pieces * mpmath.npdf(x) * mpmath.ncdf(x) ** (pieces - 1), range(-14, 15, 2)
            )

        exact = {"mean": moment(1), "second": moment(2), "fourth": moment(4)}
    for kind, value in exact.items():
        power = {"mean": 0.5, "second": 1, "fourth": 2}[kind]
        assert moments(f"maxout:{pieces}").at(kind, 0.3) == pytest.approx(float(value * mpf(0.3) ** power), rel=1e-12)
    assert theory.gain(f"maxout:{pieces}") == pytest.approx(1 / math.sqrt(float(exact["second"])), rel=1e-12)
    # The largest two of independent inputs are in the same place with chance 1/k.
    product, same = products(f"maxout:{pieces}", 1.0).at(0.0)
    assert product == pytest.approx(float(exact["mean"]) ** 2, rel=1e-12)
    assert same == pytest.approx(1 / pieces, rel=1e-12)


@pytest.mark.parametrize("c", [-1.0, -0.9999, -0.4, 0.0, 0.3, 0.99, 0.9999999, 1.0])
def test_maxout_of_two_pieces_is_half_a_line_and_half_a_kink(c: float):
    """max(x1, x2) = ((x1 + x2) + |x1 − x2|) / 2, two independent Gaussians."""
    product, same = products("maxout", 0.7).at(c)
    bent = math.sqrt(1 - c * c) + c * math.asin(c)
    assert product == pytest.approx(0.7 * (c + 2 / math.pi * bent) / 2, abs=1e-11)
    assert same == pytest.approx(0.5 + math.asin(c) / math.pi, abs=1e-7 if c == -1 else 1e-12)


@pytest.mark.parametrize("q", [1e-4, 0.4, 1.0, 9.0])
def test_two_pieces_in_30_digits(q: float):
    """Where one integral is known by hand the other is left to mpmath."""
    with mp.workdps(exactly.DIGITS):
        s = mpmath.sqrt(mpf(q))

        def mean(f, cuts=()):
            inside = sorted({mpf(z) for z in range(-14, 15, 2)} | {mpf(c) / s for c in cuts if abs(mpf(c) / s) < 14})
            return mpmath.quad(lambda z: f(s * z) * mpmath.npdf(z), inside)

        def largest(t):
            """E[max(u, t)²]."""
            z = t / s
            return t * t * mpmath.ncdf(z) + q * (mpmath.ncdf(-z) + z * mpmath.npdf(z))

        above = mpmath.ncdf(-mpf("0.5") / s)
        exact = {
            "expr:where(x1 > 0.5, x2, tanh(x1) - x2)": q * above
            + mean(lambda x: (mpmath.tanh(x) ** 2 + q) if x < 0.5 else mpf(0), (0.5,)),
            "expr:max(x1, tanh(3*x2))": mean(lambda x: largest(mpmath.tanh(3 * x)), (-0.3, -0.1, 0, 0.1, 0.3)),
            "expr:max(x1*x2, 0)": mpf(q) ** 2 / 2,
            "expr:sqrt(x1*x1 + x2*x2)": mpf(2) * q,
        }
        exact = {text: float(value) for text, value in exact.items()}
    for text, value in exact.items():
        found = moments(text).estimate("second", q)
        assert found.value == pytest.approx(value, rel=1e-10)
        assert abs(found.value - value) <= found.error + 1e-14 * value


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(["tanh", "relu", "gelu", "hardtanh"]), st.floats(0.01, 20), st.floats(-0.8, 0.8))
def test_a_sum_of_two_pieces_is_one_of_twice_the_variance(name: str, q: float, c: float):
    """An independent way: nested quadrature over (x1, x2) against the line."""
    gate, line = _tied(f"expr:{name}(x1 + x2)"), moments(name)
    times = {"slope_second": 2, "slope_fourth": 4, "growth": 2, "both": 2}
    for kind in KINDS:
        expected = times.get(kind, 1) * line.at(kind, 2 * q)
        assert gate.at(kind, q) == pytest.approx(expected, rel=1e-9, abs=1e-13)
    assert gate.slope_each(q) == pytest.approx([line.at("slope_second", 2 * q)] * 2, rel=1e-9)
    product, slope = line.products(2 * q).at(c)
    assert gate.products(q).at(c) == pytest.approx((product, 2 * slope), rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("c", [-0.99, 0.9, 0.99, 0.999, 0.99999])
@pytest.mark.parametrize(("text", "name"), [("expr:relu(x1 + x2)", "relu"), ("expr:clip(x1 + x2, -1, 1)", "hardtanh")])
def test_kinked_gates_near_correlation_1(text: str, name: str, c: float):
    """Mehler's series ends long before: what it leaves over is continued as a power of the degree."""
    value, slope = _tied(text).products(1.0).at(c)
    of_line = products(name, 2.0).at(c)
    assert value == pytest.approx(of_line[0], rel=2e-6, abs=1e-6)
    assert slope == pytest.approx(2 * of_line[1], rel=2e-4)


def test_fixed_points_and_the_edge_of_chaos_are_those_of_the_line():
    for name in ("tanh", "gelu"):
        summed = f"expr:{name}(x1 + x2)"
        points = theory.fixed_points(summed, 0.8, 0.05), theory.fixed_points(name, 1.6, 0.1)
        assert [2 * p.q for p in points[0]] == pytest.approx([p.q for p in points[1]], rel=1e-9)
        assert [p.chi_1 for p in points[0]] == pytest.approx([p.chi_1 for p in points[1]], rel=1e-9)
        assert [p.stability for p in points[0]] == [p.stability for p in points[1]]
        sigma_w = theory.critical_sigma_w(summed, 0.2)
        assert math.sqrt(2) * sigma_w == pytest.approx(theory.critical_sigma_w(name, math.sqrt(2) * 0.2), rel=1e-9)
        lengths = theory.correlation_length(summed, 0.8, 0.05), theory.correlation_length(name, 1.6, 0.1)
        assert lengths[0] == pytest.approx(lengths[1], rel=1e-7)


# Against samples and wide networks.


@every_gate
def test_samples_agree(choice):
    """A million samples: expectations within 4.5 deviations, gradients by finite differences."""
    m, q, count = moments(choice), 0.7, 1_000_000
    x = math.sqrt(q) * np.random.default_rng(3).standard_normal((count, m.pieces))
    phi = numpy_function(choice)
    value = phi(x)[:, 0]
    step = 1e-6 * np.eye(m.pieces)
    slope = sum(((phi(x + d) - phi(x - d))[:, 0] / 2e-6) ** 2 for d in step)
    found = {"mean": value, "second": value**2, "fourth": value**4, "slope_second": slope, "both": value**2 * slope}
    for kind, part in found.items():
        known = m.estimate(kind, q)
        kept = part[part < 1e6]  # a difference over a jump is no slope
        assert len(part) - len(kept) < 20
        assert known.value == pytest.approx(kept.mean(), abs=4.5 * kept.std() / math.sqrt(count) + known.error + 1e-9)
    h = 1e-4 * q
    difference = (m.at("second", q + h) - m.at("second", q - h)) / (2 * h)
    assert m.at("growth", q) == pytest.approx(difference, rel=1e-5)
    table = m.table
    place = int(np.argmin(np.abs(np.log(table.q / q))))
    assert table.second[place] == pytest.approx(m.at("second", table.q[place]), rel=1e-9)
    assert table.slope_second[place] == pytest.approx(m.at("slope_second", table.q[place]), rel=1e-9)


WIDTH, DEPTH, NETWORKS = 160, 3, 24
SIGMA_B2 = 0.05


@every_gate
@pytest.mark.parametrize("joins", [False, True], ids=["plain", "residual"])
def test_wide_networks_of_gates_do_as_theory_says(choice, joins: bool):
    """24 networks of width 160: variances and covariances within 10 %, squared gradients by JAX within 25 %; more
    where the variance map amplifies deviations."""
    import jax
    import jax.numpy as jnp

    pieces, m = pieces_of(choice), moments(choice)
    sigma_w2 = (1 - SIGMA_B2) / m.at("second", 1.0) * (0.3 if joins else 1.0)
    phi = jax_function(choice.entry, pieces)
    numbers = [jnp.float32(v) for v in choice.values]
    rng = np.random.default_rng(0)
    shapes = [(WIDTH, pieces * WIDTH)] * DEPTH + [(WIDTH, WIDTH)]
    matrices = [math.sqrt(sigma_w2 / a) * rng.standard_normal((NETWORKS, a, b)).astype("f4") for a, b in shapes]
    biases = [math.sqrt(SIGMA_B2) * rng.standard_normal((NETWORKS, 1, b)).astype("f4") for _, b in shapes]
    inputs = rng.standard_normal((NETWORKS, 2, WIDTH))
    inputs[:, 1] -= (inputs[:, 0] * inputs[:, 1]).mean(-1, keepdims=True) / (inputs[:, :1] ** 2).mean(-1) * inputs[:, 0]
    inputs /= np.sqrt((inputs**2).mean(-1, keepdims=True))
    inputs[:, 1] = 0.6 * inputs[:, 0] + 0.8 * inputs[:, 1]
    outward = rng.standard_normal((NETWORKS, WIDTH)).astype("f4")

    def states(matrices, biases, h):
        found = []
        for matrix, bias in zip(matrices, biases, strict=True):
            found.append(h @ matrix + bias)
            if len(found) <= DEPTH:
                answer = phi(found[-1], numbers)
                h = h + answer if joins else answer
        return found

    def loss(matrices, biases, h, outward):
        return (states(matrices, biases, h[:1])[-1][0] * outward).sum()

    h = jnp.asarray(inputs, jnp.float32)
    gradients = jax.vmap(jax.grad(loss))(matrices, biases, h, outward)
    squares = np.array([np.square(np.asarray(g, float)).mean(axis=(1, 2)) for g in gradients])
    found = [np.asarray(z, float) for z in jax.vmap(states)(matrices, biases, h)]
    layers = [Layer(a, b, sigma_w2 / a, SIGMA_B2) for a, b in shapes]
    predicted = propagate(m, layers, 1.0, residual=joins)
    amplified = max(1.0, sigma_w2 * m.at("growth", 1.0)) ** 2
    for layer, z in enumerate(found):
        if amplified < 2 or layer < 3:
            assert (z[:, 0] ** 2).mean() == pytest.approx(predicted.variance[layer], rel=0.1 * amplified)
    if not joins:
        q, c = sigma_w2 + SIGMA_B2, (0.6 * sigma_w2 + SIGMA_B2) / (sigma_w2 + SIGMA_B2)
        for layer in range(3):
            covariance = (found[layer][:, 0] * found[layer][:, 1]).mean()
            assert covariance == pytest.approx(q * c, abs=0.1 * q * amplified)
            known = products(choice, q)
            following = sigma_w2 * known.second + SIGMA_B2
            c, q = (sigma_w2 * known.at(c)[0] + SIGMA_B2) / following, following
    ratio = squares.mean(axis=1) / squares[-1].mean()
    assert ratio == pytest.approx(np.square(predicted.gradient), rel=0.25 * amplified)


@pytest.mark.parametrize("weights", ["orthogonal", "normal"])
@pytest.mark.parametrize("text", ["glu", "maxout:3", "expr:tanh(x1 + x2)"])
def test_the_singular_values_of_a_layer_of_gates(text: str, weights: str):
    """The Jacobian of a layer of 500 units at variance 0.8, by finite differences: mean within 12 %, relative
    variance within 10 %."""
    size, q, pieces = 500, 0.8, pieces_of(choose(text))
    rng = np.random.default_rng(0)
    if weights == "normal":
        blocks = [rng.standard_normal((size, size)) / math.sqrt(size) for _ in range(pieces)]
    else:
        blocks = [np.linalg.qr(rng.standard_normal((size, size)))[0] for _ in range(pieces)]
    z, phi = math.sqrt(q) * rng.standard_normal(pieces * size), numpy_function(choose(text))
    jacobian = np.zeros((size, size))
    for piece, block in enumerate(blocks):
        step = np.zeros_like(z)
        step[piece * size : (piece + 1) * size] = 1e-6
        jacobian += ((phi(z + step) - phi(z - step)) / 2e-6)[:, None] * block
    squares = np.linalg.svd(jacobian, compute_uv=False) ** 2
    found = theory.isometry(text, 1.0, 0.0, weights, q=q)  # pyright: ignore[reportArgumentType]
    assert squares.mean() == pytest.approx(found.mean, rel=0.12)
    assert squares.var() / squares.mean() ** 2 == pytest.approx(found.variance / found.mean**2, rel=0.1)


def test_two_line_cases_by_hand():
    """Without biases Maxout of two pieces keeps every variance and every gradient at gain 1; ReGLU at √2 has its
    unstable point at variance 1."""
    assert theory.fixed_points("maxout", 1.0, 0.0).everywhere
    assert theory.phase("maxout", 1.0, 0.0) == "critical"
    assert theory.critical_sigma_w("maxout") == pytest.approx(1.0, rel=1e-12)
    zero, one = theory.fixed_points("expr:x1*relu(x2)", 2.0, 0.0)
    assert (zero.q, zero.stability, one.stability) == (0.0, "stable", "unstable")
    assert one.q == pytest.approx(1.0, rel=1e-12)
    assert one.chi_1 == pytest.approx(2.0, rel=1e-12)


# The engine.


@pytest.mark.parametrize("activation", ["glu", "maxout:4"])
def test_a_run_of_gates_is_set_beside_theory(activation: str, tmp_path: Path):
    """A run's gradients are over the four samples of XOR, a gate's prediction is of one: a factor of 4 is allowed."""
    asked = {"init": "keras,he_normal", "depth": 6, "width": 64, "steps": 1, "seeds": 64}
    found = trainability.against(trainability.compare("xor", activation=activation, out=tmp_path / "run", **asked))
    assert len(found) == 2
    for row in found:
        assert row.measured is not None
        factors = np.divide(row.measured.median, row.prediction.gradient_median)
        assert np.abs(np.log2(factors)).max() < 2
        assert row.prediction.samples == 1
    (_, tanh) = theory.predict([activation, "tanh"], problem="xor")
    assert tanh.samples == 4


@every_gate
def test_every_gate_gets_a_prediction(choice):
    (plain,) = theory.predict(choice, "keras", depth=4, width=32)
    assert all(math.isfinite(v) and v >= 0 for v in (*plain.gradient, *plain.gradient_median, *plain.variance))
    # A Glorot weight of a gate's layer has all pieces in its fan_out.
    assert plain.sigma_w2 == pytest.approx(2 / (1 + pieces_of(choice)))


# What theory leaves out.


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("expr:x1/x2", "not a finite number at x = 0"),
        ("expr:x1*exp(x2*x2)", "grows faster than the Gaussian decays"),
        ("expr:log(x1 + x2)", "'expr:log(x1 + x2)' is not a finite number at x ="),
        ("expr:log(x1*x2 + x2)", "not a finite number at x1 ="),
        ("expr:1/(x1 + x2)", "'expr:1/(x1 + x2)'"),
        ("expr:x1/(x1*x1 - x2*x2)", "do not converge: it is singular"),
        ("expr:exp(x1*x1*x2*x2)", "grows faster than the Gaussian decays"),
        ("expr:log(x1*x2*x3 + x1)", "not a finite number at x1 ="),
        (
            "expr:abs(x1 - x2 + 0.1)**0.3",
            "'expr:abs(x1 - x2 + 0.1)**0.3' does not converge to 9 digits: its integrand is",
        ),
        ("expr:abs(x1*x2 + 0.1)**0.3", "the slope of 'expr:abs(x1*x2 + 0.1)**0.3' is not finite at x1 ="),
    ],
)
def test_gates_without_expectations_are_refused_in_words(text: str, words: str):
    with pytest.raises(SpecError) as caught:
        theory.chi_1(text, 1.0, 0.1, q=1.0)
    assert words in str(caught.value)


def test_the_mean_map_is_of_one_piece():
    with pytest.raises(SpecError, match="one pre-activation a unit is needed here; 'glu' takes 2"):
        theory.moment_map("glu", 0.0, 1.0)
