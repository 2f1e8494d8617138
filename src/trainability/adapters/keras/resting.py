"""Layers that a step of the user's own calls as in evaluation."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from trainability.adapters.keras.facts import DROPOUT, Values, layers_of
from trainability.adapters.record import Record


class Resting:
    """Notes batch normalisation and dropout that do nothing while training.

    In training, batch normalisation moves its averages and dropout its random state. Keras' own step calls the model in
    training mode; a layer that rests in it was told so on purpose. In a step of the user's own, ``training=True`` may
    have been forgotten: then all of them rest, in every step.
    """

    def __init__(self, model: Any, record: Record):
        self.model, self.record = model, record
        self._before: dict[str, np.ndarray] = {}
        self._awake = False

    def before(self, value: Values) -> None:
        """A step is about to be done; `value` gives a variable's value then."""
        own = type(self.model).train_step is not keras.Model.train_step
        self._before = self._states(value) if own and not self._awake else {}

    def after(self, value: Values) -> None:
        """The step is done."""
        if not self._before:
            return
        after = self._states(value)
        if all(np.array_equal(state, after[name]) for name, state in self._before.items()):
            self.record.evaluating |= self._before.keys()
        else:
            self._awake = True
            self.record.evaluating -= self._before.keys()

    def _states(self, value: Values) -> dict[str, np.ndarray]:
        found = {}
        for layer in layers_of(self.model):
            if isinstance(layer, keras.layers.BatchNormalization) and layer.built and layer.trainable:
                state: Any = layer.moving_mean
            elif isinstance(layer, DROPOUT) and layer.rate > 0:
                state = layer.seed_generator.state
            else:
                continue
            found[layer.name] = np.array(keras.ops.convert_to_numpy(value(state)))
        return found
