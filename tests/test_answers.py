"""The engine's forward pass against its twin in NumPy, over the whole catalogue of activations and normalisations."""

from __future__ import annotations

import numpy as np
import pytest

from tests.made import cells, dataset, train
from trainability.activations import ACTIVATIONS
from trainability.engine.answers import answers, outputs
from trainability.losses import LOSSES
from trainability.normalization import NORMALIZATIONS
from trainability.sweep.tables import of_trial

BINARY = dataset(samples=12, held_out=0)


def _check(data, **settings) -> None:
    """The recorded training loss is the loss of what the NumPy twin answers, for the trained weights."""
    grid = cells(data, dtype="float64", validation=0, **settings)
    result = train(data, grid, [(0, 0), (0, 1)])
    program, numbers = grid[0].program, {name: np.asarray(value) for name, value in grid[0].numbers.items()}
    loss = LOSSES[program.loss]
    for i in range(2):
        answered = outputs(program, of_trial(result.parameters, i), numbers, data.x_train)
        expected = np.mean(np.asarray(loss.function(answered, loss.encode(data, data.y_train), *numbers["loss"])))
        assert result.columns["ended"][i] != "nan"
        assert result.columns["train_loss"][i] == pytest.approx(expected, rel=1e-5)
        labels = answers(program, of_trial(result.parameters, i), numbers, data.x_train)
        if data.task == "regression":
            y = data.y_train
            score = 1 - np.sum((labels - y) ** 2) / np.sum((y - y.mean(axis=0)) ** 2)
        elif labels.shape[1] == 1:
            score = np.mean((labels[:, 0] > 0.5) == data.y_train)
        else:
            score = np.mean(np.argmax(labels, axis=1) == data.y_train)
        assert result.columns["train_score"][i] == pytest.approx(score, rel=1e-5)


@pytest.mark.parametrize("name", [entry.name for entry in ACTIVATIONS])
def test_every_activation_trains_and_answers_alike(name: str):
    _check(BINARY, activation=name, width=4, lr=0.001, steps=3, optimizer="sgd")


FORMULAS = ["x*sigmoid(1.7*x)", "x1*tanh(x2)", "where(x > 0, x, 0.1*expm1(x))", "sin(x) + silu(x)"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_typed_formulas_train_and_answer_alike(formula: str):
    _check(BINARY, activation=f"expr:{formula}", steps=3, lr=0.001)


@pytest.mark.parametrize("norm", [entry.name for entry in NORMALIZATIONS])
@pytest.mark.parametrize("task", ["binary", "classes", "regression"])
def test_every_normalisation_and_task(norm: str, task: str):
    _check(dataset(task, held_out=0), norm=norm, residual=True, depth=2, steps=20)


@pytest.mark.parametrize("task", ["binary", "classes", "regression"])
@pytest.mark.parametrize("loss", [entry.name for entry in LOSSES])
def test_every_loss_with_the_tasks_it_is_for(loss: str, task: str):
    if task in LOSSES[loss].tasks:
        _check(dataset(task, held_out=0), loss=loss, steps=5)
    else:
        with pytest.raises(Exception, match="losses that fit"):
            cells(dataset(task, held_out=0), loss=loss)
