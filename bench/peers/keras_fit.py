"""Keras on JAX: `model.fit` on one network, one epoch per step, since all rows are one batch.

For full batches, two classes and Adam.

Its Adam adds epsilon before it corrects the bias, where PyTorch and optax add it after. This moves the losses after the
check: by 0.001 in most networks, by up to 0.5 in those whose gradients begin near zero.
"""

from __future__ import annotations

import functools
import os
import time
from typing import Any

import numpy as np

from bench import measurement
from bench.measurement import COMPARED, Check, Measurement, Setting
from bench.works import Work

NAME = "Keras fit"
SLOW_START = False


@functools.cache
def _model(work: Work) -> tuple[Any, float]:
    """The compiled model, kept for all networks of the process, and the seconds of its first step."""
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    layers = [keras.layers.Dense(b, activation="relu") for _, b in work.widths[:-1]]
    model = keras.Sequential([keras.Input(work.rows[0].shape[1:]), *layers, keras.layers.Dense(1)])
    model.compile(
        optimizer=keras.optimizers.Adam(work.lr, epsilon=1e-8), loss=keras.losses.BinaryCrossentropy(from_logits=True)
    )
    begun = time.perf_counter()
    _fit(model, work, 1)
    return model, time.perf_counter() - begun


def _fit(model: Any, work: Work, epochs: int) -> None:
    x, y = work.rows
    model.fit(x, y, batch_size=len(x), epochs=epochs, shuffle=False, verbose=0)


class _Trainer:
    def __init__(self, work: Work, setting: Setting, first: int):
        self.work = work
        self.model, self.compile_seconds = _model(work)
        self.model.set_weights([part[0] for layer in work.initial(1, first) for part in layer])
        rate = self.model.optimizer.learning_rate
        for variable in self.model.optimizer.variables:  # Adam's averages and its count of steps
            if variable is not rate:
                variable.assign(np.zeros(variable.shape))

    def advance(self, steps: int) -> int:
        _fit(self.model, self.work, steps)
        return steps

    def outputs(self) -> np.ndarray:
        return np.asarray(self.model(self.work.rows[0]))[None]


def measure(seconds: float, work: Work) -> Measurement:
    """One network at a time."""
    return measurement.measure(_Trainer, (Setting(1),), seconds, work)


def check(work: Work) -> Check:
    """A few networks, one after another."""
    return measurement.check(_Trainer, work, COMPARED, tolerance=0.005)
