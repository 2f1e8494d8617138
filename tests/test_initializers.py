"""Initialisers: moments over the catalogue, PyTorch and Keras as peers, bits that depend on nothing else."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import torch

from trainability.core import random
from trainability.core.random import Stream
from trainability.initializers import INITIALIZERS, Initializer, draw

SHAPE = (60, 90)
entries = pytest.mark.parametrize("entry", list(INITIALIZERS), ids=lambda entry: entry.name)


def _draw(entry: Initializer, trials: int, shape: tuple[int, ...] = SHAPE, seed: int = 0) -> np.ndarray:
    key = random.trial_key(seed, np.arange(trials), Stream.WEIGHTS)
    return draw(INITIALIZERS.choose(entry.name), key, 0, shape, SHAPE)


@entries
def test_the_variance_is_what_the_entry_says(entry: Initializer):
    weights = _draw(entry, 20)
    values = INITIALIZERS.choose(entry.name).values
    expected = entry.variance(*SHAPE, values)
    assert weights.shape == (20, *SHAPE)
    assert weights.var() == pytest.approx(expected, rel=0.02, abs=1e-30)
    if entry.distribution != "constant":
        assert abs(weights.mean()) < 4 * math.sqrt(expected / weights.size)


@entries
def test_a_trial_draws_the_same_alone_and_among_others(entry: Initializer):
    key = random.trial_key(5, np.array([3], np.uint32), Stream.WEIGHTS)
    alone = draw(INITIALIZERS.choose(entry.name), key, 2, SHAPE, SHAPE)
    key = random.trial_key(5, np.arange(8, dtype=np.uint32), Stream.WEIGHTS)
    among = draw(INITIALIZERS.choose(entry.name), key, 2, SHAPE, SHAPE)
    np.testing.assert_array_equal(alone[0], among[3])
    if entry.distribution != "constant":
        assert not np.array_equal(among[0], among[1])


@entries
def test_biases_can_be_drawn(entry: Initializer):
    assert np.isfinite(_draw(entry, 4, (SHAPE[1],))).all()


@pytest.mark.parametrize("entry", [e for e in INITIALIZERS if e.torch], ids=lambda entry: entry.name)
def test_torch_has_the_same_distribution(entry: Initializer):
    assert entry.torch is not None
    target = torch.empty(SHAPE[1], SHAPE[0])  # torch keeps (fan_out, fan_in)
    function = getattr(torch.nn.init, entry.torch.rpartition(".")[2])
    torch.manual_seed(0)
    arguments = {
        "constant": (1.0,), "uniform": (-0.05, 0.05), "normal": (0.0, 0.05), "truncated_normal": (0.0, 0.05, -0.1, 0.1),
        "he_uniform": (0.0, "fan_in", "relu"), "he_normal": (0.0, "fan_in", "relu"),
    }  # fmt: skip
    peer = np.stack([function(target, *arguments.get(entry.name, ())).clone().numpy() for _ in range(20)])
    _assert_alike(_draw(entry, 20), peer)


@pytest.mark.parametrize("entry", [e for e in INITIALIZERS if e.keras], ids=lambda entry: entry.name)
def test_keras_has_the_same_distribution(entry: Initializer):
    assert entry.keras is not None
    arguments = {"constant": {"value": 1.0}}
    made = getattr(keras.initializers, entry.keras.rpartition(".")[2])(**arguments.get(entry.name, {}))
    seeds = range(1 if "seed" not in made.get_config() else 20)
    peer = []
    for seed in seeds:
        config = made.get_config() | ({"seed": seed} if "seed" in made.get_config() else {})
        peer.append(keras.ops.convert_to_numpy(type(made).from_config(config)(SHAPE)))
    _assert_alike(_draw(entry, 20), np.stack(peer))


def _assert_alike(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert theirs.std() == pytest.approx(ours.std(), rel=0.02, abs=1e-30)
    assert np.abs(theirs).max() == pytest.approx(np.abs(ours).max(), rel=0.25)
    # A quantile's own deviation is about 1.3 to 2 times σ / √n in the middle of these distributions.
    atol = 10 * ours.std() / np.sqrt(min(ours.size, theirs.size)) + 1e-12
    shares = np.linspace(0.05, 0.95, 19)
    np.testing.assert_allclose(np.quantile(ours, shares), np.quantile(theirs, shares), atol=atol)


def test_the_library_defaults_are_those_of_the_libraries():
    torch.manual_seed(0)
    linear = [torch.nn.Linear(*SHAPE) for _ in range(20)]
    _assert_alike(_draw(INITIALIZERS["torch"], 20), np.stack([layer.weight.detach().numpy().T for layer in linear]))
    biases = draw(INITIALIZERS.choose("torch"), random.trial_key(0, np.arange(50), Stream.BIASES), 0, SHAPE[1:], SHAPE)
    _assert_alike(biases, np.stack([layer.bias.detach().numpy() for layer in linear]))
    dense = keras.layers.Dense(SHAPE[1])
    dense.build((None, SHAPE[0]))
    kernel, bias = dense.get_weights()
    _assert_alike(_draw(INITIALIZERS["keras"], 20), kernel[None])
    assert INITIALIZERS["keras"].bias == "zeros"
    assert not bias.any()


@pytest.mark.parametrize("shape", [(8, 5), (5, 8), (6, 6), (1, 4), (4, 1)])
def test_orthogonal_matrices_are_orthogonal(shape: tuple[int, int]):
    key = random.trial_key(0, np.arange(3), Stream.WEIGHTS)
    for matrix in draw(INITIALIZERS.choose("orthogonal:2"), key, 0, shape, shape):
        short = matrix @ matrix.T if shape[0] <= shape[1] else matrix.T @ matrix
        np.testing.assert_allclose(short, 4 * np.eye(min(shape)), atol=1e-14)


def test_orthogonal_matrices_point_everywhere():
    """The first entry of a uniform unit vector in 3 dimensions is uniform in [−1, 1] (Archimedes)."""
    from scipy import stats

    key = random.trial_key(1, np.arange(4000), Stream.WEIGHTS)
    first = draw(INITIALIZERS.choose("orthogonal"), key, 0, (3, 3), (3, 3))[:, 0, 0]
    assert stats.kstest(first, stats.uniform(-1, 2).cdf).pvalue > 1e-3
