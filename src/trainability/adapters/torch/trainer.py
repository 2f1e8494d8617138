"""Training a PyTorch recipe, as it is or changed by operations."""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import torch

from trainability.adapters.operations import steps
from trainability.adapters.scoring import metric_name, score
from trainability.adapters.torch.operations import BY_KIND, Patient
from trainability.adapters.torch.watch import Watch
from trainability.core.operation import Operation, in_order
from trainability.core.recipe import Outcome, Recipe

SMALL: Final = 100_000
"""Parameters under which one thread is as fast as several."""
SCORED: Final = 4096
"""Held-out samples that are answered at once."""


def train(make: Callable[[int], Recipe], operations: tuple[Operation, ...], seed: int, watch: bool = False) -> Outcome:
    """Make the recipe of `seed`, change it, train it and score it; see `core.recipe.Trainer`."""
    seed_all(seed)
    recipe = make(seed)
    patient = Patient.of(recipe, seed)
    logits = patient.look().loss.name in ("bce_with_logits", "soft_margin") and not any(
        operation.kind == "output" for operation in operations
    )
    for operation in in_order(operations):
        BY_KIND[operation.kind](patient, operation.value)
    patient.rewire()
    watched = Watch(patient.model, patient.optimizer) if watch else None
    with _threads(patient.model), watched or contextlib.nullcontext():
        cost = _fit(patient, evaluate=watch)
    targets = patient.validation[1].numpy()
    return Outcome(
        score=score(_answers(patient), targets, recipe.metric, logits),
        metric=metric_name(recipe.metric, targets),
        cost=cost,
        planned=patient.epochs * len(patient.train[0]),
        chart=watched.chart() if watched else None,
    )


def seed_all(seed: int) -> None:
    """Seed every generator that a recipe may draw from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@contextlib.contextmanager
def _threads(model: torch.nn.Module) -> Iterator[None]:
    """One thread for a small model: on a busy machine several of PyTorch's wait for each other ten times longer."""
    kept = torch.get_num_threads()
    if sum(p.numel() for p in model.parameters()) < SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(kept)


def _fit(patient: Patient, evaluate: bool) -> int:
    """The loop; the number of samples that went through a step. It ends early where the loss is not finite.

    Args:
        evaluate: whether the loss on held-out samples is computed after every epoch.
    """
    x, y = patient.train
    order = torch.Generator().manual_seed(patient.seed)
    size = patient.batch_size
    schedule = _schedule(patient, steps(patient))
    cost, last = 0, torch.zeros(())
    for _ in range(patient.epochs):
        shuffled = torch.randperm(len(x), generator=order)
        for rows in shuffled.split(size):
            if len(rows) == 1 < size:
                continue  # batch normalisation cannot take a batch of one that is only the rest
            patient.optimizer.zero_grad()
            loss = patient.loss(patient.model(x[rows]), y[rows])
            loss.backward()
            if patient.clip is not None:
                held = [p for group in patient.optimizer.param_groups for p in group["params"]]
                torch.nn.utils.clip_grad_norm_(held, patient.clip)
            patient.optimizer.step()
            if schedule:
                schedule.step()
            cost, last = cost + len(rows), loss.detach()
        if not math.isfinite(float(last)):
            break
        if evaluate:
            _evaluate(patient)
    return cost


def _schedule(patient: Patient, updates: int) -> Any:
    if patient.schedule is None:
        return None
    warm = max(1, updates // 10)
    shapes: dict[str, Callable[[int], float]] = {
        "cosine": lambda step: 0.5 * (1 + math.cos(math.pi * min(1.0, step / updates))),
        "warmup": lambda step: min(1.0, (step + 1) / warm),
    }
    return torch.optim.lr_scheduler.LambdaLR(patient.optimizer, shapes[patient.schedule])


def _evaluate(patient: Patient) -> None:
    """Compute the loss on held-out samples, for a watch to see."""
    x, y = patient.validation
    training = patient.model.training
    patient.model.eval()
    with torch.no_grad():
        patient.loss(patient.model(x[:SCORED]), patient.targets(y[:SCORED]))
    patient.model.train(training)


def _answers(patient: Patient) -> np.ndarray:
    """Answers to the held-out inputs."""
    training = patient.model.training
    patient.model.eval()
    with torch.no_grad():
        parts = [patient.answer(patient.model(part)) for part in patient.validation[0].split(SCORED)]
    patient.model.train(training)
    return torch.cat(parts).numpy()
