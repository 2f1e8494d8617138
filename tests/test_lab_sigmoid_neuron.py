"""P7: Keras trains the notes' networks from our weights to the same answers; networks are those of `compare`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tests.peers import KERAS_WARNING
from tests.peers.torch_twin import one_thread
from trainability import compare
from trainability.lab.networks import trained
from trainability.lab.phenomena.sigmoid_neuron import CHANGES, HIDDEN, MODELS

EPOCHS = 400


@pytest.mark.filterwarnings(KERAS_WARNING)
@pytest.mark.parametrize("key", MODELS)
def test_keras_ends_at_the_same_answers(key: str):
    _, gate, settings = MODELS[key]
    # Adam moves a weight by at most the rate, so that this rate leaves the first weights.
    first = trained(gate, **{**settings, "epochs": 1, "lr": 1e-30}, seed=4)
    ours = trained(gate, **{**settings, "epochs": EPOCHS}, seed=4)
    hidden = [keras.layers.Dense(2, activation="sigmoid")] if settings is HIDDEN else []
    network = keras.Sequential([*hidden, keras.layers.Dense(1, activation="linear" if hidden else "sigmoid")])
    network.build((None, first.data.x_train.shape[1]))
    for layer, weights, biases in zip(network.layers, first.weights, first.biases, strict=True):
        layer.set_weights([weights[0], biases[0]])
    # Keras' epsilon is 1e-7 by default, and ours 1e-8.
    network.compile(keras.optimizers.Adam(0.01, epsilon=1e-8), "mse", jit_compile=False)
    x, y = first.data.x_train.astype("float32"), first.data.y_train[:, None].astype("float32")
    with one_thread():
        for _ in range(EPOCHS):
            network.train_on_batch(x, y)
    theirs = keras.ops.convert_to_numpy(network(x))
    assert np.abs(ours.answers(0, x) - first.answers(0, x)).max() > 0.05
    np.testing.assert_allclose(ours.answers(0, x), theirs, atol=2e-4)


@pytest.mark.parametrize("change", [{}, CHANGES["tanh"][1], CHANGES["batch"][1]])
def test_the_networks_are_those_of_compare(change: dict[str, Any]):
    """`trained` gives the weights of the very trials that `compare` records: losses to the bit, answers to float32."""
    settings = {**HIDDEN, **change, "epochs": 200}
    made, run = trained("xor", **settings, seeds=5, seed=9), compare("xor", **settings, seeds=5, seed=9)
    np.testing.assert_array_equal(made.columns["train_loss"], run.trials["train_loss"].to_numpy())
    for trial in range(5):
        answers = made.answers(trial, made.data.x_train)[:, 0]
        loss = ((answers - made.data.y_train) ** 2).mean()
        assert loss == pytest.approx(run.trials["train_loss"][trial], rel=1e-4)
