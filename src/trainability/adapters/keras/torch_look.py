"""A Keras step on the PyTorch backend, by the trace that watches PyTorch's own models."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import torch

from trainability.adapters.keras.facts import (
    kinds_of,
    number,
    of_step,
    parameters_of,
    see_inputs,
    see_layers,
    see_loss,
    see_optimizer,
)
from trainability.adapters.keras.names import loss_name, loss_of
from trainability.adapters.keras.resting import Resting
from trainability.adapters.record import Record
from trainability.adapters.torch.layers import seen, thinned, traced_layers
from trainability.adapters.torch.look import Look, parameters_in
from trainability.adapters.torch.loss import last_activation
from trainability.adapters.torch.loss import see_loss as see_traced_loss
from trainability.adapters.torch.names import ACTIVATIONS
from trainability.adapters.torch.penalty import penalized
from trainability.adapters.torch.watch import Watch, harmless
from trainability.core.chart import Origin


class TorchLook(Watch):
    """See `adapters.keras.watch.Look`. It is entered for the one step that it looks at."""

    def __init__(self, model: Any, record: Record):
        super().__init__(model)
        self.keras: Any = model
        self.record = record
        self.used: set[str] = set()
        self.raw = False
        self._losses: list[float] = []
        self._resting = Resting(model, record)
        self._updated = -1

    def plain(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        tracker = self.keras._loss_tracker
        before = tracker.total.value.item(), tracker.count.value.item()
        result = function(*arguments)
        after = tracker.total.value.item(), tracker.count.value.item()
        self._losses.append(of_step(before, after, result.get("loss")))
        return result

    def watched(self, step: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, bool]:
        model = self.keras
        x, y, _ = keras.utils.unpack_x_y_sample_weight(arguments[0][0])
        self._step = self._moment = step
        self._names = {id(variable.value): name for name, variable in parameters_of(model).items()}
        self._given = x, y, None
        see_layers(model, self.record, len(keras.tree.flatten(x)[0]))
        see_optimizer(model, self.record, lambda variable: variable.value)
        self._held = {id(variable.value) for variable in model.optimizer._trainable_variables}
        updates = number(model.optimizer.iterations)
        self._before_step()
        model.__dict__["_compute_loss"] = self._noting(model._compute_loss)
        try:
            with self:
                try:
                    result = self.plain(function, arguments)
                except RuntimeError:  # as PyTorch's binary cross-entropy answers NaN
                    self._broken(step)
                    raise
                if self._look is None:
                    self.record.moment(step, [])
                else:
                    self._measure(self._look)
        finally:
            del model.__dict__["_compute_loss"]
        self._after_step()
        if number(model.optimizer.iterations) > updates:
            self._updated = step
        self.used |= {self._names[each] for each in self._used if each in self._names}
        return result, True

    @harmless
    def _before_step(self) -> None:
        self._resting.before(lambda variable: variable.value)

    @harmless
    def _after_step(self) -> None:
        self._resting.after(lambda variable: variable.value)
        if self.record.origin is None and math.isfinite(self._losses[-1]):
            self._see_gradients(self._losses[-1])

    def _see_gradients(self, loss: float) -> None:
        """Note which parameter, the nearest to the loss, got a gradient that is not finite from a loss that is."""
        named = [(name, variable.value.grad) for name, variable in parameters_of(self.keras).items()]
        bad = [name for name, gradient in named if gradient is not None and not torch.isfinite(gradient).all()]
        if bad:
            self.record.origin = Origin(bad[-1].rpartition(".")[0], self._step, "backward", abs(loss))

    def _noting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def compute_loss(x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
            self._given = x, y, y_pred
            return original(x, y, y_pred, *args, **kwargs)

        return compute_loss

    def _broken(self, step: int) -> None:
        """A step failed; if that was for a number that is not finite, note where it came from."""
        self._trace.recording = False
        operations = self._trace.operations
        outputs = [op.output.detach() for op in operations if op.output.is_floating_point()]
        if all(torch.isfinite(output).all() for output in outputs) or self.record.origin is not None:
            return
        look = Look(outputs[-1], operations, traced_layers(operations, self._names), 1.0)
        self.record.origin = look.first_bad(self._names.keys(), step)
        self.record.moment(step, [seen(layer, trained=True) for layer in look.layers])
        self._losses.append(math.nan)

    def _take_in(self, look: Look) -> None:
        """Nothing: it was all there before the backward pass."""

    def _begin(self, look: Look) -> None:
        self._trace.recording = False  # what follows is the optimiser's
        if self._updated == self._step - 1:  # a step of the user's own has to zero what the last update used up
            gradients = [variable.value.grad for variable in self.keras.trainable_variables]
            self.record.accumulated |= any(one is not None and bool(one.any()) for one in gradients)
        root, operations = look.root, look.operations
        self._used |= {id(p) for op in operations for p in parameters_in(op)} & self._names.keys()
        self.record.penalized |= penalized(operations)
        look.layers = list({id(layer.weight): layer for layer in reversed(look.layers)}.values())[::-1]
        self._before = {id(layer.weight): thinned(layer.weight, layer.units_at).clone() for layer in look.layers}
        kinds = kinds_of(self.keras)
        for layer in look.layers:
            layer.kind = kinds.get(self._names[id(layer.weight)], layer.kind)
        x, y, y_pred = self._given
        fed = self._inputs(look)
        self.raw = see_inputs(self.record, fed, x)
        known = loss_name(loss_of(self.keras))
        if known is None or y_pred is None:
            see_traced_loss(self.record.loss, root, operations)
        else:
            made = last_activation(keras.tree.flatten(y_pred)[0], operations)
            last = ACTIVATIONS[made.name] if made else None
            see_loss(self.keras, self.record, known, y, y_pred, last, fed)

    def losses(self) -> list[float]:
        found, self._losses = self._losses, []
        return found
