"""What one trained network answers, in NumPy: for portraits, and as a slower twin of the engines' forward passes."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainability.activations import Activation, choose, numpy_function
from trainability.core.catalogue import Choice
from trainability.engine.interface import Program
from trainability.losses import LOSSES
from trainability.normalization import EPSILON, NORMALIZATIONS


def outputs(program: Program, parameters: dict[str, Any], numbers: dict[str, Any], x: np.ndarray) -> np.ndarray:
    """The last layer's outputs for x (samples, inputs) in use: no dropout, running statistics; float64.

    Args:
        parameters: of one trial, as `engine.interface.BlockResult` holds them, without the trial axis.
        numbers: the trial's hyper-parameters; ``activation`` and ``output`` are read.
    """
    network = program.network
    norm = NORMALIZATIONS[network.norm]
    hidden, last = choose(network.activation).entry, len(parameters["weights"]) - 1
    x = np.asarray(x, np.float64)
    for i, (weights, biases) in enumerate(zip(parameters["weights"], parameters["biases"], strict=True)):
        with np.errstate(over="ignore", invalid="ignore"):
            z = x @ weights.astype(np.float64) + biases
        if i == last:
            return _apply(choose(network.output).entry, numbers["output"], None, z)
        if norm.axis:
            z = _normalized(norm, parameters, i, z)
        learned = parameters["activation"][i] if hidden.learned else None
        answer = _apply(hidden, numbers["activation"], learned, z)
        x = x + answer if network.residual and x.shape == answer.shape else answer
    raise AssertionError("a network has an output layer")


def _apply(entry: Activation, numbers: Any, learned: Any, z: np.ndarray) -> np.ndarray:
    values: list[Any] = [float(number) for number in numbers]
    places = [i for i, p in enumerate(entry.parameters) if p.name in entry.learned]
    if learned is not None:
        for row, place in enumerate(places):
            values[place] = learned[row][None, :].astype(np.float64)
    return numpy_function(Choice(entry, tuple(values)))(z)


def _normalized(norm: Any, parameters: dict[str, Any], layer: int, z: np.ndarray) -> np.ndarray:
    if norm.running:
        mean, variance = parameters["running"][layer]
    else:
        mean = z.mean(axis=1, keepdims=True) if norm.centred else 0.0
        variance = np.mean((z - mean) ** 2, axis=1, keepdims=True)
    z = (z - mean) / np.sqrt(variance + EPSILON) * parameters["factor"][layer]
    return z + parameters["shift"][layer] if norm.shift else z


def answers(program: Program, parameters: dict[str, Any], numbers: dict[str, Any], x: np.ndarray) -> np.ndarray:
    """The outputs on the labels' scale: probabilities where the loss takes logits or margins, else the outputs.

    A single output above 1/2 answers label 1; of several the largest decides.
    """
    from scipy.special import expit, softmax

    scores = outputs(program, parameters, numbers, x)
    if not LOSSES[program.loss].on_logits:
        return scores
    return softmax(scores, axis=1) if program.loss != "bce" and scores.shape[1] > 1 else expit(scores)
