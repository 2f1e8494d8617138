"""A Keras recipe that is being changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from trainability.adapters.keras.layers import Change, Weighted, leaves, rebuilt, weighted
from trainability.core.errors import SpecError
from trainability.core.recipe import Recipe


@dataclass
class Patient:
    """What it starts from is the recipe as it is.

    Attributes:
        optimizer: class and settings; it is made when everything is decided.
        answer: from the model's output to what is scored, of arrays; the identity but for scaled targets.
        targets: from targets to those that are trained on; the identity but for scaled ones.
        factor, schedule: of the rate; None for the schedule that the optimiser has.
        swapped: the hidden activation that was put in; None for those that were there.
        critical: the activation whose critical weights are drawn; None for the layers' own initialisers.
        changes: layers to be changed, by id.
    """

    model: Any
    loss: Any
    optimizer: tuple[type, dict[str, Any]]
    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    epochs: int
    batch_size: int
    seed: int
    answer: Callable[[np.ndarray], np.ndarray] = lambda output: output
    targets: Callable[[np.ndarray], np.ndarray] = lambda targets: targets
    factor: float = 1.0
    schedule: str | None = None
    swapped: str | None = None
    critical: str | None = None
    changes: dict[int, Change] = field(default_factory=dict)

    @classmethod
    def of(cls, recipe: Recipe, seed: int) -> Patient:
        """The recipe as it is; SpecError where it is not one of Keras'."""
        if not isinstance(recipe.model, keras.Model):
            raise SpecError(f"a recipe's model is a keras.Model here, got {type(recipe.model).__name__}")
        try:
            optimizer: Any = keras.optimizers.get(recipe.optimizer)
            keras.losses.get(recipe.loss)
        except ValueError as error:
            raise SpecError(f"this recipe cannot be compiled: {str(error).splitlines()[0]}") from error
        train, validation = (tuple(_array(part) for part in pair) for pair in (recipe.train, recipe.validation))
        if not recipe.model.built:
            recipe.model(train[0][:1])
        return cls(
            recipe.model, recipe.loss, (type(optimizer), optimizer.get_config()), (train[0], train[1]),
            (validation[0], validation[1]), recipe.epochs, recipe.batch_size, seed,
        )  # fmt: skip

    @property
    def layers(self) -> list[Weighted]:
        """The layers with a kernel, the output layer last; SpecError where they cannot be told."""
        found = weighted(self.model) if hasattr(self.model, "layers") else []
        if not found:
            raise SpecError(f"this {type(self.model).__name__} has no layer with a kernel that could be changed")
        return found

    @property
    def hidden(self) -> list[Weighted]:
        """The layers before the output layer; SpecError where there is none."""
        if len(self.layers) < 2:
            raise SpecError("this model has no hidden layer that this could be done to")
        return self.layers[:-1]

    @property
    def leaves(self) -> list[Any]:
        """All layers that are no models themselves."""
        return list(leaves(self.model))

    def change(self, layer: Any) -> Change:
        """What becomes of a layer, to be added to."""
        return self.changes.setdefault(id(layer), Change())

    def rewire(self) -> None:
        """Put the changes into effect."""
        if self.changes:
            self.model = rebuilt(self.model, self.changes)


def _array(part: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(part) if keras.ops.is_tensor(part) else part)
