"""Training a Keras recipe, as it is or changed by operations."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any, Final

import keras
import numpy as np

from trainability.adapters.keras.facts import number
from trainability.adapters.keras.names import loss_name, loss_of
from trainability.adapters.keras.operations import BY_KIND
from trainability.adapters.keras.patient import Patient
from trainability.adapters.keras.rates import optimizer_of
from trainability.adapters.keras.watch import Watch
from trainability.adapters.operations import steps
from trainability.adapters.scoring import metric_name, score
from trainability.core.operation import Operation, in_order
from trainability.core.recipe import Outcome, Recipe

SCORED: Final = 4096
"""Held-out samples that are answered at once."""
PROBABILITIES: Final = "should be between 0 and 1"
"""What PyTorch says of answers that are no probabilities, numbers or not."""


def train(make: Callable[[int], Recipe], operations: tuple[Operation, ...], seed: int, watch: bool = False) -> Outcome:
    """Make the recipe of `seed`, change it, train it and score it; see `core.recipe.Trainer`."""
    keras.utils.set_random_seed(seed)
    recipe = make(seed)
    patient = Patient.of(recipe, seed)
    for operation in in_order(operations):
        BY_KIND[operation.kind](patient, operation.value)
    patient.rewire()
    if patient.critical is not None:
        from trainability.theory import init_

        init_("keras", patient.model, activation=patient.critical, seed=seed)
    model = patient.model
    model.compile(optimizer_of(*patient.optimizer, patient.factor, patient.schedule, steps(patient)), patient.loss)
    watched = Watch(model) if watch else None
    (x, y), (held_out, targets) = patient.train, patient.validation
    # Watched or not: on PyTorch an evaluation moves the random numbers on, and with them the next epoch's order.
    evaluated = held_out, patient.targets(targets)
    with watched or contextlib.nullcontext():
        try:
            model.fit(
                x, y, patient.batch_size, patient.epochs, verbose=0, callbacks=[_EndOnNaN()], validation_data=evaluated
            )  # fmt: skip
        except RuntimeError as error:
            if not broken(error, np.asarray(model.predict(x, SCORED, verbose=0))):
                raise
    known = loss_name(loss_of(model))
    answers = patient.answer(np.asarray(model.predict(held_out, SCORED, verbose=0)))
    return Outcome(
        score=score(answers, targets, recipe.metric, logits=known is not None and known[0] == "bce_with_logits"),
        metric=metric_name(recipe.metric, targets),
        cost=_cost(patient),
        planned=patient.epochs * len(x),
        chart=watched.chart() if watched else None,
    )


def broken(error: RuntimeError, answers: np.ndarray) -> bool:
    """Whether it is how PyTorch's binary cross-entropy answers NaN; with dropout, only training's answers may be that.

    Args:
        answers: in evaluation mode.
    """
    if not np.isfinite(answers).all():
        return True
    return PROBABILITIES in str(error) and bool(((answers >= 0) & (answers <= 1)).all())


class _EndOnNaN(keras.callbacks.Callback):
    """Ends a training whose loss is not finite; Keras' own looks at every batch, and prints."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        model: Any = self.model
        model.stop_training |= not math.isfinite(float((logs or {}).get("loss", 0.0)))


def _cost(patient: Patient) -> int:
    """The samples that went through a step; where the loss became NaN, training ended early."""
    per_epoch = -(-len(patient.train[0]) // patient.batch_size)
    whole, rest = divmod(int(number(patient.model.optimizer.iterations)), per_epoch)
    return whole * len(patient.train[0]) + rest * patient.batch_size
