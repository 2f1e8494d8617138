"""Flax NNX runs as people write them, twins of PyTorch's that once were judged wrongly."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from tests.zoo.data import digits, line
from tests.zoo.flax_run import Run, column, linear, mlp, normal, rngs, run, scores
from tests.zoo.held_data import blobs, by_class, nodes, rare, sequences


def softmax_across_the_batch() -> Run:
    def picked(a: Any, y: Any) -> Any:
        return -jnp.take_along_axis(jax.nn.log_softmax(a, 0), y[:, None], 1)

    return run(mlp(10, 32, 20), blobs(20), picked, batch=4)


def square_maximised() -> Run:
    return run(mlp(4, 16, 1), line(), lambda a, y: -((a - y) ** 2).sum(1), steps=100)


class InOrder(Run):
    """A loop that takes the samples as they lie."""

    def rows(self, steps: int) -> Any:
        x, y = self.data
        for step in range(steps):
            rows = (step * self.batch + np.arange(self.batch)) % len(x)
            yield x[rows], y[rows]


def sorted_by_class() -> Run:
    model = mlp(12, 64, 6)
    return InOrder(
        model, nnx.Optimizer(model, optax.sgd(0.05, 0.9), wrt=nnx.Param), by_class(blobs(6, 12, 1200)), scores, 480, 10
    )


def features_lost() -> Run:
    _, y = blobs(2)
    return run(mlp(8, 16, 2), (np.zeros((len(y), 8), np.float32), y), scores, steps=150)


class _Recurrent(nnx.Module):
    def __init__(self, again: Callable[..., Any]):
        streams = rngs()
        self.into, self.again = linear(3, 32, streams), linear(32, 32, streams, kernel_init=again)
        self.out = linear(32, 1, streams)

    def __call__(self, x: Any) -> Any:
        at = jnp.zeros((len(x), 32))
        for moment in range(x.shape[1]):
            at = nnx.relu(self.into(x[:, moment]) + self.again(at))
        return self.out(at)


def recurrent_weights_too_large() -> Run:
    x, y = sequences()
    model = _Recurrent(normal(0.6 * 32**0.5))
    return run(model, (x[:, :30], y), lambda a, y: (a - y) ** 2, tx=optax.sgd(1e-2), steps=20)


def rare_class_and_plain_descent() -> Run:
    return run(mlp(8, 16, 2), rare(), scores, tx=optax.sgd(0.01), batch=64)


def quantiles() -> Run:
    q = jnp.array([0.1, 0.5, 0.9])
    return run(mlp(4, 64, 3), line(), lambda a, y: jnp.maximum(q * (y - a), (q - 1) * (y - a)), rate=5e-3, steps=500)


def kernels_of_all_pairs() -> Run:
    """A sample of a distribution, made from noise."""

    def near(a: Any, b: Any) -> Any:
        return jnp.exp(-((a[:, None] - b[None]) ** 2).sum(-1)).mean()

    noise, drawn = np.random.default_rng(0).standard_normal((2, 2000, 2)).astype(np.float32)
    return run(mlp(2, 32, 2), (noise, 0.4 * drawn + 1), lambda a, y: near(a, a) - 2 * near(a, y) + near(y, y), batch=64)


def gradient_penalty() -> Run:
    """A critic of what was made and what is real, whose slope between them is held at 1."""
    draw = np.random.default_rng(0)
    made, real = draw.standard_normal((2, 2000, 2))
    real = 0.5 * real + 2
    x = np.concatenate([made, real, real + draw.random((2000, 1)) * (made - real)], 1).astype(np.float32)

    def forward(model: Any, x: Any) -> Any:
        slope = jax.vmap(jax.grad(lambda z: model(z[None])[0, 0]))(x[:, 4:])
        steep = ((jnp.sqrt((slope**2).sum(1)) - 1) ** 2).mean()
        return model(x[:, :2]).mean() - model(x[:, 2:4]).mean() + 10 * steep

    return run(mlp(2, 32, 1), (x, x[:, 0]), lambda loss, y: loss, rate=1e-3, batch=64, forward=forward)


class _Followed(nnx.Module):
    def __init__(self) -> None:
        self.online, self.predictor, self.slow = mlp(16, 64, 16), mlp(16, 32, 16), mlp(16, 64, 16)

    def __call__(self, x: Any) -> Any:
        answer, wanted = self.predictor(self.online(x[:, :16])), jax.lax.stop_gradient(self.slow(x[:, 16:]))
        sizes = [jnp.sqrt((one**2).sum(1)) for one in (answer, wanted)]
        return 2 - 2 * ((answer * wanted).sum(1) / (sizes[0] * sizes[1])).mean()


class _Following(Run):
    """After each step a copy follows slowly."""

    def train(self, step: Callable[..., Any]) -> None:
        model: Any = self.model
        for rows in self.rows(self.steps):
            step(model, self.optimizer, *rows)
            fast, slow = nnx.state(model.online, nnx.Param), nnx.state(model.slow, nnx.Param)
            nnx.update(model.slow, jax.tree.map(lambda a, b: b + 0.02 * (a - b), fast, slow))


def slow_copy_as_target() -> Run:
    draw = np.random.default_rng(0)
    centres = draw.standard_normal((30, 16))[draw.integers(0, 30, 2000)]
    x = np.concatenate([centres, centres], 1) + 0.4 * draw.standard_normal((2000, 32))
    model = _Followed()
    optimizer = nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)
    return _Following(model, optimizer, (x.astype(np.float32), x[:, 0]), lambda loss, y: loss, 200, 64)


def two_losses_in_one() -> Run:
    def with_dice(a: Any, y: Any) -> Any:
        p, y = jax.nn.sigmoid(a), (y > 4).astype(jnp.float32)
        dice = 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)
        return optax.sigmoid_binary_cross_entropy(a, y).mean() + dice

    return run(mlp(64, 64, 1), column(digits()), with_dice, rate=3e-3)


def features_kept_by_no_grad() -> Run:
    """Drawn features that no gradient reaches on purpose, and a head."""
    streams = rngs()
    model = nnx.Sequential(linear(10, 256, streams), jax.lax.stop_gradient, linear(256, 3, streams))
    return run(model, blobs(3, apart=2.0), scores)


class _OnAGraph(nnx.Module):
    def __init__(self, near: np.ndarray):
        streams = rngs()
        self.near, self.one, self.two = copy.copy(near), linear(8, 16, streams), linear(16, 3, streams)

    def __call__(self, x: Any) -> Any:
        return self.near @ self.two(nnx.relu(self.near @ self.one(x)))


def nodes_of_a_graph() -> Run:
    near, (x, y) = nodes()
    model = _OnAGraph(near)
    return InOrder(model, nnx.Optimizer(model, optax.adam(1e-2), wrt=nnx.Param), (x, y), scores, 120, 150)


HELD_SICK: dict[Callable[[], Run], tuple[str, ...]] = {
    softmax_across_the_batch: ("output-activation",),
    square_maximised: ("loss-sign",),
    sorted_by_class: ("data-unshuffled",),
    features_lost: ("labels-unpaired",),
    recurrent_weights_too_large: ("init-large",),
    rare_class_and_plain_descent: ("class-imbalance",),
}
HELD_HEALTHY: tuple[Callable[[], Run], ...] = (
    quantiles, kernels_of_all_pairs, gradient_penalty, two_losses_in_one, slow_copy_as_target, features_kept_by_no_grad,
    nodes_of_a_graph,
)  # fmt: skip
