"""`predict`, `gain` and `init_`: what they say, what they agree with, and what they refuse."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trainability
from trainability import theory
from trainability.activations import ACTIVATIONS, choose, is_elementwise, numpy_function, numpy_slope
from trainability.core.errors import UsageError
from trainability.initializers import INITIALIZERS
from trainability.theory.trainable import PER_LENGTH

ELEMENTWISE = [entry.name for entry in ACTIVATIONS if is_elementwise(entry)]
DRAWN = [e.name for e in INITIALIZERS if e.distribution != "constant"]


def _measured(activation: str, init: str, depth: int, width: int, networks: int = 192) -> float:
    """The median ratio of the first layer's gradient over the last one's, each network with one sample."""
    rng = np.random.default_rng(0)
    weights = INITIALIZERS.choose(init)
    biases = INITIALIZERS.choose(weights.entry.bias)
    phi, slope = numpy_function(choose(activation)), numpy_slope(choose(activation))
    assert slope is not None
    ratios = []
    for _ in range(networks):
        h, fed, states, matrices = rng.normal(size=width), [], [], []
        for fans in [(width, width)] * depth + [(width, 1)]:
            matrices.append(rng.normal(size=fans) * math.sqrt(weights.entry.variance(*fans, weights.values)))
            bias = rng.normal(size=fans[1]) * math.sqrt(biases.entry.variance(*fans, biases.values))
            fed.append(h)
            states.append(h @ matrices[-1] + bias)
            h = phi(states[-1])
        delta = np.ones(1)
        for matrix, z in zip(matrices[:0:-1], states[-2::-1], strict=True):
            delta = (matrix @ delta) * slope(z)
        ratios.append(math.sqrt((delta**2).mean() * (fed[0] ** 2).mean() / (fed[-1] ** 2).mean()))
    return float(np.median(ratios))


@pytest.mark.parametrize(
    ("activation", "init", "depth", "width"),
    [
        ("sigmoid", "keras", 10, 2),
        ("sigmoid", "torch", 6, 16),
        ("tanh", "torch", 12, 32),
        ("relu", "he_normal", 16, 64),
        ("gelu", "lecun_normal", 10, 32),
        ("tanh", "he_uniform", 20, 64),
    ],
)
def test_the_median_gradient_ratio_of_networks_of_any_width(activation: str, init: str, depth: int, width: int):
    """192 networks and one sample each: the logarithm within 0.35, plus 12 % of what width adds."""
    (prediction,) = theory.predict(activation, init, depth, width)
    expected = math.log(prediction.gradient_ratio_median)
    tolerance = 0.35 + 0.12 * abs(expected - math.log(prediction.gradient_ratio))
    assert math.log(_measured(activation, init, depth, width)) == pytest.approx(expected, abs=tolerance)


def test_predictions_start_from_the_data():
    """XOR: two inputs with mean square 1/2, so that the first layer's variance is known by hand."""
    (prediction,) = trainability.predict("sigmoid", "keras", depth=10, width=2, problem="xor")
    assert (prediction.inputs, prediction.outputs, prediction.second_moment) == (2, 1, 0.5)
    assert prediction.variance[0] == pytest.approx(2 * (2 / 4) * 0.5)
    assert len(prediction.variance) == len(prediction.gradient) == 11
    assert prediction.variance[5] == pytest.approx(prediction.q, rel=1e-6)
    assert prediction.gradient[-1] == 1.0
    assert prediction.phase == "ordered"
    # Deep inside, a layer multiplies the squared gradient by χ₁.
    assert (prediction.gradient[4] / prediction.gradient[5]) ** 2 == pytest.approx(prediction.chi_1, rel=1e-3)
    assert "this will hardly train" in prediction.verdict
    assert f"{prediction.gradient_ratio:.0e}" in prediction.verdict


def test_every_list_is_an_axis():
    found = trainability.predict("sigmoid,tanh,expr:max(x, 0.1*x)", ["keras", "torch"], depth="3,10", width=[8, 16])
    assert len(found) == 24
    assert [(p.activation, p.init, p.depth, p.width) for p in found][:3] == [
        ("sigmoid", "keras", 3, 8), ("sigmoid", "keras", 3, 16), ("sigmoid", "keras", 10, 8),
    ]  # fmt: skip
    assert found[-1].activation == "expr:max(x, 0.1*x)"


@pytest.mark.parametrize("norm", ["none", "layer", "rms"])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_every_activation_gets_a_prediction_that_is_json(name: str, norm: str):
    init = "keras,torch" if name != "exponential" else "normal:0.01"  # it overflows with larger weights
    found = trainability.predict(name, init, depth=4, width=32, norm=norm, residual=[False, True])
    for choice, plain in zip(found, found.to_dict()["choices"], strict=True):
        json.dumps(plain, allow_nan=False)
        assert plain["gradient_ratio"] == choice.gradient[0]
        assert "nan" not in choice.verdict
        assert all(math.isfinite(v) and v >= 0 for v in (*choice.gradient, *choice.gradient_median, *choice.variance))


@pytest.mark.parametrize("init", DRAWN)
def test_every_initialiser_enters_by_its_variance(init: str):
    (prediction,) = trainability.predict("tanh", init, depth=3, width=32)
    choice = INITIALIZERS.choose(init)
    assert prediction.sigma_w2 == pytest.approx(32 * choice.entry.variance(32, 32, choice.values))
    weight, bias = math.sqrt(prediction.sigma_w2 / 32), math.sqrt(prediction.sigma_b2)
    (deep,) = trainability.predict("tanh", f"normal:{weight!r}", 3, 32, bias_init=f"normal:{bias!r}", outputs=32)
    (again,) = trainability.predict("tanh", init, 3, 32, outputs=32)
    assert again.gradient == pytest.approx(deep.gradient, rel=1e-9)


def test_a_convolution_is_a_dense_layer_of_its_fan_in():
    (flat,) = trainability.predict("relu", "torch", depth=3, width=16 * 9, inputs=27, outputs=16 * 9)
    (convolution,) = trainability.predict("relu", "torch", depth=3, width=16, inputs=3, outputs=16, kernel=9)
    assert convolution.sigma_w2 == flat.sigma_w2
    assert convolution.variance[:3] == pytest.approx(flat.variance[:3])


@settings(max_examples=40)
@given(
    st.sampled_from(["tanh", "relu", "gelu", "hardtanh"]),
    st.floats(0.1, 3),
    st.just(0.0) | st.floats(0.001, 1),
    st.integers(1, 12),  # deeper, GELU's variance leaves the range of quadrature at the largest gains
)
def test_predictions_are_consistent(name: str, sigma_w: float, sigma_b: float, depth: int):
    (p,) = trainability.predict(
        name, f"normal:{sigma_w / 8!r}", depth, 64, bias_init=f"normal:{sigma_b!r}", outputs=64, second_moment=1.0
    )
    assert p.sigma_w2 == pytest.approx(sigma_w**2)
    assert p.phase == theory.phase(name, p.sigma_w2, p.sigma_b2)
    if p.q is not None and p.correlation_length is not None:
        assert p.band is not None
        assert p.band.low == pytest.approx(PER_LENGTH[0] * p.correlation_length) or math.isinf(p.band.low)
        assert p.band.low <= p.band.high
    assert all(a >= b - 1e-12 for a, b in zip(p.gradient_log_deviation, p.gradient_log_deviation[1:], strict=False))


def test_a_verdict_is_of_the_width_asked_for():
    """After He wide ReLU layers keep a gradient; ten layers of two lose it in most networks."""
    narrow, wide = trainability.predict("relu", "he_normal", depth=10, width=[2, 256])
    assert narrow.gradient_ratio == pytest.approx(0.5**0.5)
    assert f"but {narrow.gradient_ratio_median:.0e} of the last layer's in the median network" in narrow.verdict
    assert "it vanishes: this will hardly train" in narrow.verdict
    assert "median" not in wide.verdict
    assert "it should train" in wide.verdict
    assert [note for note in narrow.notes if "4 times as wide as deep" in note]
    assert wide.notes == ()


def test_a_step_has_no_depth_that_trains():
    (found,) = trainability.predict("binary_step", "torch", depth=10, width=64)
    assert found.verdict == "no gradient reaches the first layer; it vanishes: this will hardly train"
    assert found.band is None
    assert found.correlation_length is not None and found.correlation_length > 1  # noqa: PT018


def test_the_critical_gain_is_critical():
    for name in ("tanh", "relu", "gelu"):
        (p,) = trainability.predict(name, "lecun_normal", depth=5, width=64)
        assert p.critical is not None
        sigma = p.critical.sigma_w
        assert theory.chi_1(name, sigma**2, p.sigma_b2, q=p.critical.q) == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize(
    ("ratio", "depth", "length", "words"),
    [
        (4e-6, 10, 0.4, "a gradient of 4e-06 of the last layer's reaches the first layer"),
        (0.0, 10, 0.4, "no gradient reaches the first layer"),
        (1.0, 10, math.inf, "it should train"),
        (1.0, 50, 5.0, "too deep"),
        (1.0, 25, 5.0, "at the limit"),
        (0.5, 10, 5.0, "it should train, as down to 21 to 33 layers"),
        (1e5, 10, 5.0, "it explodes"),
    ],
)
def test_verdicts(ratio: float, depth: int, length: float, words: str):
    from trainability.theory.verdict import verdict_of

    assert words in verdict_of(ratio, depth, theory.trainable_depth(length), False)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"activation": "relux"}, "did you mean"),
        ({"activation": "tanh,"}, "a part of the list is empty"),
        ({"activation": []}, "list of choices is empty"),
        ({"activation": "expr:exp(x*x)"}, "grows faster than the Gaussian decays"),
        ({"activation": "expr:log(x)"}, "not a finite number"),
        ({"activation": "tanh", "depth": 0}, "depth must be a whole number of at least 1"),
        ({"activation": "tanh", "depth": 2000}, "at most 1,000"),
        ({"activation": "tanh", "width": -3}, "width must be"),
        ({"activation": "tanh", "width": "wide"}, "width must be"),
        ({"activation": "tanh", "init": "hee"}, "unknown initialiser"),
        ({"activation": "tanh", "init": "constant:0.3"}, "draws nothing at random"),
        ({"activation": "tanh", "bias_init": "constant:0.3"}, "draws nothing at random"),
        ({"activation": "tanh", "norm": "batch"}, "mixes the samples"),
        ({"activation": "tanh", "norm": "lier"}, "unknown normalisation"),
        ({"activation": "tanh", "residual": 3}, "residual must be"),
        ({"activation": "tanh", "dropout": 1.0}, "below 1"),
        ({"activation": "tanh", "second_moment": -1.0}, "must not be negative"),
        ({"activation": "tanh", "problem": "xorr"}, "unknown problem"),
        ({"activation": "relu", "init": "normal:10", "depth": 900, "width": 64}, "overflows in layer"),
        ({"activation": "relu_squared", "init": "keras", "depth": 60}, "overflows in layer"),
        ({"activation": "tanh", "depth": list(range(1, 102)), "width": list(range(1, 102))}, "at most 10,000"),
    ],
)
def test_bad_input_is_refused_in_words(settings: dict, words: str):
    with pytest.raises(UsageError) as caught:
        trainability.predict(**settings)
    assert words in str(caught.value)
    assert "nan" not in str(caught.value).lower()


def test_a_network_of_zeros_has_no_gradient():
    (p,) = trainability.predict("relu", "zeros", depth=3, width=8)
    assert p.verdict.startswith("no gradient reaches the first layer")
