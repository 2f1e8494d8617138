"""A small convolutional network in JAX: many seeds and rates at once.

Layers of 3 × 3 filters (zeros around the image, stride 1), each followed by the activation and, while the image is
at least 4 on a side, by the mean over 2 × 2; then one dense layer of logits. Cross-entropy, gradient descent with
momentum. A filter is written as a matrix product over the nine shifted images, of which `vmap` makes a batched product.
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from trainability.activations import choose, jax_function
from trainability.core import random
from trainability.engine.selection import cores
from trainability.initializers import INITIALIZERS, draw
from trainability.optimizers import OPTIMIZERS

SIDE = 3
LEAST = 4
"""Images smaller than this are not halved."""
BLOCK = 8
"""Trials in a compiled program; two threads run two blocks side by side."""


@dataclass(frozen=True)
class ConvolutionalNetwork:
    """What is built: rows, columns and channels of the images, filters of each layer, classes, activation."""

    image: tuple[int, int, int]
    filters: tuple[int, ...]
    classes: int
    activation: str

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(fan_in, fan_out) of every layer's weights: nine rows a channel, the last layer is dense."""
        rows, columns, channels = self.image
        shapes = []
        for filters in self.filters:
            shapes.append((SIDE * SIDE * channels, filters))
            channels = filters
            rows, columns = (n // 2 if min(rows, columns) >= LEAST else n for n in (rows, columns))
        return (*shapes, (rows * columns * channels, self.classes))


def initial(network: ConvolutionalNetwork, init: str, seed: int, trials: np.ndarray) -> list[dict[str, np.ndarray]]:
    """First parameters: for each layer ``weights`` (trials, fan_in, fan_out) and ``biases`` (trials, fan_out), zero.

    A filter's fan_out counts its nine places, as Keras and PyTorch have it.
    """
    key, layers = random.trial_key(seed, trials, random.Stream.WEIGHTS), []
    for i, shape in enumerate(network.shapes):
        dense = i == len(network.filters)
        fans = shape if dense else (shape[0], SIDE * SIDE * shape[1])
        weights = draw(INITIALIZERS.choose(init), key, i, shape, fans).astype(np.float32)
        layers.append({"weights": weights, "biases": np.zeros((len(trials), shape[1]), np.float32)})
    return layers


def logits(network: ConvolutionalNetwork, layers: Any, x: Float[Array, "samples rows columns channels"]) -> Any:
    """Outputs (samples, classes) of one trial."""
    choice = choose(network.activation)
    function = jax_function(choice.entry)
    for layer in layers[:-1]:
        _, rows, columns, _ = x.shape
        padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        shifted = [padded[:, i : i + rows, j : j + columns] for i in range(SIDE) for j in range(SIDE)]
        x = jnp.concatenate(shifted, axis=-1) @ layer["weights"] + layer["biases"].reshape(1, 1, 1, -1)
        x = function(x, list(choice.values))
        if min(rows, columns) >= LEAST:
            x = x[:, : rows // 2 * 2, : columns // 2 * 2]
            x = x.reshape(len(x), rows // 2, 2, columns // 2, 2, -1).mean(axis=(2, 4))
    return x.reshape(len(x), -1) @ layers[-1]["weights"] + layers[-1]["biases"][None]


def loss(network: ConvolutionalNetwork, layers: Any, x: Any, y: Any) -> Float[Array, ""]:
    """Mean cross-entropy of one trial; y holds labels, int32 of shape (samples,)."""
    return optax.softmax_cross_entropy_with_integer_labels(logits(network, layers, x), y).mean()


def batches(seed: int, trials: np.ndarray, samples: int, batch: int, steps: int) -> np.ndarray:
    """The samples of every step, int32 (trials, steps, batch); an epoch's incomplete batch is left out."""
    key, epoch = random.trial_key(seed, trials, random.Stream.ORDER), samples // batch
    orders = [
        np.argsort(random.words(key, number, samples)[0], axis=1, kind="stable")[:, : epoch * batch]
        for number in range(-(-steps // epoch))
    ]
    return np.concatenate(orders, axis=1).reshape(len(trials), -1, batch)[:, :steps].astype(np.int32)


@functools.cache
def _program(network: ConvolutionalNetwork, marks: tuple[int, ...], momentum: float) -> Any:
    """Compiled on first use: (layers, rates, batches, x, y, watched x, watched y) -> errors (trials, marks)."""
    method = OPTIMIZERS["momentum"]

    def one(layers: Any, rate: Any, order: Any, x: Any, y: Any, watched: Any, right: Any) -> Any:
        optimizer = method.make(rate, momentum)

        def step(count: Any, carry: Any) -> Any:
            layers, memory = carry
            chosen = order[count]
            gradient = jax.grad(functools.partial(loss, network))(layers, x[chosen], y[chosen])
            updates, memory = optimizer.update(gradient, memory, layers)
            return optax.apply_updates(layers, updates), memory

        def mark(carry: Any, span: Any) -> Any:
            carry = jax.lax.fori_loop(span[0], span[1], step, carry)
            outputs = logits(network, carry[0], watched)
            wrong = (outputs.argmax(axis=1) != right) | ~jnp.isfinite(outputs).all(axis=1)
            return carry, wrong.mean()

        spans = jnp.asarray(list(zip((0, *marks[:-1]), marks, strict=True)), jnp.int32)
        return jax.lax.scan(mark, (layers, optimizer.init(layers)), spans)[1]

    return jax.jit(jax.vmap(one, in_axes=(0, 0, 0, None, None, None, None)))


def training_errors(
    network: ConvolutionalNetwork,
    layers: list[dict[str, np.ndarray]],
    rates: np.ndarray,
    order: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    marks: tuple[int, ...],
    *,
    watched: int = 256,
    momentum: float = 0.9,
) -> np.ndarray:
    """The share of training images answered wrongly after each of `marks` steps, shape (trials, marks).

    Args:
        layers: first parameters, as `initial` gives them.
        rates: shape (trials,).
        order: as `batches` gives it, of at least ``marks[-1]`` steps.
        x, y: training images (samples, rows, columns, channels) and labels (samples,).
        marks: growing numbers of steps, from 0 on.
        watched: the error is that of the first so many training images.
    """
    program = _program(network, marks, momentum)
    images, labels = jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.int32)

    def block(first: int) -> np.ndarray:
        rows = np.minimum(
            np.arange(first, first + BLOCK), len(rates) - 1
        )  # the last block is padded with its last trial
        part = jax.tree.map(lambda a: jnp.asarray(a[rows]), layers)
        taken = jnp.asarray(rates[rows], jnp.float32), jnp.asarray(order[rows])
        errors = program(part, *taken, images, labels, images[:watched], labels[:watched])
        return np.asarray(errors)[: len(rates) - first]

    with ThreadPoolExecutor(cores()) as threads:
        return np.concatenate(list(threads.map(block, range(0, len(rates), BLOCK))))
