"""Watching one Keras model's `fit` and `train_on_batch`: when to look, and what goes into the chart."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import keras
import numpy as np

from trainability.adapters.keras.facts import as_compared, parameters_of, rows_of, takes_labels
from trainability.adapters.keras.fitted import Fitted, observed_recipe
from trainability.adapters.moments import next_moment
from trainability.adapters.record import Record
from trainability.adapters.validation import MOST_BATCHES, ROWS
from trainability.core.chart import Chart, Origin, ParameterFacts
from trainability.core.errors import SpecError
from trainability.core.recipe import Recipe

BACKENDS: Final = ("jax", "tensorflow", "torch")
"""Those whose steps can be watched."""

COLLECTED: Final = 64
"""Losses are fetched after so many steps: a fetch waits for the step that computes it."""


class Look(Protocol):
    """A step as one backend does it.

    Attributes:
        used: names of the parameters that a watched step used.
        raw: whether the first of them met the inputs as the model was given them.
        failed: the mistake of ours after which it looks no more, or None.
    """

    used: set[str]
    raw: bool
    failed: Exception | None

    def plain(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Do a step; only its loss is noted."""
        ...

    def watched(self, step: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, bool]:
        """Do a step and put all that can be seen of it into the record; whether it was worth a look."""
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

    def __init__(self, model: Any):
        self.model = model
        self.record = Record("keras")
        self.fits: list[Fitted] = []
        self._look = _look(model, self.record)
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
        looked = False
        if self._step < self._moment and not self._surprised():
            result = self._look.plain(function, arguments)
        else:
            result, looked = self._look.watched(self._step, function, arguments)
        if looked and self._step >= self._moment:
            self._moment = next_moment(self._step)
        self._step += 1
        return result

    def _surprised(self) -> bool:
        """Whether the last loss that is known is not finite and where that came from is not."""
        losses = self.record.losses
        return bool(losses) and not math.isfinite(losses[-1]) and self.record.origin is None

    def fitted(self, arguments: Mapping[str, Any]) -> None:
        """Note what `fit` is about to do, by the names of its arguments."""
        self.fits.append(Fitted.of(self.model, arguments))

    def validated(self, loss: float, x: Any = None, y: Any = None) -> None:
        """Note the loss on held-out data, and the data where they are arrays."""
        seen = self.record.validation
        if seen.wants_data and hasattr(x, "shape") and hasattr(y, "shape") and len(x):
            rows = np.linspace(0, len(x) - 1, min(len(x), MOST_BATCHES * ROWS)).astype(int)
            output = self.record.loss.output.shape
            for chosen in np.array_split(rows, -(-len(rows) // ROWS)):
                inputs, target = rows_of(x, chosen), as_compared(rows_of(y, chosen), output)
                seen.see(inputs if self._look.raw else None, target, takes_labels(self.model))
        seen.add(self._step, [loss])

    def collect(self) -> None:
        """Bring the losses so far into the record."""
        self.record.losses += self._look.losses()

    def recipe(self) -> Callable[[int], Recipe]:
        """The recipe of the watched training; SpecError where it cannot be told."""
        return observed_recipe(self.model, self.fits)

    @property
    def failed(self) -> Exception | None:
        """The mistake of ours after which it looks no more, or None."""
        return self._look.failed

    def _see_bad_data(self) -> None:
        """Note that the data spoiled the loss, of which else the weights a step later tell first."""
        if self.record.origin is not None and self.record.origin.direction == "inputs":  # known already
            return
        spoiled = [step for step, loss in enumerate(self.record.losses) if not math.isfinite(loss)]
        for fit in self.fits if spoiled else []:
            for targets in fit.bad("y"):
                self.record.origin = Origin("targets", spoiled[0], "inputs", math.nan)
                self.record.loss.target.add(targets)
            if fit.bad("x"):
                self.record.origin = Origin("inputs", spoiled[0], "inputs", math.nan)

    def chart(self) -> Chart:
        """What was seen so far."""
        self.collect()
        self._see_bad_data()
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
            f"Keras runs on '{backend}', whose training cannot be watched; set KERAS_BACKEND to "
            f"{', '.join(BACKENDS[:-1])} or {BACKENDS[-1]} before it is imported"
        )
    return backend


def _look(model: Any, record: Record) -> Look:
    backend = check_backend()
    if backend == "torch":
        from trainability.adapters.keras.torch_look import TorchLook as Made
    elif backend == "jax":
        from trainability.adapters.keras.jax_look import JaxLook as Made
    else:
        from trainability.adapters.keras.tensorflow_look import TensorflowLook as Made
    return Made(model, record)
