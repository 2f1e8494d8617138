"""What the zoo's Keras runs are made of: how they are compiled and fitted, data, and small networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import layers

from tests.zoo.data import Arrays

ops: Any = keras.ops
Case = Callable[[], "Run"]


@dataclass
class Run:
    """A model and how it is trained.

    Attributes:
        steps: about as many, in whole epochs.
        fitting: more arguments of `fit`.
        then: what follows `fit`.
    """

    model: Any
    loss: Any
    optimizer: Any
    data: tuple[Any, Any]
    steps: int = 200
    batch: int = 32
    validation: Arrays | None = None
    fitting: Mapping[str, Any] = field(default_factory=dict)
    then: Callable[[Any], Any] = field(default=lambda model: None)

    def train(self) -> None:
        """As anybody does it."""
        x, y = self.data
        samples = len(keras.tree.flatten(x)[0])
        epochs = max(1, round(self.steps / math.ceil(samples / self.batch)))
        self.model.compile(self.optimizer, self.loss)
        self.model.fit(x, y, self.batch, epochs, validation_data=self.validation, verbose=0, **self.fitting)
        self.then(self.model)


def mlp(*widths: int, hidden: Any = "relu", last: Any = None, **more: Any) -> keras.Sequential:
    """Dense layers; `more` is for the hidden ones."""
    parts: list[Any] = [keras.Input((widths[0],))]
    parts += [layers.Dense(units, hidden, **more) for units in widths[1:-1]]
    return keras.Sequential([*parts, layers.Dense(widths[-1], last)])


def adam(rate: float = 1e-2, **more: Any) -> Any:
    return keras.optimizers.Adam(rate, **more)


def sgd(rate: Any, **more: Any) -> Any:
    return keras.optimizers.SGD(rate, **more)


def simple(model: Any, pair: tuple[Any, Any], loss: Any, rate: float = 1e-2, **more: Any) -> Run:
    """A run with Adam."""
    return Run(model, loss, adam(rate), pair, **more)


def scores_of_classes() -> Any:
    """Cross-entropy of scores and whole numbers."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def score_of_one() -> Any:
    """Binary cross-entropy of one score."""
    return keras.losses.BinaryCrossentropy(from_logits=True)


def column(pair: Arrays) -> Arrays:
    """Labels as a column of 0.0 and 1.0."""
    x, y = pair
    return x, y[:, None].astype(np.float32)


def binary_cross_entropy(y: Any, p: Any) -> Any:
    """As many write it themselves."""
    return -ops.mean(y * ops.log(p + 1e-7) + (1 - y) * ops.log(1 - p + 1e-7))


def first(pair: Arrays, samples: int) -> Arrays:
    """The first samples."""
    return pair[0][:samples], pair[1][:samples]


def only(*backends: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a case that is written for some backends, as a step of one's own is, or ill on some alone."""

    def mark(case: Callable[..., Any]) -> Callable[..., Any]:
        case.backends = backends  # pyright: ignore[reportFunctionMemberAccess]
        return case

    return mark
