"""Gradients over a batch: pairs of samples against twins, wide networks in NumPy and the engine's, and large data."""

from __future__ import annotations

import dataclasses
import itertools
import math

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trainability
from tests.activation_choices import every_elementwise
from tests.command import Cli
from trainability import problems, theory
from trainability.activations import choose, numpy_function, numpy_slope
from trainability.core.errors import SpecError, UsageError
from trainability.core.records import vital_rows
from trainability.core.types import Dataset
from trainability.initializers import INITIALIZERS
from trainability.losses import DEFAULT_LOSS, LOSSES
from trainability.theory import batch
from trainability.theory.correlation import products
from trainability.theory.functions import resolve
from trainability.theory.pairs import pairs

CORRELATIONS = (-1.0, -0.9, -0.3, 0.0, 0.5, 0.9, 0.99, 0.9999)


# Expectations of pairs.


@every_elementwise
def test_pairs_are_the_correlation_map(choice):
    """Within 1e-3 of E[φ²] and, for kinks that no panel of theirs ends at, 0.05 of E[φ′²]; 0.03 where φ jumps."""
    jumps = {"binary_step", "hardshrink", "threshold"}
    room = 0.03 if choice.entry.name in jumps else 2e-3 if choice.entry.name == "exponential" else 1e-3
    for q in (0.1, 1.0, 4.0):
        known = products(choice, q)
        for c in CORRELATIONS:
            try:
                product, slope = known.at(c)
            except SpecError:  # it grows too fast for the twin
                continue
            found = pairs(resolve(choice), q * np.array([[1.0, c], [c, 1.0]]))
            assert found.product[0, 1] == pytest.approx(product, abs=room * known.second)
            assert found.slope[0, 1] == pytest.approx(slope, abs=0.05 * known.slope_second)
            assert found.slope[0, 0] == pytest.approx(known.slope_second, rel=0.01)


@settings(max_examples=30)
@given(st.sampled_from(["tanh", "gelu", "sigmoid", "sin"]), st.floats(0.01, 3), st.floats(0.01, 3), st.floats(-1, 1))
def test_pairs_of_different_variances(name: str, first: float, second: float, c: float):
    """Against Gauss and Hermite's rule in two dimensions."""
    z, w = np.polynomial.hermite_e.hermegauss(80)
    w = w / w.sum()
    u = math.sqrt(first) * z[:, None]
    v = math.sqrt(second) * (c * z[:, None] + math.sqrt(1 - c**2) * z)
    between = c * math.sqrt(first * second)
    phi = resolve(name)
    found = pairs(phi, np.array([[first, between], [between, second]]))
    assert found.product[0, 1] == pytest.approx(float(w @ (phi.value(u) * phi.value(v)) @ w), abs=1e-4)
    assert found.slope[1, 0] == pytest.approx(float(w @ (phi.slope(u) * phi.slope(v)) @ w), abs=1e-3)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(-1, 1))
def test_pairs_of_relu_have_a_closed_form_at_any_two_variances(first: float, second: float, c: float):
    """Cho and Saul's arc-cosine kernel: ReLU is homogeneous."""
    between = c * math.sqrt(first * second)
    found = pairs(resolve("relu"), np.array([[first, between], [between, second]]))
    angle = math.acos(c)
    kernel = (math.sqrt(1 - c**2) + (math.pi - angle) * c) / (2 * math.pi)
    assert found.product[0, 1] == pytest.approx(
        math.sqrt(first * second) * kernel, abs=1e-4 * math.sqrt(first * second)
    )
    assert found.slope[0, 1] == pytest.approx((math.pi - angle) / (2 * math.pi), abs=1e-4)


@pytest.mark.parametrize(("name", "q"), [("tanh", 1e4), ("expr:tanh(200*x)", 1.0), ("sigmoid", 1e5)])
def test_pairs_of_what_looks_like_a_step(name: str, q: float):
    """Within 3 % of E[φ′²], which is where a saturated layer's gradient comes from."""
    known = products(name, q)
    for c in (0.0, 0.9, 0.999):
        found = pairs(resolve(name), q * np.array([[1.0, c], [c, 1.0]]))
        assert found.slope[0, 0] == pytest.approx(known.slope_second, rel=1e-6)
        assert found.slope[0, 1] == pytest.approx(known.at(c)[1], abs=0.03 * known.slope_second)


# The loss's derivative.


@pytest.mark.parametrize(
    ("loss", "task"), [pytest.param(loss, task, id=f"{loss.name}-{task}") for loss in LOSSES for task in loss.tasks]
)
def test_a_loss_and_its_slope_agree(loss, task):
    rng = np.random.default_rng(0)
    y = rng.normal(size=(40, 2)) if task == "regression" else rng.integers(0, 2 if task == "binary" else 4, 40)
    data = dataclasses.replace(
        problems.load("xor"), task=task, y_train=y, classes=tuple("abcd")[: 2 if task == "binary" else 4]
    )
    targets = loss.encode(data, y)
    values = tuple(p.default for p in loss.parameters)
    outputs = rng.normal(size=targets.shape) * 2
    with jax.enable_x64(True):
        goal, at = jax.numpy.asarray(targets), jax.numpy.asarray(outputs)
        wanted = jax.grad(lambda z: loss.function(z, goal, *values).sum())(at)
    assert loss.slope(outputs, targets, *values) == pytest.approx(np.asarray(wanted), rel=1e-6, abs=1e-9)
    several = loss.slope(np.stack([outputs, -outputs]), targets, *values)
    assert several[1] == pytest.approx(loss.slope(-outputs, targets, *values))


# Wide networks.


def _simulated(
    data: Dataset,
    activation: str,
    init: str,
    depth: int,
    width: int,
    networks: int,
    loss: str | None = None,
    dropout: float = 0.0,
) -> np.ndarray:
    """Root mean square of the batch's gradient by each layer's weights: shape (networks, layers)."""
    rng = np.random.default_rng(0)
    weights = INITIALIZERS.choose(init)
    biases = INITIALIZERS.choose(weights.entry.bias)
    phi, slope = numpy_function(choose(activation)), numpy_slope(choose(activation))
    assert slope is not None
    goal = LOSSES.choose(loss or DEFAULT_LOSS[data.task])
    answer, answer_slope = (f(choose(goal.entry.default_output(data.task))) for f in (numpy_function, numpy_slope))
    assert answer_slope is not None
    rows = vital_rows(len(data.x_train))
    x, y = data.x_train[rows], goal.entry.encode(data, data.y_train[rows])
    found = []
    for _ in range(networks):
        h, fed, states, matrices, masks = x, [], [], [], []
        for fans in itertools.pairwise([x.shape[1], *[width] * depth, y.shape[1]]):
            matrices.append(rng.normal(size=fans) * math.sqrt(weights.entry.variance(*fans, weights.values)))
            bias = rng.normal(size=fans[1]) * math.sqrt(biases.entry.variance(*fans, biases.values))
            fed.append(h)
            states.append(h @ matrices[-1] + bias)
            masks.append((rng.random(states[-1].shape) >= dropout) / (1 - dropout))
            h = phi(states[-1]) * masks[-1]
        delta = goal.entry.slope(answer(states[-1]), y, *goal.values) * answer_slope(states[-1])
        sizes = [np.sqrt(np.square(fed[-1].T @ delta).mean())]
        for layer in reversed(range(depth)):
            delta = (delta @ matrices[layer + 1].T) * slope(states[layer]) * masks[layer]
            sizes.insert(0, np.sqrt(np.square(fed[layer].T @ delta).mean()))
        found.append(sizes)
    return np.array(found)


@pytest.mark.parametrize("depth", [2, 6])
@pytest.mark.parametrize(
    ("activation", "init"),
    [("sigmoid", "keras"), ("tanh", "torch"), ("tanh", "lecun_normal:1.5"), ("relu", "he_normal"), ("relu", "torch"),
     ("gelu", "lecun_normal"), ("elu", "keras")],
)  # fmt: skip
@pytest.mark.parametrize("problem", ["xor", "moons", "iris", "diabetes"])
def test_wide_networks_cancel_as_predicted(problem: str, activation: str, init: str, depth: int):
    """48 networks of width 256: the median ratio of every layer within 25 %, beside what so few leave open."""
    data = problems.load(problem)
    found = _simulated(data, activation, init, depth, 256, 48)
    ratio = np.log(found / found[:, -1:])
    (said,) = theory.predict(activation, init, depth, 256, problem=data)
    assert said.samples == len(data.x_train[vital_rows(len(data.x_train))])
    room = 0.25 + 2.5 * ratio.std(axis=0) / math.sqrt(len(ratio))
    off = np.abs(np.median(ratio, axis=0) - np.log(said.gradient_median))
    assert (off <= room).all(), (off, room)


@pytest.mark.parametrize("loss", [loss.name for loss in LOSSES])
def test_every_loss_enters_by_its_derivative(loss: str):
    """The gradient's size in the first layer of 48 networks of width 256, within 25 % beside what so few leave open."""
    data = problems.load("circle")
    if data.task not in LOSSES[loss].tasks:
        pytest.skip("not for labels")
    found = _simulated(data, "tanh", "torch", 3, 256, 48, loss)
    ratio = np.log(found / found[:, -1:])
    (said,) = theory.predict("tanh", "torch", 3, 256, problem=data, loss=loss)
    room = 0.25 + 2.5 * ratio[:, 0].std() / math.sqrt(len(ratio))
    assert np.median(ratio[:, 0]) == pytest.approx(math.log(said.gradient_ratio_median), abs=room)


@pytest.mark.parametrize("shape", [{}, {"residual": True}, {"norm": "layer"}, {"norm": "rms"}], ids=str)
def test_the_engine_measures_what_is_predicted(shape: dict):
    """XOR at width 32: four samples that cancel; the worst layer's factor within 1.5."""
    run = trainability.compare(
        "xor", activation="tanh,relu", init="keras,torch", depth=[2, 8], width=32, steps=1, seeds=128, **shape
    )
    for row in trainability.api.against(run):
        assert row.prediction.samples == 4
        assert row.measured is not None
        assert row.measured.worst_factor is not None
        assert 1 / 1.5 < row.measured.worst_factor < 1.5, row.levels


# What stands for what.


def test_one_sample_is_one_sample():
    """A batch of equal rows and equal labels is that sample."""
    data = problems.load("xor")
    row, label = data.x_train[1:2], data.y_train[1:2]
    one = dataclasses.replace(data, x_train=row, y_train=label)
    same = dataclasses.replace(data, x_train=np.repeat(row, 5, axis=0), y_train=np.repeat(label, 5))
    for activation in ("tanh", "relu", "gelu"):
        (alone,) = theory.predict(activation, "keras", 6, 32, problem=one)
        (many,) = theory.predict(activation, "keras", 6, 32, problem=same)
        (plain,) = theory.predict(activation, "keras", 6, 32, inputs=2, second_moment=float((row**2).mean()))
        assert alone == plain
        assert (alone.samples, many.samples) == (1, 5)
        assert many.gradient == pytest.approx(alone.gradient, rel=1e-4)
        assert many.gradient_median == pytest.approx(alone.gradient_median, rel=0.03)


@pytest.mark.parametrize(
    ("activation", "init"), [("tanh", "lecun_normal:3"), ("relu", "he_normal"), ("sigmoid", "keras")]
)
@pytest.mark.parametrize("problem", ["moons", "digits", "diabetes"])
def test_64_samples_stand_for_the_others(problem: str, activation: str, init: str, monkeypatch: pytest.MonkeyPatch):
    """Within 15 % of what all of them give, also where chaos leaves samples nothing in common but with themselves."""
    data = problems.load(problem)
    (few,) = theory.predict(activation, init, 8, 64, problem=data)
    monkeypatch.setattr(batch, "MOST_SAMPLES", 256)
    (all_,) = theory.predict(activation, init, 8, 64, problem=data)
    assert few.samples == all_.samples > 64
    assert few.gradient == pytest.approx(all_.gradient, rel=0.15)


def test_it_is_said_of_how_many_samples_gradients_are(cli: Cli):
    shown = {p: cli("predict", "--activation", "tanh", *p) for p in ((), ("--problem", "xor"))}
    assert [code for code, _, _ in shown.values()] == [0, 0]
    assert "samples" not in shown[()][1]
    assert "inputs: xor; gradients are of the loss over 4 samples" in shown["--problem", "xor"][1]


def test_each_sample_drops_units_of_its_own():
    """Samples that drop different units cancel less: 48 networks of width 256, within 25 % as above."""
    data = problems.load("xor")
    for activation, init in (("tanh", "torch"), ("relu", "he_normal")):
        found = _simulated(data, activation, init, 5, 256, 48, dropout=0.5)
        ratio = np.log(found[:, 0] / found[:, -1])
        (said,) = theory.predict(activation, init, 5, 256, problem=data, dropout=0.5)
        room = 0.25 + 2.5 * ratio.std() / math.sqrt(len(ratio))
        assert np.median(ratio) == pytest.approx(math.log(said.gradient_ratio_median), abs=room)


def test_what_has_no_batch_form_keeps_that_of_one_sample():
    data = problems.load("iris")
    (said,) = theory.predict("tanh", "keras", 3, 16, problem=data, loss="mse", output="softmax")
    (plain,) = theory.predict("tanh", "keras", 3, 16, inputs=4, outputs=3, second_moment=said.second_moment)
    assert said == plain


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"loss": "bce"}, "needs a problem"),
        ({"problem": "xor", "loss": "bcee"}, "did you mean 'bce'"),
        ({"problem": "diabetes", "loss": "bce"}, "is for classes"),
        ({"problem": "xor", "output": "sigmoid"}, "takes logits"),
    ],
)
def test_bad_input_is_refused_in_words(settings: dict, words: str):
    with pytest.raises(UsageError, match=words):
        theory.predict("tanh", **settings)
