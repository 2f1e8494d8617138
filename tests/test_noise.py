"""What training draws: dropout's masks and the slopes of rrelu, in the forward pass and in whole runs."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from tests.made import cell, cells, dataset, train
from trainability.core import random
from trainability.engine.reference.forward import Layer, Noise, forward

UNITS, SAMPLES = 64, 100
DATA = dataset(samples=SAMPLES)
SEED = 2**63 + 5


def noise(seed: int = SEED, trial: int = 3, step: int = 7) -> Noise:
    keys = [
        tuple(map(jnp.asarray, random.trial_key(seed, np.uint32(trial), stream)))
        for stream in (random.Stream.DROPOUT, random.Stream.ACTIVATION)
    ]
    return Noise(*keys, jnp.int32(step))


def passed(drawn: Noise | None, depth: int = 1, **settings: Any) -> tuple[np.ndarray, list[Layer]]:
    """What the last hidden layer hands on, and every layer's inside; the output layer copies what it is given."""
    one = cell(DATA, width=UNITS, depth=depth, **settings)
    draw = np.random.Generator(np.random.Philox(1))
    widths = one.program.network.widths[:-1]
    array = lambda *shape: jnp.asarray(draw.normal(size=shape), jnp.float32)  # noqa: E731
    parameters = {
        "weights": [*(array(*shape) for shape in widths), jnp.eye(UNITS)],
        "biases": [*(array(b) for _, b in widths), jnp.zeros(UNITS, jnp.float32)],
    }
    numbers = {name: jnp.asarray(value, jnp.float32) for name, value in one.numbers.items()}
    x = jnp.asarray(DATA.x_train, jnp.float32)
    out, _, layers = forward(one.program, parameters, numbers, [], x, training=drawn is not None, noise=drawn)
    return np.asarray(out), layers


def dropped(drawn: Noise | None, rate: float, depth: int = 1) -> np.ndarray:
    """What the last hidden layer hands on; tanh answers no 0 of its own."""
    return passed(drawn, depth, activation="tanh", dropout=rate)[0]


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_its_share_and_scales_what_it_keeps(rate: float):
    plain, noisy = dropped(None, rate), dropped(noise(), rate)
    kept = noisy != 0
    np.testing.assert_allclose(noisy[kept], plain[kept] / (1 - rate), rtol=1e-5)
    assert stats.binomtest(int(kept.sum()), kept.size, 1 - rate).pvalue > 1e-3
    # Independent: the kept ones are spread over units and samples as a fair draw has them.
    for counts, n in ((kept.sum(axis=0), SAMPLES), (kept.sum(axis=1), UNITS)):
        chi = np.sum((counts - n * (1 - rate)) ** 2) / (n * rate * (1 - rate))
        assert 1e-3 < stats.chi2.sf(chi, len(counts)) < 1 - 1e-3


def test_evaluation_drops_nothing():
    np.testing.assert_array_equal(dropped(None, 0.5), dropped(None, 0.0))
    assert (dropped(None, 0.5) != 0).all()


def test_a_mask_is_its_seeds_trials_and_steps_alone():
    usual = dropped(noise(), 0.5) != 0
    np.testing.assert_array_equal(usual, dropped(noise(), 0.5) != 0)
    others = [noise(step=8), noise(trial=4), noise(seed=SEED + 1), noise(seed=SEED - 2**62)]
    masks = [usual, *(dropped(other, 0.5) != 0 for other in others)]
    for i, mask in enumerate(masks):
        for other in masks[:i]:
            # Independent masks agree in half of their places, give or take four deviations.
            assert abs(np.mean(mask == other) - 0.5) < 4 * 0.5 / mask.size**0.5


def test_layers_have_masks_of_their_own():
    out, layers = passed(noise(), 2, activation="tanh", dropout=0.5)
    second = out != 0
    # What the first layer handed on, from what the second was given of it.
    draw = np.random.Generator(np.random.Philox(1))
    draw.normal(size=(3, UNITS))
    weights, _, bias = (draw.normal(size=shape) for shape in ((UNITS, UNITS), UNITS, UNITS))
    first = np.linalg.solve(weights.T, (np.asarray(layers[1].pre_activation, np.float64) - bias).T).T
    np.testing.assert_allclose(np.abs(first[np.abs(first) > 1e-3]).max(), 2.0, atol=0.01)
    first = np.abs(first) > 1e-3
    assert abs(np.mean(first == second) - 0.5) < 4 * 0.5 / first.size**0.5


def shares(drawn: Noise | None, depth: int, **settings: Any) -> list[np.ndarray]:
    """The slopes that rrelu took in each hidden layer, where its pre-activation is below 0."""
    _, layers = passed(drawn, depth, **settings)
    found = []
    for layer in layers[:-1]:
        z, answer = np.asarray(layer.pre_activation, np.float64), np.asarray(layer.activation)
        np.testing.assert_array_equal(answer[z > 0], layer.pre_activation[z > 0])
        found.append(np.where(z < 0, answer / np.where(z < 0, z, 1.0), np.nan))
    return found


@pytest.mark.parametrize(("lower", "upper"), [(1 / 8, 1 / 3), (-0.5, 2.0)])
def test_rrelu_draws_uniform_slopes_in_training_and_takes_their_mean_in_evaluation(lower: float, upper: float):
    activation = f"rrelu:{lower}:{upper}"
    drawn = shares(noise(), 1, activation=activation)[0]
    slopes = drawn[~np.isnan(drawn)]
    assert len(slopes) > 1000
    assert lower - 1e-5 <= slopes.min() <= slopes.max() <= upper + 1e-5
    assert stats.kstest(slopes, "uniform", (lower, upper - lower)).pvalue > 1e-3
    evaluated = shares(None, 1, activation=activation)[0]
    np.testing.assert_allclose(evaluated[~np.isnan(evaluated)], (lower + upper) / 2, rtol=1e-4)


def test_slopes_differ_between_steps_trials_seeds_and_layers():
    usual = shares(noise(), 2, activation="rrelu")
    for same, again in zip(usual, shares(noise(), 2, activation="rrelu"), strict=True):
        np.testing.assert_array_equal(same, again)
    others = [shares(n, 2, activation="rrelu")[0] for n in (noise(step=8), noise(trial=4), noise(seed=SEED + 1))]
    for other in [*others, usual[1]]:
        both = ~np.isnan(usual[0]) & ~np.isnan(other)
        assert both.sum() > 500
        assert stats.pearsonr(usual[0][both], other[both]).pvalue > 1e-3


def test_dropout_and_rrelu_draw_apart():
    """From streams of their own: what dropout keeps says nothing about the slopes."""
    slopes = shares(noise(), 1, activation="rrelu", dropout=0.5)[0]
    kept = dropped(noise(), 0.5) != 0
    below = ~np.isnan(slopes)
    assert stats.ks_2samp(slopes[below & kept], slopes[below & ~kept]).pvalue > 1e-3


# All samples in every step, so that no order is drawn.
STILL = {"batch": SAMPLES, "steps": 3, "lr": 0.1, "optimizer": "sgd", "init": "constant:0.5"}
DROPOUT, RRELU = {"dropout": [0.5, 0.25]}, {"activation": "rrelu:0.1:0.5,rrelu:0.3:0.3"}


@pytest.mark.parametrize("noisy", [DROPOUT, RRELU], ids=["dropout", "rrelu"])
def test_training_draws_and_measurements_do_not(noisy: dict[str, Any]):
    """What is drawn moves the weights, and is the same for the same trial; scores and vital signs know no noise."""
    grid = cells(DATA, **STILL, **noisy)
    result = train(DATA, grid, [(c.index, t) for c in grid for t in (0, 1, 1)])
    first = result.parameters["weights"][0]
    differ = lambda i, j: not np.array_equal(first[i], first[j])  # noqa: E731
    assert differ(0, 3)
    assert differ(0, 1)
    assert not differ(1, 2)
    assert differ(3, 4) == (noisy is DROPOUT)  # slopes from 0.3 to 0.3 leave nothing to draw
    # All started at the same weights.
    for name in ("history_train_loss", "history_validation_loss", "activation_std", "gradient_rms"):
        before = result.columns[name][:, 0]
        np.testing.assert_allclose(before, np.broadcast_to(before[0], before.shape), rtol=1e-6, err_msg=name)
        assert np.ptp(result.columns[name][:, -1], axis=0).max() > 1e-6, name


def test_training_with_dropout_is_not_training_without():
    ways = ({"dropout": 0.5}, {})
    dropped_out, plain = (train(DATA, cells(DATA, **STILL, **way), [(0, 0)]) for way in ways)
    weights = [result.parameters["weights"][0][0] for result in (dropped_out, plain)]
    assert np.abs(weights[0] - weights[1]).max() > 1e-3
    before = [result.columns["history_train_loss"][0, 0] for result in (dropped_out, plain)]
    assert before[0] == pytest.approx(before[1], rel=1e-6)
