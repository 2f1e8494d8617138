"""The first weights of a block of trials, drawn on the host so that every engine starts from the same bits."""

from __future__ import annotations

import numpy as np

from trainability.activations import Activation
from trainability.core import random
from trainability.core.types import Network
from trainability.engine.interface import Trials
from trainability.initializers import INITIALIZERS, Numbers, draw, standard
from trainability.normalization import NORMALIZATIONS


def learned_places(activation: Activation) -> tuple[int, ...]:
    """Places of the activation's parameters that are learned per unit."""
    return tuple(i for i, p in enumerate(activation.parameters) if p.name in activation.learned)


def initial_parameters(
    network: Network, trials: Trials, learned: tuple[int, ...], dtype: str, numbers: Numbers = standard
) -> dict[str, list[np.ndarray]]:
    """First parameters of all trials; every array has the leading axis trials.

    Args:
        learned: places of the hidden activation's parameters that are learned per unit.
        numbers: the engine's own draws before scaling, if it has some; their bits are those of `standard`.

    Returns:
        ``weights`` (trials, fan_in, fan_out) and ``biases`` (trials, fan_out): one array a layer; ``factor`` and
        ``shift`` of the normalisation (trials, fan_out), ``activation`` (trials, learned parameters, units): one
        array a hidden layer, or none where they are unused.
    """
    count, fans = len(trials), network.widths
    weights = [np.empty((count, a, b), dtype) for a, b in fans]
    biases = [np.empty((count, b), dtype) for _, b in fans]
    keys = random.trial_keys(trials.seed, trials.trial, (random.Stream.WEIGHTS, random.Stream.BIASES))
    for texts, arrays, key in zip((trials.init, trials.bias_init), (weights, biases), keys, strict=True):
        alike = dict.fromkeys(texts)
        for text in alike:
            rows = slice(None) if len(alike) == 1 else [i for i, t in enumerate(texts) if t == text]
            choice, own = INITIALIZERS.choose(text), (key[0][rows], key[1][rows])
            for layer, array in enumerate(arrays):
                array[rows] = draw(choice, own, layer, array.shape[1:], fans[layer], numbers)
    norm = NORMALIZATIONS[network.norm]
    hidden = [b for _, b in fans[:-1]]
    normed = hidden if norm.axis else []
    first = trials.numbers["activation"][:, list(learned), None].astype(dtype)
    return {
        "weights": weights,
        "biases": biases,
        "factor": [np.ones((count, b), dtype) for b in normed],
        "shift": [np.zeros((count, b), dtype) for b in (normed if norm.shift else [])],
        "activation": [np.repeat(first, units, axis=2) for units in (network.hidden if learned else ())],
    }
