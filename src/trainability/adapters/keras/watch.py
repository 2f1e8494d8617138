"""Watching one Keras model's `fit` and `train_on_batch`: when to look, and what goes into the chart."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any, Final, Protocol

import keras

from trainability.adapters.keras.facts import parameters_of, see_layers, see_optimizer
from trainability.adapters.moments import next_moment
from trainability.adapters.record import Record
from trainability.core.chart import Chart, ParameterFacts
from trainability.core.errors import SpecError

BACKENDS: Final = ("jax", "torch")
"""Those whose steps can be watched."""

COLLECTED: Final = 64
"""Losses are fetched after so many steps: a fetch waits for the step that computes it."""


class Look(Protocol):
    """A step as one backend does it.

    Attributes:
        used: names of the parameters that a watched step used.
    """

    used: set[str]

    def plain(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Do a step; only its loss is noted."""
        ...

    def watched(self, step: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Do a step and put all that can be seen of it into the record."""
        ...

    def losses(self) -> list[float]:
        """The losses of the steps since the last call."""
        ...


class Watch:
    """Watches the training of `model` while it is entered; `chart` is what was seen so far.

    The training itself is untouched: the same numbers come out, bit for bit, and nothing stays behind.

    Raises:
        SpecError: Keras runs on a backend whose steps cannot be watched.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        self.record = Record("keras")
        self._look = _look(model, self.record)
        self.validation: list[tuple[int, float]] = []
        self._step, self._moment = 0, 0
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Watch:
        from trainability.adapters.keras.hooks import hooked

        self._undo.enter_context(hooked(lambda model: self if model is self.model else None))
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def step(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Do what Keras' own function of one step does."""
        if self._step % COLLECTED == 0:
            self.collect()
        if self._step < self._moment and not self._surprised():
            result = self._look.plain(function, arguments)
        else:
            result = self._look.watched(self._step, function, arguments)
        self._step += 1
        if self._step > self._moment:
            self._moment = next_moment(self._moment)
        return result

    def _surprised(self) -> bool:
        """Whether the last loss that is known is not finite and where that came from is not."""
        losses = self.record.losses
        return bool(losses) and not math.isfinite(losses[-1]) and self.record.origin is None

    def validated(self, loss: float) -> None:
        """Note the loss on held-out data."""
        self.validation.append((self._step, loss))

    def collect(self) -> None:
        """Bring the losses so far into the record."""
        self.record.losses += self._look.losses()

    def chart(self) -> Chart:
        """What was seen so far."""
        self.collect()
        held = {id(variable) for variable in getattr(self.model.optimizer, "_trainable_variables", [])}
        return self.record.chart(
            [
                ParameterFacts(
                    name, math.prod(variable.shape), bool(variable.trainable), id(variable) in held,
                    not self._look.used or name in self._look.used,
                )
                for name, variable in parameters_of(self.model).items()
            ]
        )  # fmt: skip


def check_backend() -> str:
    """Keras' backend; SpecError for one whose steps cannot be watched."""
    backend = keras.backend.backend()
    if backend not in BACKENDS:
        raise SpecError(
            f"Keras runs on '{backend}', whose training cannot be watched; set KERAS_BACKEND to {' or '.join(BACKENDS)} "
            "before it is imported"
        )
    return backend


def _look(model: keras.Model, record: Record) -> Look:
    if check_backend() == "torch":
        from trainability.adapters.keras.torch_look import TorchLook

        return TorchLook(model, record)
    from trainability.adapters.keras.jax_look import JaxLook

    return JaxLook(model, record)
