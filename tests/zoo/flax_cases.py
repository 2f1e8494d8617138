"""Flax NNX's part of the zoo: each case trains a few lines' network under a watch."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from tests.zoo.data import Arrays, circles, digits, line

scores = optax.softmax_cross_entropy_with_integer_labels


@dataclass
class Run:
    """A model, its optimiser and the loop's parts; `loss` is of the answers and the targets."""

    model: nnx.Module
    optimizer: nnx.Optimizer
    data: Arrays
    loss: Callable[[Any, Any], Any]
    steps: int = 300
    batch: int = 32
    wrt: Any = nnx.Param

    def step(self) -> Callable[..., Any]:
        """The training step, as anybody writes it."""
        loss, wrt = self.loss, self.wrt

        @nnx.jit
        def train_step(model: nnx.Module, optimizer: nnx.Optimizer, x: Any, y: Any) -> Any:
            def loss_fn(model: Any) -> Any:
                return loss(model(x), y).mean()

            value, grads = nnx.value_and_grad(loss_fn, argnums=nnx.DiffState(0, wrt))(model)
            optimizer.update(model, grads)
            return value

        return train_step

    def train(self, step: Callable[..., Any]) -> None:
        """The loop around it."""
        x, y = self.data
        order = np.random.default_rng(0)
        for _ in range(self.steps):
            rows = order.integers(0, len(x), self.batch)
            step(self.model, self.optimizer, x[rows], y[rows])


def lecun(key: Any, shape: tuple[int, ...], dtype: Any = jnp.float32, **_: Any) -> Any:
    """First weights of deviation 1/√fan_in, from NumPy: Flax' own compile a program for every shape."""
    seed = int(jax.random.key_data(key)[-1])
    return np.random.default_rng(seed).normal(0, np.prod(shape[:-1]) ** -0.5, shape).astype(np.float32)


def mlp(*widths: int, activation: Any = nnx.relu, last: Any = None, seed: int = 0, init: Any = lecun) -> nnx.Sequential:
    """Linear layers with an activation between them."""
    rngs = nnx.Rngs(seed)
    parts: list[Any] = []
    for i, (a, b) in enumerate(itertools.pairwise(widths)):
        parts += [
            nnx.Linear(a, b, kernel_init=init, rngs=rngs),
            *([activation] if i < len(widths) - 2 and activation else []),
        ]
    return nnx.Sequential(*parts, *([last] if last else []))


def run(
    model: nnx.Module, data: Arrays, loss: Any, rate: float = 1e-2, tx: Any = None, wrt: Any = nnx.Param, **more: Any
) -> Run:
    """With Adam, unless another transformation is given."""
    return Run(model, nnx.Optimizer(model, tx or optax.adam(rate), wrt=wrt), data, loss, wrt=wrt, **more)


def column(data: Arrays) -> Arrays:
    """Labels as a column of numbers."""
    return data[0], data[1][:, None].astype(np.float32)


def bce(p: Any, y: Any) -> Any:
    """Of probabilities, by hand, as optax has none."""
    p = jnp.clip(p, 1e-7, 1 - 1e-7)
    return -(y * jnp.log(p) + (1 - y) * jnp.log(1 - p))


def double_softmax() -> Run:
    return run(mlp(64, 32, 10, last=nnx.softmax), digits(), scores)


def double_sigmoid() -> Run:
    return run(mlp(2, 32, 1, last=nnx.sigmoid), column(circles()), optax.sigmoid_binary_cross_entropy)


def frozen_backbone() -> Run:
    model = mlp(64, 64, 64, 10)
    for layer in (model.layers[0], model.layers[2]):
        layer.kernel[...] = layer.kernel * 0.02
    head = nnx.All(nnx.Param, lambda path, _: 4 in path)
    return run(model, digits(), scores, tx=optax.adam(1e-3), wrt=head)


class Normalized(nnx.Module):
    def __init__(self, rate: float = 0.3):
        rngs = nnx.Rngs(0)
        self.into, self.out = (
            nnx.Linear(64, 64, kernel_init=lecun, rngs=rngs),
            nnx.Linear(64, 10, kernel_init=lecun, rngs=rngs),
        )
        self.norm, self.drop = nnx.BatchNorm(64, rngs=rngs), nnx.Dropout(rate, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.out(self.drop(nnx.relu(self.norm(self.into(x)))))


def eval_left_on() -> Run:
    model = Normalized()
    model.eval()
    return run(model, digits(), scores)


class Detached(nnx.Module):
    def __init__(self) -> None:
        self.before, self.after = mlp(2, 16, 16, last=nnx.relu), mlp(16, 2)

    def __call__(self, x: Any) -> Any:
        return self.after(jax.lax.stop_gradient(self.before(x)))


def detached() -> Run:
    return run(Detached(), circles(), scores)


def broadcast_by_hand() -> Run:
    x, y = line()
    return run(mlp(4, 32, 1), (x, y[:, 0]), lambda a, b: (a - b) ** 2)


def raw_images() -> Run:
    return run(mlp(64, 32, 32, 10, activation=nnx.sigmoid), digits(16 / 255), scores, tx=optax.sgd(0.1))


def twelve_sigmoids() -> Run:
    return run(mlp(2, *[16] * 12, 2, activation=nnx.sigmoid), circles(), scores)


def eight_exponentials() -> Run:
    return run(mlp(2, *[16] * 8, 2, activation=jnp.exp), circles(), scores)


def tiny_weights() -> Run:
    def small(key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        return np.random.default_rng(len(shape)).uniform(-1e-3, 1e-3, shape).astype(np.float32)

    model = mlp(2, 32, 32, 32, 32, 2, init=small)
    return run(model, circles(), scores, tx=optax.sgd(0.05))


def linear_with_a_rate_of_3() -> Run:
    x, y = digits()
    model = mlp(64, 64, 64, 10, activation=None)
    return run(model, (x, np.eye(10, dtype=np.float32)[y]), optax.squared_error, tx=optax.sgd(3.0))


def rate_too_low() -> Run:
    return run(mlp(4, 64, 64, 1), line(), optax.squared_error, rate=1e-6)


def raw_targets() -> Run:
    x, y = line()
    return run(mlp(4, 64, 64, 1), (x, 3000 + 800 * y), optax.squared_error, rate=1e-3)


def softmax_output_for_a_regression() -> Run:
    return run(mlp(4, 64, 1, last=nnx.softmax), line(), optax.squared_error)


def decay_too_strong() -> Run:
    tx = optax.chain(optax.add_decayed_weights(1.0), optax.adam(1e-2))
    return run(mlp(64, 64, 10), digits(), scores, tx=tx)


def negated() -> Run:
    return run(mlp(2, 32, 2), circles(), lambda a, b: -scores(a, b))


def all_equal() -> Run:
    model = mlp(2, 32, 32, 2, activation=nnx.tanh, init=nnx.initializers.constant(0.1))
    return run(model, circles(), scores)


def summed() -> Run:
    model = mlp(4, 64, 64, 1)
    return run(model, line(), lambda a, b: optax.squared_error(a, b).sum(), tx=optax.sgd(0.05), batch=256)


def rate_gone() -> Run:
    return run(mlp(64, 32, 10), digits(), scores, tx=optax.sgd(optax.exponential_decay(0.1, 1, 0.5)))


SICK: dict[Callable[[], Run], tuple[str, ...]] = {
    double_softmax: ("double-softmax",),
    double_sigmoid: ("double-softmax",),
    frozen_backbone: ("parameters-frozen",),
    eval_left_on: ("eval-mode-in-training",),
    detached: ("graph-detached",),
    broadcast_by_hand: ("loss-broadcast",),
    raw_images: ("inputs-unscaled",),
    twelve_sigmoids: ("vanishing-gradient", "activation-saturating"),
    eight_exponentials: ("activation-explosive",),
    tiny_weights: ("init-small",),
    linear_with_a_rate_of_3: ("learning-rate-high", "activation-missing"),
    rate_too_low: ("learning-rate-low",),
    raw_targets: ("targets-unscaled",),
    softmax_output_for_a_regression: ("output-activation",),
    decay_too_strong: ("over-regularized",),
    negated: ("loss-sign",),
    all_equal: ("init-symmetric",),
    summed: ("loss-reduction",),
    rate_gone: ("schedule-wrong",),
}
"""A case to the codes of which one must be among the first two findings."""


def relu_mlp() -> Run:
    return run(mlp(64, 64, 64, 10), digits(), scores, rate=3e-3)


def gelu_regression() -> Run:
    return run(mlp(4, 64, 64, 1, activation=nnx.gelu), line(), optax.squared_error, steps=600)


def frozen_on_purpose() -> Run:
    """Random features under a trained head, which suffices for the digits."""
    head = nnx.All(nnx.Param, lambda path, _: 2 in path)
    return run(mlp(64, 512, 10), digits(), scores, wrt=head)


def normalised() -> Run:
    return run(Normalized(), digits(), scores, rate=3e-3)


class Convolution(nnx.Module):
    def __init__(self) -> None:
        rngs = nnx.Rngs(0)
        self.first, self.second = (
            nnx.Conv(1, 8, (3, 3), kernel_init=lecun, rngs=rngs),
            nnx.Conv(8, 16, (3, 3), kernel_init=lecun, rngs=rngs),
        )
        self.out = nnx.Linear(256, 10, kernel_init=lecun, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = nnx.max_pool(nnx.relu(self.first(x.reshape(-1, 8, 8, 1))), (2, 2), (2, 2))
        return self.out(nnx.relu(self.second(x)).reshape(len(x), -1))


def convolution() -> Run:
    return run(Convolution(), digits(), scores, rate=5e-3)


class Attention(nnx.Module):
    """A transformer block over the rows of a picture."""

    def __init__(self) -> None:
        rngs = nnx.Rngs(0)
        self.into, self.out = (
            nnx.Linear(8, 32, kernel_init=lecun, rngs=rngs),
            nnx.Linear(256, 10, kernel_init=lecun, rngs=rngs),
        )
        self.norm, self.attention = (
            nnx.LayerNorm(32, rngs=rngs),
            nnx.MultiHeadAttention(4, 32, decode=False, kernel_init=lecun, rngs=rngs),
        )

    def __call__(self, x: Any) -> Any:
        x = self.into(x.reshape(-1, 8, 8))
        return self.out(nnx.relu(x + self.attention(self.norm(x))).reshape(len(x), -1))


def transformer() -> Run:
    return run(Attention(), digits(), scores, rate=3e-3)


class Recurrent(nnx.Module):
    def __init__(self) -> None:
        rngs = nnx.Rngs(0)
        self.cell, self.out = (
            nnx.RNN(nnx.GRUCell(8, 48, kernel_init=lecun, recurrent_kernel_init=lecun, rngs=rngs)),
            nnx.Linear(48, 10, kernel_init=lecun, rngs=rngs),
        )

    def __call__(self, x: Any) -> Any:
        return self.out(self.cell(x.reshape(-1, 8, 8))[:, -1])


def recurrent() -> Run:
    return run(Recurrent(), digits(), scores, steps=500)


def probabilities_with_bce() -> Run:
    return run(mlp(2, 32, 32, 1, last=nnx.sigmoid), column(circles()), bce)


def cross_entropy_by_hand() -> Run:
    def loss(a: Any, y: Any) -> Any:
        return -jnp.take_along_axis(nnx.log_softmax(a), y[:, None], axis=1)

    return run(mlp(64, 64, 10), digits(), loss, rate=3e-3)


def cosine_schedule() -> Run:
    tx = optax.sgd(optax.cosine_decay_schedule(0.3, 300), momentum=0.9)
    return run(mlp(64, 64, 10), digits(), scores, tx=tx)


HEALTHY: tuple[Callable[[], Run], ...] = (
    relu_mlp, gelu_regression, frozen_on_purpose, normalised, convolution, transformer, recurrent,
    probabilities_with_bce, cross_entropy_by_hand, cosine_schedule,
)  # fmt: skip
"""Runs that learn: nothing may be said of them."""
