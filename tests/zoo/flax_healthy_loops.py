"""Runs that learn by loops, networks and data of other kinds: nothing may be said of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine, make_moons

from tests.zoo.data import Arrays, circles, digits, line
from tests.zoo.files import CARS, IMAGES, cars, images, needs
from tests.zoo.flax_modules import Halves, Loop, Tied, TwoHeads, Words
from tests.zoo.flax_run import Run, draw, evaluated, he, linear, mlp, rngs, run, scores
from trainability import Recipe


def table(data: Any) -> Arrays:
    """A data set of scikit-learn, inputs standardised."""
    x, y = data
    return ((x - x.mean(0)) / x.std(0)).astype(np.float32), y.astype(np.int32 if y.dtype.kind == "i" else np.float32)


@dataclass
class Uncompiled(Run):
    def step(self) -> Callable[..., Any]:
        return super().step().__wrapped__


@dataclass
class Scaled(Run):
    """Half precision, with a loss that is scaled and gradients that are scaled back."""

    scale: float = 2.0**12

    def step(self) -> Callable[..., Any]:
        loss, scale = self.loss, self.scale

        @nnx.jit
        def train_step(model: nnx.Module, optimizer: nnx.Optimizer, x: Any, y: Any) -> Any:
            def loss_fn(model: Any) -> Any:
                return loss(model(x).astype(jnp.float32), y).mean() * scale

            value, grads = nnx.value_and_grad(loss_fn)(model)
            optimizer.update(model, jax.tree.map(lambda g: g / scale, grads))
            return value / scale

        return train_step


@dataclass
class FromStateToState(Run):
    """Flax' functional way: a compiled step takes the state apart from the module, and hands back the next one."""

    def step(self) -> Callable[..., Any]:
        graph, _ = nnx.split((self.model, self.optimizer))
        update = super().step().__wrapped__

        @jax.jit
        def train_step(state: Any, x: Any, y: Any) -> Any:
            model, optimizer = nnx.merge(graph, state)
            loss = update(model, optimizer, x, y)
            return nnx.state((model, optimizer)), loss

        return train_step

    def train(self, step: Callable[..., Any]) -> None:
        state = nnx.state((self.model, self.optimizer))
        for x, y in self.rows(self.steps):
            state, _ = step(state, x, y)


@dataclass
class Adversarial(Run):
    """A generator, `model`, and a critic that take turns; one part's losses and gradients are none of the other's."""

    def step(self) -> Callable[..., Any]:
        loss = self.loss

        @nnx.jit
        def train_step(
            model: Any, optimizer: nnx.Optimizer, critic: Any, second: nnx.Optimizer, real: Any, noise: Any
        ) -> Any:
            fake = model(noise)
            one, zero = jnp.ones((len(real), 1)), jnp.zeros((len(real), 1))

            def told_apart(critic: Any) -> Any:
                return (loss(critic(real), one) + loss(critic(fake), zero)).mean()

            def taken_for_real(model: Any) -> Any:
                return loss(critic(model(noise)), one).mean()

            second.update(critic, nnx.grad(told_apart)(critic))
            value, grads = nnx.value_and_grad(taken_for_real)(model)
            optimizer.update(model, grads)
            return value

        return train_step

    def train(self, step: Callable[..., Any]) -> None:
        critic, noise = mlp(2, 32, 1, seed=1), draw()
        second = nnx.Optimizer(critic, optax.adam(2e-3), wrt=nnx.Param)
        for x, _ in self.rows(self.steps):
            z = noise.standard_normal((self.batch, 2)).astype(np.float32)
            step(self.model, self.optimizer, critic, second, x, z)


@dataclass
class TwoOptimizers(Run):
    """Each holds half of the network; the watch is told of neither."""

    def step(self) -> Callable[..., Any]:
        loss = self.loss

        @nnx.jit
        def train_step(model: Any, first: nnx.Optimizer, second: nnx.Optimizer, x: Any, y: Any) -> Any:
            value, grads = nnx.value_and_grad(lambda model: loss(model(x), y).mean())(model)
            first.update(model, grads)
            second.update(model, grads)
            return value

        return train_step

    def train(self, step: Callable[..., Any]) -> None:
        both = [
            nnx.Optimizer(self.model, optax.adam(3e-3), wrt=nnx.All(nnx.Param, nnx.PathContains(half)))
            for half in ("before", "after")
        ]
        for x, y in self.rows(self.steps):
            step(self.model, *both, x, y)


@dataclass
class AnotherHead(Run):
    """After 200 steps a new head is trained, by a new optimiser; the rest stays as it is."""

    def train(self, step: Callable[..., Any]) -> None:
        model: Any = self.model
        optimizer = nnx.Optimizer(model, optax.adam(3e-3), wrt=nnx.Param)
        for i, (x, y) in enumerate(self.rows(self.steps)):
            if i == 200:
                model.layers[4] = linear(64, 10, nnx.Rngs(1))
                head = nnx.All(nnx.Param, lambda path, _: 4 in path)
                optimizer = nnx.Optimizer(model, optax.adam(1e-2), wrt=head)
            step(model, optimizer, x, y)


def uncompiled() -> Run:
    made = run(mlp(2, 16, 2), circles(), scores, rate=0.1, steps=25)
    return Uncompiled(**vars(made))


def from_state_to_state() -> Run:
    return FromStateToState(**vars(run(mlp(64, 64, 10), digits(), scores, rate=3e-3)))


def accumulated() -> Run:
    tx = optax.MultiSteps(optax.adam(3e-3), 4)
    return run(mlp(64, 64, 10), digits(), scores, tx=tx, batch=8, steps=800)


def half_precision() -> Run:
    return Scaled(**vars(run(mlp(64, 64, 10, dtype=jnp.bfloat16), digits(), scores, rate=3e-3)))


def generator() -> Run:
    """The game's losses say nothing of how well it goes; they may only not be taken for an illness."""
    made = run(mlp(2, 32, 2), circles(), optax.sigmoid_binary_cross_entropy, rate=2e-3)
    return Adversarial(**vars(made))


def two_optimisers() -> Run:
    streams = rngs()
    model = Halves(nnx.Sequential(linear(64, 64, streams), nnx.relu), linear(64, 10, streams))
    return TwoOptimizers(**{**vars(run(model, digits(), scores)), "optimizer": None})


def another_head() -> Run:
    made = run(mlp(64, 64, 64, 10), digits(), scores, steps=500)
    return AnotherHead(**{**vars(made), "optimizer": None})


def one_epoch() -> Run:
    return run(mlp(64, 128, 10), digits(), scores, rate=5e-3, steps=56)


def two_epochs_of_plain_descent() -> Run:
    return run(mlp(64, 64, 10), digits(), scores, tx=optax.sgd(0.5), steps=112)


def validated() -> Recipe:
    x, y = digits()
    return evaluated(mlp(64, 64, 10), (x[:1200], y[:1200]), (x[1200:], y[1200:]), scores, 3e-3, 13)


def noisy_regression() -> Recipe:
    """Half of the variance is noise, so that no network gets far below it."""
    x, y = table(load_diabetes(return_X_y=True))
    y = ((y - y.mean()) / y.std())[:, None]
    return evaluated(mlp(10, 32, 1), (x[:350], y[:350]), (x[350:], y[350:]), optax.squared_error, 1e-2, 36)


def noisy_moons() -> Run:
    data = table(make_moons(1000, noise=0.35, random_state=0))
    return run(mlp(2, 32, 32, 2), data, scores, rate=5e-3, steps=400)


def wine_with_momentum() -> Run:
    data = table(load_wine(return_X_y=True))
    return run(mlp(13, 16, 3), data, scores, tx=optax.sgd(0.05, momentum=0.9), steps=150)


def tumours_of_plain_descent() -> Run:
    data = table(load_breast_cancer(return_X_y=True))
    return run(mlp(30, 16, 2, activation=nnx.tanh), data, scores, tx=optax.sgd(0.1))


def samples_one_by_one() -> Run:
    return run(mlp(2, 32, 2), circles(), scores, rate=3e-3, batch=1, steps=1500)


@needs(CARS)
def miles() -> Run:
    tx = optax.chain(optax.add_decayed_weights(1e-5), optax.adam(1e-3))
    return run(mlp(9, 64, 64, 1, init=he), cars(), optax.squared_error, tx=tx, steps=1000)


@needs(IMAGES)
def handwriting() -> Run:
    return run(mlp(784, 64, 10), images(), scores, rate=3e-3)


def tied_weights() -> Run:
    x, _ = digits()
    return run(Tied(), (x, x), optax.squared_error, rate=3e-3, steps=500)


def two_heads() -> Run:
    def loss(answers: tuple[Any, Any], y: Any) -> Any:
        return scores(answers[0], y).mean() + scores(answers[1], y % 2).mean()

    return run(TwoHeads(), digits(), loss, rate=3e-3, steps=400)


def embedded() -> Run:
    """Which of two words comes more often."""
    x = np.random.default_rng(0).integers(0, 50, (600, 12)).astype(np.int32)
    y = ((x < 10).sum(1) > (x >= 40).sum(1)).astype(np.int32)
    return run(Words(), (x, y), scores, rate=2e-2)


def recurrent_loop() -> Run:
    return run(Loop(), digits(), scores, rate=3e-3, steps=400)


def absolute_error_of_waves() -> Run:
    return run(mlp(4, 64, 64, 1, activation=nnx.silu), line(), optax.huber_loss, rate=5e-3, steps=500)
