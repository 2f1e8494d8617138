"""What operations do to a recipe that is the same for every framework, or for all that take NumPy's arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from trainability.adapters.scoring import task_of
from trainability.core.errors import SpecError


class Timed(Protocol):
    """A recipe that is being changed: how long it trains, on how many samples a step."""

    train: tuple[Any, Any]
    epochs: int
    batch_size: int


class Fed(Protocol):
    """A recipe that is being changed: its data, in NumPy; `answer` and `targets` as an adapter's patient has them."""

    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    answer: Callable[[Any], Any]
    targets: Callable[[Any], Any]


def batch(patient: Timed, value: float) -> None:
    """Multiply the batch size, between 1 and all training samples."""
    size = min(len(patient.train[0]), max(1, round(patient.batch_size * value)))
    if size == patient.batch_size:
        raise SpecError(f"a batch of {size} cannot be changed by a factor of {value:g}")
    patient.batch_size = size


def epochs(patient: Timed, value: float) -> None:
    """Multiply the epochs."""
    patient.epochs = max(1, round(patient.epochs * value))


def steps(patient: Timed) -> int:
    """Updates of the whole training."""
    return patient.epochs * -(-len(patient.train[0]) // patient.batch_size)


def scale_inputs(patient: Fed, indices: bool) -> None:
    """Standardise every feature (of pictures and sequences, every channel, the last) by the training inputs.

    Args:
        indices: whether the inputs are such, into a table of embeddings: SpecError.
    """
    if indices:
        raise SpecError("these inputs are not numbers but indices: they cannot be scaled")
    x, held_out = patient.train[0], patient.validation[0]
    over = tuple(range(x.ndim - 1)) if x.ndim > 2 else (0,)
    mean, deviation = x.mean(axis=over, keepdims=True), x.std(axis=over, keepdims=True)
    deviation = np.where(deviation > 0, deviation, 1.0)
    patient.train = (((x - mean) / deviation).astype("float32"), patient.train[1])
    patient.validation = (((held_out - mean) / deviation).astype("float32"), patient.validation[1])


def scale_targets(patient: Fed, value: str) -> None:
    """Standardise the training targets and turn answers back."""
    y = patient.train[1]
    if task_of(y) != "regression":
        raise SpecError("these targets are classes: they cannot be scaled")
    mean, deviation = y.mean(axis=0), np.maximum(y.std(axis=0), 1e-12)
    patient.targets = lambda targets: ((targets - mean) / deviation).astype("float32")
    patient.train = (patient.train[0], patient.targets(y))
    patient.answer = lambda output: output * deviation + mean
