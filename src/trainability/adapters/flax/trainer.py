"""Training a Flax NNX recipe, as it is or changed by operations."""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from flax import nnx

from trainability.adapters.flax.compiled import Compiled
from trainability.adapters.flax.operations import BY_KIND
from trainability.adapters.flax.patient import Patient, scalar
from trainability.adapters.flax.watch import Watch
from trainability.adapters.scoring import metric_name, score
from trainability.adapters.validation import ROWS
from trainability.core.operation import Operation, in_order
from trainability.core.recipe import Outcome, Recipe

SCORED: Final = 4096
"""Held-out samples that are answered at once."""


def train(make: Callable[[int], Recipe], operations: tuple[Operation, ...], seed: int, watch: bool = False) -> Outcome:
    """Make the recipe of `seed`, change it, train it and score it; see `core.recipe.Trainer`."""
    random.seed(seed)
    np.random.seed(seed)
    recipe = make(seed)
    patient = Patient.of(recipe, seed)
    logits = patient.loss_name() == "bce_with_logits" and all(operation.kind != "output" for operation in operations)
    for operation in in_order(operations):
        BY_KIND[operation.kind](patient, operation.value)
    patient.rewire()
    optimizer = nnx.Optimizer(patient.model, patient.optimizer, wrt=patient.wrt)
    watched = Watch(patient.model, optimizer) if watch else None
    with watched or contextlib.nullcontext():
        cost = _fit(patient, optimizer, watched)
    held_out, targets = patient.validation
    answers = np.asarray(patient.answer(_answers(patient.model, held_out)))
    return Outcome(
        score=score(answers, targets, recipe.metric, logits),
        metric=metric_name(recipe.metric, targets),
        cost=cost,
        planned=patient.epochs * len(patient.train[0]),
        chart=watched.chart() if watched else None,
    )


def _fit(patient: Patient, optimizer: nnx.Optimizer, watched: Watch | None) -> int:
    """The loop; the number of samples that went through a step. It ends early where the loss is not finite."""
    step = _step(patient)
    if watched is None:
        with step.many(patient.model, optimizer) as taken:
            return _epochs(patient, taken)
    wrapped = watched.wrap(step)
    return _epochs(
        patient,
        lambda x, y: wrapped(patient.model, optimizer, x, y),
        lambda updates: _evaluate(patient, watched, updates),
    )


def _epochs(
    patient: Patient, step: Callable[[Any, Any], Any], after: Callable[[int], None] = lambda updates: None
) -> int:
    """As `_fit`; `after` each epoch gets the number of updates so far."""
    x, y = patient.train
    size, order = patient.batch_size, np.random.default_rng(patient.seed)
    cost, updates, last = 0, 0, 0.0
    for _ in range(patient.epochs):
        shuffled = order.permutation(len(x))
        for start in range(0, len(x), size):
            rows = shuffled[start : start + size]
            if len(rows) == 1 < size:
                continue  # batch normalisation cannot take a batch of one that is only the rest
            last = step(x[rows], y[rows])
            cost, updates = cost + len(rows), updates + 1
        if not math.isfinite(float(last)):
            break
        after(updates)
    return cost


def _step(patient: Patient) -> Compiled:
    loss, wrt = patient.loss, patient.wrt

    def step(model: nnx.Module, optimizer: nnx.Optimizer, x: Any, y: Any) -> Any:
        def loss_of(model: Any) -> Any:
            return scalar(loss(model(x), y))

        value, gradient = nnx.value_and_grad(loss_of, argnums=nnx.DiffState(0, wrt))(model)
        optimizer.update(model, gradient)
        return value

    return Compiled(step)


def _evaluate(patient: Patient, watched: Watch, updates: int) -> None:
    """Tell the watch the loss on held-out samples."""
    x, y = (part[:SCORED] for part in patient.validation)
    y, seen = patient.targets(y), watched.record.validation
    loss = float(scalar(patient.loss(_answers(patient.model, x), y)))
    for start in range(0, len(x), ROWS):
        inputs, target = (part[start : start + ROWS] for part in (x, y))
        seen.see(inputs.astype(float) if x.dtype.kind == "f" else None, target, labels=y.dtype.kind in "iu")
    seen.add(updates, [loss])


@nnx.jit
def _answer(model: Any, inputs: Any) -> Any:
    return model(inputs)


def _answers(model: nnx.Module, inputs: np.ndarray) -> Any:
    """Answers in evaluation mode; the model itself stays in the mode that it is in."""
    copy: Any = nnx.clone(model)
    copy.eval()
    parts = [_answer(copy, inputs[start : start + SCORED]) for start in range(0, len(inputs), SCORED)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
