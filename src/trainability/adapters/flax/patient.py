"""A Flax NNX recipe that is being changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import optax
from flax import nnx

from trainability.adapters.flax.rewired import Change, Forward, Rewired, forward
from trainability.adapters.jax.layers import TracedLayer
from trainability.adapters.jax.loss import traced_loss
from trainability.adapters.jax.trace import program
from trainability.core.errors import SpecError
from trainability.core.recipe import Recipe

LOOKED: Final = 64
"""Samples of the forward pass in which layers are looked for."""


@dataclass
class Patient:
    """What it starts from is the recipe as it is.

    Attributes:
        optimizer: an optax transformation; `wrt` chooses the variables that it moves.
        answer: from the model's output to what is scored; the identity but for a changed output or scaled targets.
        targets: from targets to those that are trained on; the identity but for scaled ones.
        swapped: the hidden activation that was put in; None for those that were there.
        changes: one for each hidden layer, where there are any.
        bare: whether the output activation is left out.
    """

    model: nnx.Module
    loss: Callable[[Any, Any], Any]
    optimizer: optax.GradientTransformation
    wrt: Any
    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    epochs: int
    batch_size: int
    seed: int
    answer: Callable[[Any], Any] = lambda output: output
    targets: Callable[[Any], Any] = lambda targets: targets
    swapped: str | None = None
    changes: list[Change] = field(default_factory=list)
    bare: bool = False
    _forward: Forward | None = None

    @classmethod
    def of(cls, recipe: Recipe, seed: int) -> Patient:
        """The recipe as it is; SpecError where it is not one of Flax'."""
        if not isinstance(recipe.model, nnx.Module):
            raise SpecError(f"a recipe's model is an nnx.Module here, got {type(recipe.model).__name__}")
        tx, wrt = recipe.optimizer, nnx.Param
        if isinstance(tx, nnx.Optimizer):
            tx, wrt = tx.tx, tx.wrt
        if not isinstance(tx, optax.GradientTransformation):
            raise SpecError(f"a recipe's optimizer is an optax transformation here, got {type(tx).__name__}")
        if not callable(recipe.loss):
            raise SpecError(f"a recipe's loss is a function of answers and targets, got {recipe.loss!r}")
        train, validation = (tuple(_array(part) for part in pair) for pair in (recipe.train, recipe.validation))
        return cls(
            recipe.model, recipe.loss, tx, wrt, (train[0], train[1]), (validation[0], validation[1]), recipe.epochs,
            recipe.batch_size, seed,
        )  # fmt: skip

    def look(self) -> Forward:
        """The model's forward pass, as the recipe has it."""
        if self._forward is None:
            self._forward = forward(self.model, self.train[0][:LOOKED])
        return self._forward

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Of the model's answer, samples first."""
        made = self.look().program
        return made.shapes[made.root]

    def loss_name(self) -> str:
        """What the recipe's loss is, as far as it is known; see `core.chart.LossFacts`."""
        output, targets = np.zeros(self.output_shape, np.float32), self.train[1][:LOOKED]
        made = program(lambda given, y: scalar(self.loss(given["answers"], y)), {"answers": output}, [targets], {})
        return traced_loss(made).name

    @property
    def hidden(self) -> tuple[TracedLayer, ...]:
        """The layers before the output layer; SpecError where there is none."""
        if not self.look().hidden:
            raise SpecError("this model has no hidden layer that this could be done to")
        return self.look().hidden

    def changed(self) -> list[tuple[TracedLayer, Change]]:
        """Every hidden layer, with what becomes of it, to be added to."""
        if not self.changes:
            self.changes = [Change() for _ in self.hidden]
        return list(zip(self.hidden, self.changes, strict=True))

    def rewire(self) -> None:
        """Put the changes into effect; parameters that they bring are trained too."""
        if not self.changes and not self.bare:
            return
        changes = self.changes or [Change() for _ in self.look().hidden]
        self.model = Rewired(self.model, changes, self.bare)
        if self.wrt is not nnx.Param:
            self.wrt = _within(self.wrt)


def _within(wrt: Any) -> Callable[[tuple[Any, ...], Any], bool]:
    """What `wrt` chooses of the model inside of a `Rewired`, and every parameter that was added."""
    chosen, parameter = nnx.filterlib.to_predicate(wrt), nnx.filterlib.to_predicate(nnx.Param)

    def choose(path: tuple[Any, ...], value: Any) -> bool:
        return chosen(path[1:], value) if path[0] == "model" else parameter(path, value)

    return choose


def scalar(loss: Any) -> Any:
    """A loss; of one value for each sample their mean."""
    return loss.mean() if loss.ndim else loss


def _array(part: Any) -> np.ndarray:
    """In NumPy, in the types that JAX has."""
    array = np.asarray(part)
    return array.astype({"f": np.float32, "i": np.int32}[array.dtype.kind]) if array.dtype.kind in "fi" else array
