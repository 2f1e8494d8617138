"""One forward and one backward pass of a Keras model that is not to be changed."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
from keras.src.random.seed_generator import global_seed_generator

from trainability.adapters.keras.watch import Watch
from trainability.core.chart import Chart
from trainability.core.errors import SpecError


def seen_once(model: Any, batch: tuple[Any, Any], loss: Any) -> Chart:
    """What a step of a copy at a rate of 0 shows; the model and Keras' random numbers stay as they are.

    Raises:
        SpecError: the model cannot be copied.
    """
    state = global_seed_generator().state
    kept = keras.ops.copy(state.value)
    try:
        copied = keras.models.clone_model(model)
        copied.build(model.input_shape)
        copied.set_weights(model.get_weights())
    except (ValueError, AttributeError, NotImplementedError, TypeError) as error:
        raise SpecError(f"this {type(model).__name__} cannot be copied, so it cannot be tried once: {error}") from error
    finally:
        state.assign(kept)
    copied.compile(keras.optimizers.SGD(0.0), loss)
    with Watch(copied) as watched:
        copied.train_on_batch(*batch)
    if watched.failed is not None:
        raise watched.failed
    seen = watched.chart()
    unmoved = {"update_ratio": np.full_like(seen.signs["update_ratio"], np.nan)}  # at a rate of 0 it says nothing
    return dataclasses.replace(seen, optimizer=None, signs={**seen.signs, **unmoved})
