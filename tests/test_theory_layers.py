"""Theory of layers whose units answer together: 30 digits where one integral is left, JAX's Jacobians, the engine."""

from __future__ import annotations

import math

import jax
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

import trainability
from bench import gallery
from tests import exactly
from tests.activation_choices import CHOICES, every_entry, ids
from trainability import theory
from trainability.activations import ACTIVATIONS, choose, default_choice, jax_function, numpy_function, pieces_of
from trainability.core.errors import SpecError
from trainability.engine import selection
from trainability.theory import at_width
from trainability.theory.correlation import products
from trainability.theory.expectations import KINDS
from trainability.theory.layers.exact import EXACT, ExactLayer
from trainability.theory.layers.sampled import SampledLayer
from trainability.theory.layers.sparsemax import answering, likely
from trainability.theory.moments import moments

FORMULAS = ["expr:x - units_max(x)", "expr:x/(1 + units_sum(abs(x)))", "expr:relu(x1)*exp(x2 - units_max(x2))"]
LAYERS = [c for c in CHOICES if c.entry.across_units] + [choose(text) for text in FORMULAS]
EXACTLY = [c for c in LAYERS if c.entry.name in EXACT]
every_layer = pytest.mark.parametrize("choice", LAYERS, ids=ids(LAYERS))
every_exact = pytest.mark.parametrize("choice", EXACTLY, ids=ids(EXACTLY))
KNOWN = ("mean", "second", "slope_second", "growth")


def test_the_catalogues_own_are_exact_and_formulas_are_sampled():
    assert {entry.name for entry in ACTIVATIONS if entry.across_units} == set(EXACT)
    assert all(isinstance(moments(at_width(choice, 3)), ExactLayer) for choice in EXACTLY)
    assert type(moments(at_width(FORMULAS[0], 3))) is SampledLayer
    # A typed formula may be one of the catalogue's.
    typed = at_width("expr:exp(x - units_max(x))/units_sum(exp(x - units_max(x)))", 7)
    assert theory.gain(typed) == theory.gain("softmax", width=7)


# Two units: what counts is their difference, a Gaussian of variance 2q.


def _of_two(name: str):
    """φ of the first unit by the difference d, its slope by d, where it bends, and whether φ is of d alone."""
    one = {
        "softmax": (lambda d: 1 / (1 + mpmath.exp(-d)), ()),
        "log_softmax": (lambda d: -mpmath.log1p(mpmath.exp(-d)), ()),
        "sparsemax": (lambda d: min(max((1 + d) / 2, mpf(0)), mpf(1)), (-1, 1)),
    }
    return one["softmax" if name == "softmin" else name]


@pytest.mark.parametrize("q", [1e-6, 0.003, 0.4, 1.0, 1.7, 50.0, 1e4])
@every_exact
def test_two_units_in_30_digits(choice, q: float):
    value, kinks = _of_two(choice.entry.name)
    with mp.workdps(exactly.DIGITS):
        s = mpmath.sqrt(2 * mpf(q))

        def mean(f):
            # Around 0 a softmax changes within a few units, however wide the Gaussian.
            cuts = {*range(-14, 15, 2), *(mpf(k) / s for k in (*kinks, *range(-60, 61, 4)))}
            inside = sorted(mpf(c) for c in cuts if abs(c) <= 14)
            return mpmath.quad(lambda z: f(s * z) * mpmath.npdf(z), inside)

        def slope(d):
            h = mpf(10) ** -12
            return (value(d + h) - value(d - h)) / (2 * h)

        # With d = z₁ − z₂, ∂φ₁/∂z₁ = φ′ and ∂φ₁/∂z₂ = −φ′, and dE[f(d)²]/dq = E[f f′ d]/q.
        exact = {
            "mean": mean(value),
            "second": mean(lambda d: value(d) ** 2),
            "slope_second": mean(lambda d: 2 * slope(d) ** 2),
            "growth": mean(lambda d: value(d) * slope(d) * d) / mpf(q),
        }
    m = moments(at_width(choice, 2))
    for kind, expected in exact.items():
        assert m.at(kind, q) == pytest.approx(float(expected), rel=1e-9), kind
        found = m.estimate(kind, q)
        assert abs(found.value - float(expected)) <= 10 * found.error + 1e-9 * abs(float(expected)), kind


# Any number of units: Jacobians by JAX, and what expectations have among each other.


@pytest.mark.parametrize("width", [1, 3, 8])
@every_layer
def test_expectations_against_jacobians(choice, width: int):
    q, count = 1.3, 4000
    pieces = pieces_of(choice)
    z = math.sqrt(q) * np.random.default_rng(5).standard_normal((count, pieces * width))
    function, values = jax_function(choice.entry, pieces), tuple(choice.values)
    with jax.enable_x64(True):
        jacobians = np.asarray(jax.jit(jax.vmap(jax.jacfwd(lambda x: function(x[None], values)[0])))(z))
    phi, square = numpy_function(choice)(z), (jacobians**2).sum(axis=-1)
    traces = np.einsum("nij,nkj->nik", jacobians, jacobians)
    samples = {
        "mean": phi.mean(axis=1), "second": (phi**2).mean(axis=1), "fourth": (phi**4).mean(axis=1),
        "slope_second": square.mean(axis=1), "slope_fourth": (traces**2).sum(axis=(1, 2)) / width,
        "both": (phi**2 * square).mean(axis=1),
        "growth": (phi * np.einsum("nij,nj->ni", jacobians, z)).mean(axis=1) / q,
    }  # fmt: skip
    assert set(samples) == set(KINDS)
    m = moments(at_width(choice, width))
    for kind, each in samples.items():
        chance = 4.5 * each.std() / math.sqrt(count)
        for estimate in (m.estimate(kind, q), SampledLayer(at_width(choice, width)).estimate(kind, q)):
            assert abs(estimate.value - each.mean()) <= chance + 1.5 * estimate.error + 1e-12, kind
    assert sum(m.slope_each(q)) == pytest.approx(m.at("slope_second", q), rel=0.05, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(width=st.integers(2, 300), log_q=st.floats(-16, 16), name=st.sampled_from(sorted(EXACT)))
def test_growth_is_the_slope_of_the_second_moment(width: int, log_q: float, name: str):
    m, q = moments(at_width(name, width)), math.exp(log_q)
    h = 1e-3
    wide, near = ((m.at("second", q * math.exp(s)) - m.at("second", q * math.exp(-s))) / (2 * s) for s in (2 * h, h))
    # What is left of E[φ²] after a difference has lost twelve digits of it.
    lost = 1e-12 * m.at("second", q) / h
    assert q * m.at("growth", q) == pytest.approx((4 * near - wide) / 3, rel=1e-6, abs=lost)


def test_what_jumps_grows_by_what_jumps_too():
    """1 where a unit is above another's 1: P(z₁ > z₂ + 1)'s slope by q, of a step that has none of its own."""
    m, q = moments(at_width("expr:where(2*x > units_sum(x) + 1, 1, 0)", 2)), 0.8
    # x₁ − x₂ > 1, of variance 2q.
    exact = math.exp(-0.25 / q) / math.sqrt(4 * math.pi * q) / (2 * q)
    found = m.estimate("growth", q)
    assert m.at("slope_second", q) == 0
    assert abs(found.value - exact) < found.error < 0.3 * exact


@settings(max_examples=40, deadline=None)
@given(width=st.integers(2, 2000), log_q=st.floats(-25, 20))
def test_some_number_of_a_sparsemaxs_units_answers(width: int, log_q: float):
    q = math.exp(log_q)
    if width * math.sqrt(q) < 0.1:  # all of them do
        assert moments(at_width("sparsemax", width)).at("slope_second", q) == pytest.approx(1 - 1 / width, rel=1e-9)
        return
    _, peaks = likely(np.array([q]), width)
    chance, _ = answering(peaks)
    assert np.exp(chance).sum() == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize("name", ["softmax", "softmin"])
def test_wide_softmaxes_are_exponentials(name: str):
    """exp(x)/(n E[exp x]), to the order 1/n."""
    q, width = 0.5, 100_000
    m = moments(at_width(name, width))
    assert width**2 * m.at("second", q) == pytest.approx(math.exp(q), rel=1e-4)
    assert width**2 * m.at("slope_second", q) == pytest.approx(math.exp(q), rel=1e-4)


@every_layer
def test_correlations_against_pairs(choice):
    width, q, c, count = 6, 1.3, 0.6, 40_000
    pieces = pieces_of(choice)
    u, other = math.sqrt(q) * np.random.default_rng(6).standard_normal((2, count, pieces * width))
    pair = [numpy_function(choice)(x) for x in (u, c * u + math.sqrt(1 - c * c) * other)]
    each = (pair[0] * pair[1]).mean(axis=1)
    found = products(at_width(choice, width), q)
    room = 5 * each.std() / math.sqrt(count) + 0.01 * found.second
    assert found.at(c)[0] == pytest.approx(each.mean(), abs=room)
    assert found.at(1.0) == (found.second, found.slope_second)
    beside = found.at(1 - 1e-6)[1]
    assert beside == pytest.approx(found.slope_second, rel=0.02)
    # d E[φ(u)φ(v)] / dc = q E[φ′(u)·φ′(v)].
    h = 1e-3
    assert (found.at(c + h)[0] - found.at(c - h)[0]) / (2 * h * q) == pytest.approx(found.at(c)[1], rel=0.1, abs=1e-9)


# Networks of the engine.


@pytest.mark.parametrize(
    ("activation", "init", "depth", "width"),
    [
        ("softmax", "keras", 4, 16), ("softmax", "torch", 4, 32), ("softmin", "he_normal", 8, 32),
        ("sparsemax", "keras", 4, 32), ("sparsemax", "he_normal", 8, 32), ("log_softmax", "keras", 2, 32),
        ("softmax", "normal:3", 2, 64),
    ],
)  # fmt: skip
def test_predicted_gradients_are_measured(activation: str, init: str, depth: int, width: int):
    engine = selection.make(None, None, selection.resolve("auto"))
    found = gallery._meet(engine, gallery._one_sample(width), activation, init, depth, width)
    assert found.agrees, f"predicted {found.predicted:.3g}, measured {found.measured:.3g}"


# How a width is said.


@every_entry
def test_only_layers_take_a_width(entry):
    phi = at_width(entry, 8)
    if entry.across_units:
        with pytest.raises(SpecError, match=rf"at_width\('{entry.name}', 64\)"):
            theory.gain(entry.name)
        assert theory.gain(phi) == theory.gain(entry.name, width=8)
        assert [made.activation for made in theory.predict(entry.name, "keras", 2, [4, 8])] == [entry.name] * 2
    else:
        assert phi == default_choice(entry)


@pytest.mark.parametrize("width", [0, -1, 2.5, "8", True])
def test_a_width_is_a_whole_number(width):
    with pytest.raises(SpecError, match="width must be a whole number of at least 1"):
        at_width("softmax", width)


def test_one_softmax_unit_answers_one_constant():
    for name in ("softmax", "softmin", "sparsemax"):
        phi = at_width(name, 1)
        assert theory.gain(phi) == 1.0
        with pytest.raises(SpecError, match="flat wherever it has a slope"):
            theory.critical_sigma_w(phi)
    with pytest.raises(SpecError, match="is 0 wherever pre-activations of variance 1 come"):
        theory.gain("log_softmax", width=1)


@pytest.mark.parametrize(
    ("text", "words"),
    [("expr:log(x - units_max(x))", "has no finite value"), ("expr:exp(exp(x*x)) - units_max(x)", "no finite value")],
)
def test_layers_without_expectations_are_refused_in_words(text: str, words: str):
    with pytest.raises(SpecError) as caught:
        theory.gain(text, width=4)
    assert words in str(caught.value)


def test_layers_are_initialized_critically():
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(64, 64)
    source = torch.Generator().manual_seed(0)
    trainability.init_("torch", layer, activation=at_width("softmax", 64), generator=source)
    sigma_w = theory.critical_sigma_w(at_width("softmax", 64))
    assert 8 * float(layer.weight.detach().std()) == pytest.approx(sigma_w, rel=0.03)
