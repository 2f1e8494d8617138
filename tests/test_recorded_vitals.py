"""The vital signs and scores that the engine records, against the same from its weights in NumPy and by differences."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from tests.made import cells, dataset, train
from trainability.activations import numpy_function, numpy_slope
from trainability.activations.choosing import choose
from trainability.core.records import VITAL_SAMPLES
from trainability.core.types import Dataset
from trainability.engine.initial import initial_parameters
from trainability.engine.interface import BlockResult, Program
from trainability.sweep import plan
from trainability.vitals import names

TRIALS = (0, 1, 22)
USUAL = {"depth": 2, "width": 6, "dtype": "float64", "steps": 5, "lr": 0.5, "optimizer": "sgd", "bias_init": "normal:1"}
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("classes", {"activation": "relu", "init": "normal:1", "l1": 0.1, "l2": 0.1, "clip": 0.1, "batch": 7}),
    "sigmoid output": ("binary", {"activation": "tanh", "loss": "mse", "init": "normal:10", "lr": 0.01}),
    "parameters": (
        "regression",
        {"activation": "elu:0.5", "output": "tanh", "loss": "huber:0.3", "dropout": 0.5, "residual": True},
    ),
    "more samples than are looked at": ("binary", {"activation": "sigmoid", "optimizer": "adam"}),
}

LARGEST_SLOPES = {
    "relu": 1.0, "tanh": 1.0, "identity": 1.0, "sigmoid": 0.25, "elu:0.5": 1.0,
}  # fmt: skip
"""Of each activation, anywhere."""

LOSSES = {
    "bce": lambda out, y: np.logaddexp(0.0, out) - y * out,
    "mse": lambda out, y: (out - y) ** 2,
    "huber:0.3": lambda out, y: np.where(abs(out - y) < 0.3, (out - y) ** 2 / 2, 0.3 * (abs(out - y) - 0.15)),
    "cross_entropy": lambda out, y: (np.log(np.exp(out).sum(axis=1)) - out[y == 1])[:, None],
}
"""The mean over their last axis is a sample's loss."""


@functools.cache
def run(way: str) -> tuple[Dataset, plan.Cell, BlockResult]:
    task, settings = WAYS[way]
    data = dataset(task, samples=VITAL_SAMPLES + 44 if way.startswith("more") else 24)
    grid = cells(data, **(USUAL | settings))
    return data, grid[0], train(data, grid, [(0, t) for t in TRIALS])


@functools.cache
def functions(text: str) -> tuple[Any, Any]:
    """The activation and its slope."""
    return numpy_function(choose(text)), numpy_slope(choose(text))


def layers_of(one: plan.Cell, weights: list[np.ndarray], biases: list[np.ndarray], x: np.ndarray):
    """(name of the activation, pre-activation, answer) of each layer."""
    found, last = [], len(weights) - 1
    for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
        text = one.axes["output" if i == last else "activation"]
        z = x @ w + b
        answer = functions(text)[0](z)
        found.append((text, z, answer))
        x = x + answer if one.axes["residual"] and 0 < i < last else answer
    return found


def targets(program: Program, data: Dataset) -> np.ndarray:
    if data.task == "regression":
        return data.y_train
    return data.y_train[:, None] if program.network.outputs == 1 else np.eye(program.network.outputs)[data.y_train]


def mean_loss(one: plan.Cell, weights: list[np.ndarray], biases: list[np.ndarray], x: np.ndarray, y: np.ndarray):
    """Without penalties and dropout."""
    return float(np.mean(LOSSES[one.axes["loss"]](layers_of(one, weights, biases, x)[-1][2], y)))


def gradient_rms(one: plan.Cell, weights: list[np.ndarray], biases: list[np.ndarray], x: np.ndarray, y: np.ndarray):
    """By central differences in every single weight."""
    sizes, step = [], 1e-6
    for w in weights:
        squares = []
        for place in np.ndindex(w.shape):
            old, ends = w[place], []
            for moved in (old + step, old - step):
                w[place] = moved
                ends.append(mean_loss(one, weights, biases, x, y))
            w[place] = old
            squares.append(((ends[0] - ends[1]) / (2 * step)) ** 2)
        sizes.append(np.sqrt(np.mean(squares)))
    return sizes


def cosine(a: np.ndarray) -> float:
    """The mean over pairs of different samples; all zeros point the same way, away from all others."""
    found = []
    for i, p in enumerate(a):
        for q in a[:i]:
            lengths = np.linalg.norm(p), np.linalg.norm(q)
            found.append(p @ q / lengths[0] / lengths[1] if all(lengths) else float(not any(lengths)))
    return float(np.mean(found))


def expected(one: plan.Cell, weights: list[np.ndarray], biases: list[np.ndarray], x: np.ndarray, y: np.ndarray):
    """Vital sign to its value in each layer."""
    texts, z, a = zip(*layers_of(one, weights, biases, x), strict=True)
    slopes = [np.abs(functions(name)[1](part)).mean(axis=0) for name, part in zip(texts, z, strict=True)]
    flat = [slope < 0.05 * LARGEST_SLOPES[name] for name, slope in zip(texts, slopes, strict=True)]
    return {
        "pre_activation_mean": [part.mean() for part in z],
        "pre_activation_std": [np.sqrt(np.mean((part - part.mean()) ** 2)) for part in z],
        "activation_mean": [part.mean() for part in a],
        "activation_std": [np.sqrt(np.mean((part - part.mean()) ** 2)) for part in a],
        "dead": [np.mean([not unit.any() for unit in part.T]) for part in a],
        "saturated": [part.mean() for part in flat],
        "correlation": [cosine(part) for part in a],
        "gradient_rms": gradient_rms(one, weights, biases, x, y),
    }


def compare(way: str, checkpoint: int, parameters: dict[str, list[np.ndarray]]) -> None:
    data, one, result = run(way)
    x, y = data.x_train, targets(one.program, data)
    every = -(-len(x) // VITAL_SAMPLES)
    for i in range(len(TRIALS)):
        weights, biases = ([part[i].copy() for part in parameters[name]] for name in ("weights", "biases"))
        loss = result.columns["history_train_loss"][i, checkpoint]
        assert loss == pytest.approx(mean_loss(one, weights, biases, x, y), rel=1e-6)
        twin = expected(one, weights, biases, x[::every], y[::every])
        assert set(twin) == set(names())
        for name, values in twin.items():
            found = result.columns[name][i, checkpoint]
            np.testing.assert_allclose(found, values, rtol=2e-6, atol=1e-7, err_msg=f"{name} of trial {TRIALS[i]}")


@pytest.mark.parametrize("way", WAYS)
def test_at_the_end_they_are_those_of_the_final_weights(way: str):
    compare(way, -1, run(way)[2].parameters)


@pytest.mark.parametrize("way", WAYS)
def test_before_training_they_are_those_of_the_first_weights(way: str):
    _, one, _ = run(way)
    block = plan.Block("b", one.program, one.steps, np.array([(0, t) for t in TRIALS]))
    compare(way, 0, initial_parameters(one.program.network, plan.trials(block, (one,), 0), (), "float64"))


@pytest.mark.parametrize(
    ("name", "way", "layer"),
    [("dead", "relu", 1), ("saturated", "sigmoid output", 1), ("saturated", "sigmoid output", -1)],
)
def test_the_made_networks_have_units_of_both_kinds(name: str, way: str, layer: int):
    """Else the comparisons above would compare zeros with zeros."""
    shares = run(way)[2].columns[name][:, (0, -1), layer]
    assert shares.max() > 0
    assert shares.min() < 1
