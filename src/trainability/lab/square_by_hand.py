"""x² by ReLU networks whose weights are set, not learned: what side by side can reach at best, and what layers can.

Side by side, n units make n + 1 straight pieces. Of all curves of so many pieces the one of equal pieces is nearest to
x² in the mean square: on a piece of length l the best line is off by l²/(6√5).

In layers, a tooth t ↦ 1 − |2t − 1| put into itself makes a sawtooth of twice as many teeth each time, and
t − Σ sawtooth_s(t)/4^s is the chord of t² on 2^m equal pieces: three units a layer, four times less error each.
Reference: D. Yarotsky, Error bounds for approximations with deep ReLU networks, Neural Networks 94 (2017).
"""

from __future__ import annotations

import math

import numpy as np

REACH = 10.0
"""x runs from −REACH to REACH."""


def side_by_side_weights(units: int) -> int:
    """Weights and biases of one hidden layer between one input and one output."""
    return 3 * units + 1


def layers_weights(width: int, depth: int = 3) -> int:
    """Weights and biases of `depth` hidden layers of `width` between one input and one output."""
    return 2 * width + (depth - 1) * width * (width + 1) + width + 1


def least_error(units: int) -> float:
    """The least root mean square error on [−REACH, REACH] that so many ReLU units side by side can have."""
    return (2 * REACH / (units + 1)) ** 2 / (6 * math.sqrt(5))


def sawtooth_network(teeth: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights (fan_in, fan_out) and biases of ReLU layers, the last linear, that answer x² up to REACH²/4^(teeth + 1).

    Layer 1 makes |x|/REACH of two units; each further one holds (g, g − 1/2, sum) of the last tooth g and the sum
    so far.
    """
    layers = [(np.array([[1, -1]]) / REACH, np.zeros(2))]
    # From (|x| parts) to (g, g − 1/2, t) with g_0 = t = |x|/REACH.
    layers.append((np.ones((2, 3)), np.array([0, -0.5, 0])))
    tooth = np.array([2.0, -4.0, 0.0])
    for s in range(1, teeth):
        total = np.array([0, 0, 1.0]) - tooth / 4**s
        layers.append((np.stack([tooth, tooth, total], axis=1), np.array([0, -0.5, 0])))
    total = np.array([0, 0, 1.0]) - tooth / 4**teeth
    layers.append((REACH**2 * total[:, None], np.zeros(1)))
    return layers


def answer(layers: list[tuple[np.ndarray, np.ndarray]], x: np.ndarray) -> np.ndarray:
    """What a ReLU network with linear output answers to x, shape (points,)."""
    h = x[:, None]
    for weights, biases in layers[:-1]:
        h = np.maximum(h @ weights + biases, 0)
    weights, biases = layers[-1]
    return (h @ weights + biases)[:, 0]


def count(layers: list[tuple[np.ndarray, np.ndarray]]) -> int:
    """Weights and biases, zeros included."""
    return sum(weights.size + biases.size for weights, biases in layers)
