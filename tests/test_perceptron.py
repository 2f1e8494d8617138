"""The loss `perceptron`, one sample a step by sgd, is the perceptron rule: scikit-learn's, in the same order."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Perceptron

from tests.made import ENGINE, cells, dataset, train
from trainability.core import random
from trainability.engine.selection import make

SEED, TRIALS, STEPS, RATE = 3, 4, 120, 0.5


@pytest.mark.parametrize("engine", ["lanes", "reference"])
def test_the_weights_are_scikit_learns(engine: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.made.ENGINE", make(None, None, "lanes") if engine == "lanes" else ENGINE)
    data = dataset("binary")
    settings = {"depth": 0, "loss": "perceptron", "optimizer": "sgd", "lr": RATE, "batch": 1, "init": "zeros"}
    grid = cells(data, **settings, steps=STEPS, dtype="float64")
    ours = train(data, grid, [(0, trial) for trial in range(TRIALS)], seed=SEED)
    samples = len(data.x_train)
    key = random.trial_key(SEED, np.arange(TRIALS, dtype=np.uint32), random.Stream.ORDER)
    for trial in range(TRIALS):
        theirs = Perceptron(eta0=RATE)
        for step in range(STEPS):
            words = random.words(key, step // samples, samples)[0][trial]
            i = np.argsort(words, kind="stable")[step % samples]
            theirs.partial_fit(data.x_train[i : i + 1], data.y_train[i : i + 1], classes=[0, 1])
        np.testing.assert_allclose(ours.parameters["weights"][0][trial, :, 0], theirs.coef_[0], rtol=1e-12)
        np.testing.assert_allclose(ours.parameters["biases"][0][trial], theirs.intercept_, rtol=1e-12)
