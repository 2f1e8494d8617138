"""ReLU networks that are dead before training: a layer whose units all answer 0 to every input.

Behind such a layer nothing depends on the input, and before it nothing gets a gradient. With biases of 0 only the
weights' signs and directions count: a common factor changes neither which units are dead nor how many.
"""

from __future__ import annotations

import numpy as np


def dead_layers(x: np.ndarray, width: int, depth: int, networks: int, seed: int) -> np.ndarray:
    """Whether a network has a dead layer among its first 1, 2, … hidden layers; bool of shape (networks, depth).

    Weights are drawn from U(−1, 1), biases are 0.

    Args:
        x: inputs, shape (samples, features).
        width, depth: units of a layer, hidden layers.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    answers = np.broadcast_to(x, (networks, *x.shape))
    dead = np.zeros((networks, depth), bool)
    for layer in range(depth):
        weights = rng.uniform(-1, 1, (networks, answers.shape[2], width))
        answers = np.maximum(answers @ weights, 0)
        largest = answers.max(axis=(1, 2), keepdims=True)
        dead[:, layer] = largest[:, 0, 0] == 0
        answers = answers / np.where(largest > 0, largest, 1)  # deep layers would run out of range
    return dead


def most_born_dead(width: int, depth: int) -> np.ndarray:
    """An upper bound on the share of networks with a dead layer, after 1 to `depth` layers: 1 − (1 − 2⁻ⁿ)ᴸ.

    Weights are symmetric about 0 and biases 0. While a sample still reaches a layer, each unit answers 0 to it with
    probability 1/2, independently; to be dead, all must answer 0 to that sample and to the others too.
    Reference: L. Lu et al., Dying ReLU and initialization, Communications in Computational Physics 28 (2020).
    """
    return 1 - (1 - 0.5**width) ** np.arange(1, depth + 1)
