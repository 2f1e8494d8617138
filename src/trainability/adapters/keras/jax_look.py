"""A Keras step on the JAX backend: the model's own pure functions, evaluated once more."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import keras

from trainability.adapters.jax.look import Look, look
from trainability.adapters.keras.again import Again
from trainability.adapters.keras.facts import Values, of_step, parameters_of, see_layers, see_optimizer
from trainability.adapters.keras.names import several_losses
from trainability.adapters.record import Record

PATIENCE: Final = 8
"""Batches of new shapes that are let go by before one is compiled for."""


class JaxLook(Again):
    """A step whose function is pure.

    Keras' function of one step gets the whole state and gives the next one; it takes the memory of the arrays that it
    gets. What is compiled for training stays as it is, so that its results do too.
    """

    def __init__(self, model: Any, record: Record):
        super().__init__(model, record)
        self._kept: dict[Any, Callable[..., Any]] = {}
        self._means: list[tuple[Any, Any, Any]] = []
        self._shapes: set[tuple[Any, ...]] = set()
        self._waited = 0
        self._last: tuple[Any, ...] = ()
        self._places: tuple[Any, list[int]] = (None, [])
        self._copy = jax.jit(lambda parts: jax.numpy.stack(parts))

    def plain(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        state, iterator = arguments
        if self._places[0] is not function:  # compiled anew, perhaps with other metrics
            tracker, known = self.model._loss_tracker, self.model.metrics_variables
            self._places = function, [_place(known, variable) for variable in (tracker.total, tracker.count)]
        places = self._places[1]
        fresh = [state[3][place] for place in places]
        # Whatever is not what the last step gave was set anew: at an epoch's start, or by the user.
        same = len(self._last) == 3 and all(a is b for a, b in zip(fresh, self._last[:2], strict=True))
        before = self._last[2] if same else self._copy(fresh)
        logs, state = function(state, iterator)
        fresh = [state[3][place] for place in places]
        after = self._copy(fresh)
        self._last = (*fresh, after)
        self._means.append((before, after, logs.get("loss") if isinstance(logs, dict) else None))
        return logs, state

    def losses(self) -> list[float]:
        found = [of_step(*means) for means in self._means]
        self._means = []
        return found

    def watched(self, step: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, bool]:
        state, iterator = arguments
        batch = next(iterator)
        if self.failed is not None or not self._fits(batch):
            return self.plain(function, (state, itertools.chain([batch], iterator))), False
        x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
        see_layers(self.model, self.record, len(keras.tree.flatten(x)[0]))
        see_optimizer(self.model, self.record, self._values(state))
        with self.harmless():
            self.resting.before(self._values(state))
        seen = None
        if self.usual:
            with self.harmless():
                seen = self._look(state, x, y, weights)
                self.note(seen, step, x, y)
        result = self.plain(function, (state, itertools.chain([batch], iterator)))
        if self.failed is None:
            with self.harmless():
                self.resting.after(self._values(result[1]))
        if seen is not None and self.failed is None:
            with self.harmless():
                after = self._values(result[1])
                named = parameters_of(self.model)
                self.record.moment(step, seen.layers({name: after(variable) for name, variable in named.items()}))
        return result, True

    def _fits(self, batch: Any) -> bool:
        """Whether to look at a batch: one of another shape than before, as an epoch's last, would be compiled for."""
        shape = tuple(getattr(part, "shape", ()) for part in keras.tree.flatten(batch))
        if self._shapes and shape not in self._shapes and self._waited < PATIENCE:
            self._waited += 1
            return False
        self._shapes.add(shape)
        self._waited = 0
        return True

    def _look(self, state: Sequence[Any], x: Any, y: Any, weights: Any) -> Look:
        model = self.model
        named = {id(variable): name for name, variable in parameters_of(model).items()}
        value = self._values(state)

        def loss(parameters: dict[str, Any], x: Any, y: Any, weights: Any) -> Any:
            trainable, others = (
                [parameters[named[id(v)]] if id(v) in named else value(v) for v in variables]
                for variables in (model.trainable_variables, model.non_trainable_variables)
            )
            more = {"training": True, "optimizer_variables": state[2]}
            _, (unscaled, *_) = model.compute_loss_and_updates(trainable, others, state[3], x, y, weights, **more)
            return unscaled

        parameters = {name: value(variable) for name, variable in parameters_of(model).items()}
        trained = [named[id(variable)] for variable in model.trainable_variables if id(variable) in named]
        own = {str(i): part for i, part in enumerate(part for parts in state[1:] for part in parts)}
        return look(loss, parameters, (x, y, weights), trained, own, self._kept, first=several_losses(model))

    def _values(self, state: Sequence[Any]) -> Values:
        """From a variable to its value in a state; what the state does not hold has its own."""
        model = self.model
        held = (
            model.trainable_variables, model.non_trainable_variables, model.optimizer.variables, model.metrics_variables
        )  # fmt: skip
        pairs = itertools.chain(
            *(zip(variables, values, strict=True) for variables, values in zip(held, state, strict=True))
        )
        found = {id(variable): value for variable, value in pairs}

        def value(variable: Any) -> Any:
            known = found.get(id(variable))
            return variable.value if known is None else known  # within a fit the variable itself may hold none

        return value


def _place(variables: Sequence[Any], wanted: Any) -> int:
    return next(i for i, variable in enumerate(variables) if variable is wanted)
