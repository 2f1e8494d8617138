"""A look at a Keras step that is evaluated once more, beside the compiled one: what JAX's and TensorFlow's share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from trainability.adapters.failed import say_failed
from trainability.adapters.jax.look import Look
from trainability.adapters.keras.facts import see_inputs, see_loss
from trainability.adapters.keras.names import Known, loss_name, loss_of, several_losses
from trainability.adapters.keras.resting import Resting
from trainability.adapters.record import Record


class Again:
    """See `adapters.keras.watch.Look`."""

    def __init__(self, model: Any, record: Record):
        self.model, self.record = model, record
        self.used: set[str] = set()
        self.raw = False
        self.failed: Exception | None = None
        self.resting = Resting(model, record)

    @property
    def usual(self) -> bool:
        """Whether the model's step is Keras' own: of another the loss is not known."""
        return type(self.model).train_step is keras.Model.train_step

    @contextlib.contextmanager
    def harmless(self) -> Iterator[None]:
        """A mistake of ours is told once, and the training goes on."""
        try:
            yield
        except Exception as error:
            self.failed = error
            say_failed(self.model, error)

    def known(self) -> Known:
        """Name and kind of the model's loss; None for one that Keras does not know."""
        return loss_name(loss_of(self.model))

    def note(self, seen: Look, step: int, x: Any, y: Any) -> None:
        """Note what was looked at; Keras itself says more surely than the trace what its losses are."""
        fed = seen.fed()
        self.raw = see_inputs(self.record, fed, x)
        output, known = seen.facts.output, self.known()
        seen.note(self.record, step, inputs=False, loss=known is None or output is None)
        if known is not None and output is not None:
            see_loss(self.model, self.record, known, y, seen.value(output), seen.facts.last, fed)
        self.record.loss.alone &= not several_losses(self.model)
        self.used |= seen.used
