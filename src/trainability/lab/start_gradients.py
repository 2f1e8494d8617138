"""The gradient that reaches each layer before the first step, of one sample: measured, and by mean-field theory.

It is the gradient by a layer's pre-activations, which is also that of its biases. The gradient by its weights has the
layer's input as a further factor, which hides what backpropagation does where that input shrinks or grows, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trainability.core import random
from trainability.initializers import INITIALIZERS, draw
from trainability.theory.finite_width import log_moments
from trainability.theory.functions import resolve_elementwise
from trainability.theory.moments import moments
from trainability.theory.propagation import Layer, propagate


@dataclass(frozen=True)
class Networks:
    """Many networks of `depth` hidden layers as wide as their input, with one linear output unit.

    Attributes:
        x: an input for each, of mean square 1, shape (networks, 1, width).
        weights, biases: of each layer, shapes (networks, fan_in, fan_out) and (networks, 1, fan_out).
    """

    x: np.ndarray
    weights: list[np.ndarray]
    biases: list[np.ndarray]


def draw_networks(init: str, depth: int, width: int, networks: int, seed: int) -> Networks:
    """Networks whose weights, and biases, are drawn as the initialiser named `init` has it."""
    rng = np.random.Generator(np.random.Philox(seed))
    weights_of = INITIALIZERS.choose(init)
    biases_of = INITIALIZERS.choose(weights_of.entry.bias)
    nobody = np.zeros(networks, np.uint32), np.zeros(networks, np.uint32)  # draws come from `rng`, not from these keys

    def numbers(distribution: str, key: random.Words, layer: int, count: int) -> np.ndarray:
        if distribution == "normal":
            return rng.standard_normal((networks, count))
        u = rng.random((networks, count))
        return 2 * u - 1 if distribution == "uniform" else random.truncated_normal(u)

    x = rng.standard_normal((networks, 1, width))
    x /= np.sqrt((x**2).mean(axis=2, keepdims=True))
    fans = [(width, width)] * depth + [(width, 1)]
    weights = [draw(weights_of, nobody, i, fan, fan, numbers) for i, fan in enumerate(fans)]
    biases = [draw(biases_of, nobody, i, (fan[1],), fan, numbers)[:, None, :] for i, fan in enumerate(fans)]
    return Networks(x, weights, biases)


def start_gradients(name: str, drawn: Networks) -> np.ndarray:
    """Root mean square over the units of the output's gradient by each hidden layer's pre-activations.

    Args:
        name: an elementwise activation as `activations.choose` takes it.

    Returns:
        Shape (networks, depth), the first layer first.
    """
    phi = resolve_elementwise(name)
    answer, slopes = drawn.x, []
    for w, b in zip(drawn.weights[:-1], drawn.biases[:-1], strict=True):
        z = answer @ w + b
        answer = phi.value(z)
        slopes.append(phi.slope(z))
    delta = np.ones((len(drawn.x), 1, 1))
    found = []
    for w, there in zip(reversed(drawn.weights[1:]), reversed(slopes), strict=True):
        delta = (delta @ w.transpose(0, 2, 1)) * there
        found.append(np.sqrt((delta**2).mean(axis=(1, 2))))
    return np.stack(found[::-1], axis=1)


def predicted_factors(name: str, init: str, depth: int, width: int) -> np.ndarray:
    """What theory says that each hidden layer but the last multiplies this gradient by, in the median network.

    √(σ_w² E φ′(√q z)²), q the variance of the layer's pre-activations, with the first-order shift of the logarithm that
    a finite width brings; shape (depth − 1,).
    """
    m = moments(name)
    weights = INITIALIZERS.choose(init)
    biases = INITIALIZERS.choose(weights.entry.bias)
    fans = [(width, width)] * depth + [(width, 1)]
    layers = [
        Layer(a, b, weights.entry.variance(a, b, weights.values), biases.entry.variance(a, b, biases.values))
        for a, b in fans
    ]
    factors = []
    for layer, q in zip(layers[: depth - 1], propagate(m, layers, 1.0).variance, strict=False):
        shift, _ = log_moments(m.slope_scatter(q), width)
        factors.append(math.sqrt(width * layer.weight_variance * m.at("slope_second", q)) * math.exp(0.5 * shift))
    return np.array(factors)
