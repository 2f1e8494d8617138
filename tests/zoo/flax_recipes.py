"""The zoo's recipes of Flax NNX, as PyTorch's in `torch_recipes`; letters are those that stand there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
from flax import nnx
from sklearn.datasets import load_digits, make_circles

from tests.zoo.data import Arrays
from tests.zoo.files import CARS, cars, images, needs
from tests.zoo.files import IMAGES as PICTURES
from tests.zoo.flax_run import absolute_error, bce, he, linear, mlp, scores, uniform
from trainability import Recipe


def _split(x: np.ndarray, y: np.ndarray) -> tuple[Arrays, Arrays]:
    """Training and held-out pairs, shuffled the same way for every seed."""
    order = np.random.default_rng(0).permutation(len(x))
    a, b = x[order].astype(np.float32), y[order].astype(np.int32 if y.dtype.kind == "i" else np.float32)
    cut = round(len(x) * 0.8)
    return (a[:cut], b[:cut]), (a[cut:], b[cut:])


def _recipe(model: Any, loss: Any, tx: Any, data: tuple[Arrays, Arrays], epochs: int, batch: int = 32) -> Recipe:
    return Recipe(model, lambda a, y: loss(a, y).mean(), tx, *data, epochs, batch)


def one_unit_of_softmax(seed: int) -> Recipe:
    """a"""
    y = np.random.default_rng(0).integers(0, 2, (600, 1)).astype(float)
    streams = nnx.Rngs(seed)
    model = nnx.Sequential(
        linear(128, 50, streams), nnx.relu, nnx.Dropout(0.5, rngs=streams), linear(50, 50, streams), nnx.relu,
        nnx.Dropout(0.5, rngs=streams), linear(50, 1, streams), nnx.softmax,
    )  # fmt: skip
    return _recipe(model, bce, optax.rmsprop(1e-3), _split(np.repeat(y, 128, axis=1), y), 10)


def square_blobs(seed: int) -> Recipe:
    """b"""
    r = np.random.default_rng(0)
    y = r.integers(0, 2, 1000)
    x = r.uniform(0, 1, (1000, 2)) + 1.5 * y[:, None]
    return _recipe(mlp(2, 2, 2, activation=nnx.sigmoid, seed=seed), scores, optax.adam(1e-3), _split(x, y), 5)


def fourth_power(seed: int) -> Recipe:
    """c"""
    x = np.linspace(-100, 100, 500)[:, None]
    streams = nnx.Rngs(seed)
    model = nnx.Sequential(
        linear(1, 50, streams), nnx.sigmoid, linear(50, 50, streams), nnx.elu, linear(50, 1, streams)
    )
    return _recipe(model, optax.squared_error, optax.adam(1e-2), _split(x, x**4), 100)


def _gate() -> tuple[Arrays, Arrays]:
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    pair = x, (x[:, :1] != x[:, 1:]).astype(np.float32)
    return pair, pair


def xor_by_absolute_error(seed: int) -> Recipe:
    """d"""
    model = mlp(2, 4, 1, activation=nnx.sigmoid, last=nnx.sigmoid, seed=seed)
    return _recipe(model, absolute_error, optax.sgd(0.05), _gate(), 1000, 4)


def _mpg(seed: int, rate: float = 1e-3, last: Any = None, decay: float = 1e-5) -> Recipe:
    x, y = cars()
    tx = optax.chain(optax.add_decayed_weights(2 * decay), optax.adam(rate))
    model = mlp(x.shape[1], 64, 64, 1, last=last, init=he, seed=seed)
    return _recipe(model, optax.squared_error, tx, _split(x, y), 100)


@needs(CARS)
def mpg_slow(seed: int) -> Recipe:
    """e with a rate of 1e-5."""
    return _mpg(seed, rate=1e-5)


@needs(CARS)
def mpg_softmax(seed: int) -> Recipe:
    """e with a softmax over its one output."""
    return _mpg(seed, last=nnx.softmax)


@needs(CARS)
def mpg_decayed(seed: int) -> Recipe:
    """e with L2 of 0.1."""
    return _mpg(seed, decay=0.1)


def _circles() -> tuple[Arrays, Arrays]:
    x, y = (np.asarray(part) for part in make_circles(1000, noise=0.1, factor=0.5, random_state=0))
    return _split(x, y)


def twelve_sigmoids(seed: int) -> Recipe:
    """f"""
    return _recipe(mlp(2, *[16] * 12, 2, activation=nnx.sigmoid, seed=seed), scores, optax.adam(1e-2), _circles(), 20)


def eight_exponentials(seed: int) -> Recipe:
    """g"""
    return _recipe(mlp(2, *[16] * 8, 2, activation=jax.numpy.exp, seed=seed), scores, optax.adam(1e-2), _circles(), 20)


def tiny_weights(seed: int) -> Recipe:
    """h"""
    small = uniform(1e-3)
    model = mlp(2, 32, 32, 32, 2, init=small, bias_init=small, seed=seed)
    return _recipe(model, scores, optax.sgd(0.05), _circles(), 20)


@needs(PICTURES)
def images_at_a_rate_of_3(seed: int) -> Recipe:
    """i, 3,000 of the images."""
    x, y = (part[:3000] for part in images())
    model = mlp(784, 64, 10, activation=None, seed=seed)
    return _recipe(model, optax.squared_error, optax.sgd(3.0), _split(x, np.eye(10)[y]), 5)


def or_through_ten_layers(seed: int) -> Recipe:
    """j: P1"""
    x = np.random.default_rng(0).integers(0, 2, (400, 2)).astype(float)
    model = mlp(2, *[2] * 12, 1, activation=nnx.sigmoid, last=nnx.sigmoid, seed=seed)
    return _recipe(model, bce, optax.adam(1e-3), _split(x, x.max(axis=1, keepdims=True)), 20, 10)


def xor_through_nine_layers(seed: int) -> Recipe:
    """j: P3"""
    model = mlp(2, *[5] * 9, 1, activation=nnx.sigmoid, last=nnx.sigmoid, seed=seed)
    return _recipe(model, bce, optax.sgd(0.1), _gate(), 1000, 4)


def softmax_before_cross_entropy(seed: int) -> Recipe:
    """k: softmax before a loss of scores, with a rate that needs its gradient."""
    model = mlp(2, 16, 2, activation=nnx.tanh, last=nnx.softmax, seed=seed)
    return _recipe(model, scores, optax.sgd(0.1), _circles(), 20)


def stretched_targets(seed: int) -> Recipe:
    """k: (n,) against (n, 1), by hand."""
    x = np.random.default_rng(0).standard_normal((600, 4))
    y = np.sin(x[:, 0]) + 0.5 * x[:, 1]
    return _recipe(mlp(4, 32, 1, activation=nnx.tanh, seed=seed), lambda a, y: (a - y) ** 2, optax.adam(1e-2),
                   _split(x, y), 30)  # fmt: skip


def _digits(scale: float = 16.0, shuffled: bool = False) -> tuple[Arrays, Arrays]:
    x, y = load_digits(return_X_y=True)
    return _split(x / scale, np.random.default_rng(1).permutation(y) if shuffled else y)


def images_to_255(seed: int) -> Recipe:
    """k: images in 0 to 255."""
    model = mlp(64, 32, 32, 10, activation=nnx.sigmoid, seed=seed)
    return _recipe(model, scores, optax.sgd(0.1), _digits(16 / 255), 10)


def eval_left_on(seed: int) -> Recipe:
    """k: ``eval()`` left on, where only normalised layers let a gradient through; PyTorch's momentum."""
    streams, layers = nnx.Rngs(seed), []
    for width in (2, *[16] * 9):
        layers += [linear(width, 16, streams), nnx.BatchNorm(16, momentum=0.9, rngs=streams), nnx.sigmoid]
    model = nnx.Sequential(*layers, linear(16, 2, streams))
    model.eval()
    return _recipe(model, scores, optax.adam(1e-2), _circles(), 20)


def frozen_backbone(seed: int) -> Recipe:
    """k: a frozen backbone by accident, as it was drawn, and small."""
    model = mlp(64, 64, 64, 10, seed=seed)
    for layer in (model.layers[0], model.layers[2]):
        layer.kernel[...] = layer.kernel * 0.02
    head = nnx.All(nnx.Param, lambda path, _: 4 in path)
    return _recipe(model, scores, nnx.Optimizer(model, optax.adam(1e-3), wrt=head), _digits(), 10)


def shuffled_labels(seed: int) -> Recipe:
    """k: labels shuffled: there is nothing to learn."""
    return _recipe(mlp(64, 32, 10, seed=seed), scores, optax.adam(1e-2), _digits(shuffled=True), 10)


WELL: dict[Callable[[int], Recipe], float] = {
    one_unit_of_softmax: 1.0, square_blobs: 1.0, fourth_power: 0.97, xor_by_absolute_error: 1.0, mpg_slow: 0.85,
    mpg_softmax: 0.85, mpg_decayed: 0.85, twelve_sigmoids: 0.83, eight_exponentials: 0.85,
    tiny_weights: 0.85, images_at_a_rate_of_3: 0.85, or_through_ten_layers: 1.0, xor_through_nine_layers: 1.0,
    softmax_before_cross_entropy: 0.95, stretched_targets: 0.95, images_to_255: 0.95, eval_left_on: 0.85,
    frozen_backbone: 0.95,
}  # fmt: skip
"""As `torch_recipes.WELL`: what the same recipes reach when they are well.

Raw cars are not among them: from Flax' first weights, without biases, they reach .78 as they are.
"""
