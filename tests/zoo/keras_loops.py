"""Keras' own ways to train, and steps of one's own, which are written for PyTorch's backend."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import torch
from keras import layers

from tests.zoo.data import circles, digits, line
from tests.zoo.keras_run import (
    Case,
    Run,
    adam,
    first,
    mlp,
    only,
    score_of_one,
    scores_of_classes,
    simple,
)  # fmt: skip


class OwnStep(keras.Model):
    """A step as Keras' guide writes it for PyTorch."""

    def __init__(self, parts: Any, training: bool = True, zero: bool = True):
        super().__init__()
        self.parts, self.in_training, self.zero = parts, training, zero

    def call(self, x: Any, training: bool | None = None) -> Any:
        return self.parts(x, training=training)

    def train_step(self, data: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, y = data
        answers = self(x, training=True) if self.in_training else self(x)
        loss = self.compute_loss(y=y, y_pred=answers)
        if self.zero:
            self.zero_grad()  # pyright: ignore[reportAttributeAccessIssue]
        assert loss is not None
        loss.backward()
        with torch.no_grad():
            self.optimizer.apply([v.value.grad for v in self.trainable_weights], self.trainable_weights)
        return {"loss": loss}


@only("torch")
def no_zero_grad() -> Run:
    return simple(OwnStep(mlp(2, 32, 2), zero=False), circles(), scores_of_classes())


@only("torch")
def eval_left_on() -> Run:
    """Without ``training=True`` a call answers as in evaluation."""
    parts = [layers.Dense(64), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.3), layers.Dense(10)]
    return simple(OwnStep(keras.Sequential([keras.Input((64,)), *parts]), False), digits(), scores_of_classes())


SICK_LOOPS: dict[Case, tuple[str, ...]] = {
    no_zero_grad: ("zero-grad-missing",),
    eval_left_on: ("eval-mode-in-training",),
}


@only("torch")
def own_step() -> Run:
    parts = [layers.Dense(64), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.3), layers.Dense(10)]
    return simple(OwnStep(keras.Sequential([keras.Input((64,)), *parts])), digits(), scores_of_classes())


class Halves(OwnStep):
    """Two optimisers that hold half of the network each."""

    def train_step(self, data: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, y = data
        loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        self.zero_grad()  # pyright: ignore[reportAttributeAccessIssue]
        assert loss is not None
        loss.backward()
        inner, head = self.parts.layers
        with torch.no_grad():
            for optimizer, layer in ((self.second, inner), (self.optimizer, head)):
                optimizer.apply([v.value.grad for v in layer.trainable_weights], layer.trainable_weights)
        return {"loss": loss}


@only("torch")
def two_optimisers() -> Run:
    model = Halves(mlp(64, 64, 10))
    model.second = adam(3e-3)
    return simple(model, digits(), scores_of_classes(), rate=3e-3)


class Adversarial(keras.Model):
    """A generator and a critic that take turns, as in Keras' guide."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.critic, self.second = mlp(2, 32, 2), mlp(2, 32, 1), adam(2e-3)
        self.compare = score_of_one()

    def call(self, x: Any) -> Any:
        return self.generator(x)

    def train_step(self, data: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        real, _ = data
        one, zero = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        fake = self.generator(torch.randn(len(real), 2))
        loss = self.compare(one, self.critic(real)) + self.compare(zero, self.critic(fake.detach()))
        self._step(loss, self.critic, self.second)
        deceived = self.compare(one, self.critic(fake))
        self._step(deceived, self.generator, self.optimizer)
        return {"loss": deceived}

    def _step(self, loss: Any, part: Any, optimizer: Any) -> None:
        self.zero_grad()  # pyright: ignore[reportAttributeAccessIssue]
        loss.backward()
        with torch.no_grad():
            optimizer.apply([v.value.grad for v in part.trainable_weights], part.trainable_weights)


@only("torch")
def generator() -> Run:
    """The game's losses say nothing of how well it goes; they may only not be taken for an illness."""
    return simple(Adversarial(), circles(), None, rate=2e-3)


def accumulated() -> Run:
    optimizer = adam(3e-3, gradient_accumulation_steps=4)
    return Run(mlp(64, 64, 10), scores_of_classes(), optimizer, digits(), steps=900, batch=8)


def half_precision() -> Run:
    half = keras.DTypePolicy("mixed_bfloat16")
    parts = [layers.Dense(64, "relu", dtype=half), layers.Dense(10)]
    return simple(keras.Sequential([keras.Input((64,)), *parts]), digits(), scores_of_classes(), rate=3e-3)


def another_head() -> Run:
    """A frozen trunk gets another head, and is compiled and fitted again."""
    model = mlp(64, 64, 64, 10)

    def another_task(model: Any) -> None:
        for layer in model.layers[:-1]:
            layer.trainable = False
        model.pop()
        model.add(layers.Dense(10))
        model.compile(adam(), scores_of_classes())
        model.fit(*digits(), epochs=4, verbose=0)

    return simple(model, digits(), scores_of_classes(), rate=3e-3, then=another_task)


def batch_by_batch() -> Run:
    """``train_on_batch`` in a loop."""
    x, y = digits()

    def loop(model: Any) -> None:
        for _ in range(4):
            for rows in np.array_split(np.random.permutation(len(x)), 56):
                model.train_on_batch(x[rows], y[rows])

    return simple(mlp(64, 64, 10), first(digits(), 64), scores_of_classes(), rate=3e-3, steps=2, then=loop)


def weighted_classes() -> Run:
    x, y = digits()
    kept = np.concatenate([np.flatnonzero(y != 3), np.flatnonzero(y == 3)[:60]])
    pair = x[kept], (y[kept] == 3).astype(np.int32)
    weights = {"class_weight": {0: 1.0, 1: 10.0}}
    return simple(mlp(64, 64, 2), pair, scores_of_classes(), rate=3e-3, steps=400, fitting=weights)


def weighted_samples() -> Run:
    x, y = digits()
    weights = {"sample_weight": np.random.default_rng(0).uniform(0.5, 1.5, len(x)).astype(np.float32)}
    return simple(mlp(64, 64, 10), (x, y), scores_of_classes(), rate=3e-3, fitting=weights)


def called_back() -> Run:
    """The callbacks that most trainings have, and a part of the data held out by `fit`."""
    callbacks = [
        keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(patience=1),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.9 * rate),
    ]
    more = {"callbacks": callbacks, "validation_split": 0.2}
    return simple(mlp(64, 64, 10), digits(), scores_of_classes(), rate=5e-3, steps=300, fitting=more)


def validated() -> Run:
    x, y = digits()
    held = x[1200:], y[1200:]
    return simple(mlp(64, 64, 10), first((x, y), 1200), scores_of_classes(), rate=3e-3, steps=300, validation=held)


def two_inputs() -> Run:
    x, y = line()
    left, right = keras.Input((2,)), keras.Input((2,))
    joined = layers.Concatenate()([layers.Dense(32, "relu")(left), layers.Dense(32, "relu")(right)])
    model = keras.Model([left, right], layers.Dense(1)(layers.Dense(64, "relu")(joined)))
    return simple(model, ([x[:, :2], x[:, 2:]], y), "mse", steps=400)


HEALTHY_LOOPS: tuple[Case, ...] = (
    own_step, two_optimisers, generator, accumulated, half_precision, another_head, batch_by_batch, weighted_classes,
    weighted_samples, called_back, validated, two_inputs,
)  # fmt: skip
