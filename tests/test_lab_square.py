"""P14: networks set by hand, what is said of an answer's shape, and networks trained outside of `compare`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainability import compare, problems
from trainability.core.types import Network
from trainability.lab.phenomena.relu_approximates_square import constant, sharpest_bend
from trainability.lab.phenomenon import Setting
from trainability.lab.square_by_hand import (
    REACH,
    answer,
    count,
    layers_weights,
    least_error,
    sawtooth_network,
    side_by_side_weights,
)
from trainability.lab.trained import train

X = np.linspace(-REACH, REACH, 20_001)


def _best_on(kinks: np.ndarray) -> float:
    """RMS error of the best curve with these kinks, by least squares."""
    basis = np.column_stack([np.ones_like(X), X, *(np.maximum(X - k, 0) for k in kinks)])
    found, *_ = np.linalg.lstsq(basis, X**2)
    return float(np.sqrt(np.mean((basis @ found - X**2) ** 2)))


@pytest.mark.parametrize("units", [1, 2, 5, 6, 17])
def test_equal_pieces_reach_the_least_error(units: int):
    kinks = np.linspace(-REACH, REACH, units + 2)[1:-1]
    assert _best_on(kinks) == pytest.approx(least_error(units), rel=2e-3)


@given(st.lists(st.floats(-REACH, REACH), min_size=1, max_size=8, unique=True))
def test_no_other_pieces_do_better(kinks: list[float]):
    assert _best_on(np.array(kinks)) >= least_error(len(kinks)) * (1 - 2e-3)


@pytest.mark.parametrize("teeth", [1, 2, 3, 6])
def test_teeth_make_the_chords_of_a_square(teeth: int):
    layers = sawtooth_network(teeth)
    nodes = np.linspace(0, REACH, 2**teeth + 1)
    np.testing.assert_allclose(answer(layers, X), np.interp(np.abs(X), nodes, nodes**2), atol=1e-12)
    middles = (nodes[1:] + nodes[:-1]) / 2
    assert np.abs(answer(layers, middles) - middles**2).max() == pytest.approx(REACH**2 / 4 ** (teeth + 1))


@given(st.integers(1, 20), st.integers(1, 4))
def test_weights_are_counted_as_the_engine_counts_them(width: int, depth: int):
    assert layers_weights(width, depth) == Network(1, (width,) * depth, 1, "relu").weights
    assert side_by_side_weights(width) == Network(1, (width,), 1, "relu").weights
    assert count(sawtooth_network(depth)) == Network(1, (2, *(3,) * depth), 1, "relu").weights


@given(st.floats(-9, 9), st.floats(-5, 5), st.floats(-5, 5))
def test_the_sharpest_bend_is_the_change_of_slope(place: float, before: float, change: float):
    x = np.linspace(-10, 10, 2001)
    answers = before * x + change * np.maximum(x - place, 0)
    found = sharpest_bend(np.stack([answers, np.full_like(x, 3.0)]), x)
    assert found == pytest.approx([abs(change), 0], abs=1e-9)
    assert list(constant(np.stack([answers, np.full_like(x, 3.0)]))) == [np.ptp(answers) < 1, True]


def test_trained_networks_are_those_of_compare():
    settings = {"hidden": "3", "activation": "relu", "loss": "mse", "lr": 0.01, "batch": 16, "epochs": 3}
    data = problems.load("sine", seed=4, samples=101, noise=1.0, validation=0.0)
    made = train(Setting(quick=True, seeds=5, seed=4), data.x_train, {"one": (data, settings)})["one"]
    run = compare("sine", seeds=5, seed=4, samples=101, noise=1.0, validation=0.0, **settings)
    np.testing.assert_array_equal(made.columns["train_loss"], run.trials["train_loss"].to_numpy())
    assert made.answers.shape == (5, 101, 1)
    loss = np.mean((made.answers[..., 0] - data.y_train[:, 0]) ** 2, axis=1)
    np.testing.assert_allclose(loss, made.columns["train_loss"], rtol=1e-4)
