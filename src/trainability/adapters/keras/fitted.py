"""What a Keras model's `fit` was given, and the recipe that it amounts to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np

from trainability.adapters.keras.layers import is_model, rebuilt
from trainability.core.errors import SpecError
from trainability.core.recipe import Recipe

HELD_OUT: Final = 0.2
"""Share of the data that is held out where a script holds out none."""
USUAL_BATCH: Final = 32
"""Keras' batch size where none is said."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A call of `fit`.

    Attributes:
        arguments: by name.
        optimizer: its class and settings at the beginning.
    """

    arguments: Mapping[str, Any]
    optimizer: tuple[type, dict[str, Any]]

    @classmethod
    def of(cls, model: Any, arguments: Mapping[str, Any]) -> Fitted:
        """The call that is about to happen."""
        return cls(dict(arguments), (type(model.optimizer), model.optimizer.get_config()))

    def bad(self, name: str) -> list[np.ndarray]:
        """Samples with a number that is not finite, of each array that an argument is or holds, if there are any."""
        found = []
        for part in keras.tree.flatten(self.arguments.get(name)):
            values = keras.ops.convert_to_numpy(part) if keras.ops.is_tensor(part) else part
            if isinstance(values, np.ndarray) and values.dtype.kind == "f" and values.ndim:
                rows = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
                found += [values[rows]] if rows.any() else []
        return found


def observed_recipe(model: Any, fits: list[Fitted]) -> Callable[[int], Recipe]:
    """The recipe of the first of the calls of `fit` of a model; callbacks are no part of it.

    A fresh model has the same layers with new weights; those that are frozen keep theirs. Where nothing was held out,
    the last fifth of the data is.

    Raises:
        SpecError: what was seen is not enough to do it again.
    """
    if not fits:
        raise SpecError(_BY_HAND.format("its training did not go through fit, so it cannot be done again"))
    given = fits[0].arguments
    for name in ("sample_weight", "class_weight", "steps_per_epoch"):
        if given.get(name) is not None:
            raise SpecError(_BY_HAND.format(f"a recipe has no {name}, which fit was given"))
    train, validation = _data(given)
    loss = model._compile_loss._user_loss if model._compile_loss is not None else None
    if loss is None or isinstance(loss, dict | list | tuple):
        raise SpecError(_BY_HAND.format("a recipe has one loss; this model was compiled with none, or with several"))
    kind, settings = fits[0].optimizer
    epochs, batch = int(given["epochs"]), int(given["batch_size"] or USUAL_BATCH)
    fresh(model, train[0][:1])

    def recipe(seed: int) -> Recipe:
        keras.utils.set_random_seed(seed)
        return Recipe(fresh(model, train[0][:1]), loss, kind.from_config(settings), train, validation, epochs, batch)

    recipe.__name__ = model.name
    return recipe


_BY_HAND: Final = "{}; write it as a recipe, a function of a seed in a file, and name it as FILE.PY:FUNCTION"


def fresh(model: Any, sample: np.ndarray) -> Any:
    """A model like this one with new weights, but for the frozen ones; `sample` is an input."""
    if is_model(model):
        made = rebuilt(model, {})
    else:
        try:
            made = type(model).from_config(model.get_config())
            made(sample)
        except (NotImplementedError, TypeError, AttributeError) as error:
            what = f"this {type(model).__name__} cannot be built anew from its settings"
            raise SpecError(_BY_HAND.format(what)) from error
    layers = zip(*(one._flatten_layers(include_self=False) for one in (model, made)), strict=True)
    for old, new in layers:
        if not old.trainable and old.weights and not list(old._layers):
            new.set_weights(old.get_weights())
    return made


def _data(given: Mapping[str, Any]) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Training and held-out arrays of a call of `fit`."""
    x, y = _arrays(given["x"], given["y"], "data")
    held_out = given.get("validation_data")
    if held_out is not None:
        if not isinstance(held_out, tuple | list) or len(held_out) < 2:
            raise SpecError(_BY_HAND.format("fit got held-out data that are no arrays"))
        return (x, y), _arrays(held_out[0], held_out[1], "held-out data")
    at = math.floor(len(x) * (1 - (given.get("validation_split") or HELD_OUT)))
    return (x[:at], y[:at]), (x[at:], y[at:])


def _arrays(x: Any, y: Any, what: str) -> tuple[np.ndarray, np.ndarray]:
    if not hasattr(x, "shape") or not hasattr(y, "shape"):
        raise SpecError(_BY_HAND.format(f"fit got {what} that are no pair of arrays, but {type(x).__name__}"))
    first, second = (
        np.asarray(part) if not keras.ops.is_tensor(part) else np.asarray(keras.ops.convert_to_numpy(part))
        for part in (x, y)
    )
    return first, second
