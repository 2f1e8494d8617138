"""What the zoo's Flax NNX runs are made of: the loop, data, and small networks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from tests.zoo.data import Arrays
from trainability import Recipe

scores = optax.softmax_cross_entropy_with_integer_labels
_drawn = {"seed": 0}


def manual_seed(seed: int) -> None:
    """What first weights, dropout and shuffled labels are drawn with from now on."""
    _drawn["seed"] = seed


def rngs() -> nnx.Rngs:
    """New streams of the seed that is set."""
    return nnx.Rngs(_drawn["seed"])


def draw() -> np.random.Generator:
    """NumPy's, of the seed that is set."""
    return np.random.default_rng(_drawn["seed"])


@dataclass
class Run:
    """A model, its optimiser and the loop's parts; `loss` is of the answers and the targets."""

    model: nnx.Module
    optimizer: nnx.Optimizer
    data: Arrays
    loss: Callable[[Any, Any], Any]
    steps: int = 300
    batch: int = 32
    forward: Callable[[Any, Any], Any] = field(default=lambda model, x: model(x))

    def step(self) -> Callable[..., Any]:
        """The training step, as anybody writes it."""
        loss, forward = self.loss, self.forward

        @nnx.jit
        def train_step(model: nnx.Module, optimizer: nnx.Optimizer, x: Any, y: Any) -> Any:
            def loss_fn(model: Any) -> Any:
                return loss(forward(model, x), y).mean()

            value, grads = nnx.value_and_grad(loss_fn, argnums=nnx.DiffState(0, optimizer.wrt))(model)
            optimizer.update(model, grads)
            return value

        return train_step

    def train(self, step: Callable[..., Any]) -> None:
        """The loop around it."""
        for rows in self.rows(self.steps):
            step(self.model, self.optimizer, *rows)

    def rows(self, steps: int) -> Any:
        """Batches, drawn with replacement."""
        x, y = self.data
        order = np.random.default_rng(0)
        for _ in range(steps):
            rows = order.integers(0, len(x), self.batch)
            yield x[rows], y[rows]


def normal(scale: float = 1.0) -> Callable[..., Any]:
    """First weights of deviation scale/√fan_in, from NumPy: Flax' own compile a program for every shape."""

    def drawn(key: Any, shape: tuple[int, ...], dtype: Any = jnp.float32, **_: Any) -> Any:
        return _of(key).normal(0, scale * np.prod(shape[:-1]) ** -0.5, shape).astype(np.float32)

    return drawn


def uniform(bound: float) -> Callable[..., Any]:
    """First weights, or biases, between -bound and bound."""

    def drawn(key: Any, shape: tuple[int, ...], dtype: Any = jnp.float32, **_: Any) -> Any:
        return _of(key).uniform(-bound, bound, shape).astype(np.float32)

    return drawn


def _of(key: Any) -> np.random.Generator:
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))


lecun, he = normal(), normal(2**0.5)


def linear(a: int, b: int, streams: nnx.Rngs, **more: Any) -> nnx.Linear:
    return nnx.Linear(a, b, rngs=streams, **{"kernel_init": lecun, **more})


def mlp(
    *widths: int, activation: Any = nnx.relu, last: Any = None, seed: int | None = None, init: Any = lecun, **more: Any
) -> nnx.Sequential:
    """Linear layers with an activation between them; `more` is for all of them."""
    streams = rngs() if seed is None else nnx.Rngs(seed)
    parts: list[Any] = []
    for i, (a, b) in enumerate(itertools.pairwise(widths)):
        parts += [
            linear(a, b, streams, kernel_init=init, **more),
            *([activation] if i < len(widths) - 2 and activation else []),
        ]
    return nnx.Sequential(*parts, *([last] if last else []))


def run(
    model: nnx.Module, data: Arrays, loss: Any, rate: float = 1e-2, tx: Any = None, wrt: Any = nnx.Param, **more: Any
) -> Run:
    """With Adam, unless another transformation is given."""
    return Run(model, nnx.Optimizer(model, tx or optax.adam(rate), wrt=wrt), data, loss, **more)


def evaluated(model: nnx.Module, train: Arrays, held: Arrays, loss: Any, rate: float, epochs: int) -> Recipe:
    """With Adam, and an evaluation after each epoch: what a recipe shows and the watch of a step does not see."""
    return Recipe(model, lambda a, y: loss(a, y).mean(), optax.adam(rate), train, held, epochs, 32)


def column(data: Arrays) -> Arrays:
    """Labels as a column of numbers."""
    return data[0], data[1][:, None].astype(np.float32)


def bce(p: Any, y: Any) -> Any:
    """Of probabilities, by hand, as optax has none."""
    p = jnp.clip(p, 1e-7, 1 - 1e-7)
    return -(y * jnp.log(p) + (1 - y) * jnp.log(1 - p))


def picked(log_probabilities: Any, y: Any) -> Any:
    """Minus what stands at the labels, by hand, as optax has no such loss either."""
    return -jnp.take_along_axis(log_probabilities, y[:, None], axis=1)


def absolute_error(a: Any, y: Any) -> Any:
    return jnp.abs(a - y)
