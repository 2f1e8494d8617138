"""The plain data that the floors hand to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

Task: TypeAlias = Literal["binary", "classes", "regression"]


@dataclass(frozen=True)
class Dataset:
    """What is to be learned.

    Attributes:
        name: the problem as the user chose it.
        task: ``binary`` (labels 0 and 1), ``classes`` (labels 0 to K − 1, K > 2) or ``regression``.
        x_train: inputs, float64, shape (samples, features).
        y_train: int64 labels, shape (samples,), or for a regression float64, shape (samples, targets).
        x_validation, y_validation: the same, held out; zero samples when nothing is held out.
        features: the inputs' names.
        classes: the labels' names (empty for a regression).
        targets: the targets' names (one for classes).
        target: when a trial counts as solved by default, such as ``accuracy>=1``.
        notes: what was inferred from a file, in sentences for the user.
    """

    name: str
    task: Task
    x_train: np.ndarray
    y_train: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray
    features: tuple[str, ...]
    classes: tuple[str, ...]
    targets: tuple[str, ...]
    target: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Network:
    """The static shape of a network: what a compiled program depends on.

    Attributes:
        inputs, outputs: units of the first and of the last layer.
        hidden: units of each hidden layer.
        activation: what hidden layers apply: a catalogue name or ``expr:FORMULA``, without parameter values.
        output: what the last layer applies, likewise.
        pieces: pre-activations that one hidden unit consumes (2 for a GLU, k for a Maxout of k pieces).
        norm: a name from the normalisation catalogue (``none``, ``batch``, ``layer``, ``rms``).
        residual: whether a hidden layer as wide as its input adds its input to its output.
    """

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    activation: str
    output: str = "identity"
    pieces: int = 1
    norm: str = "none"
    residual: bool = False

    @property
    def widths(self) -> tuple[tuple[int, int], ...]:
        """(fan_in, fan_out) of every weight matrix; fan_out counts pre-activations."""
        units = (self.inputs, *self.hidden)
        pairs = [(a, b * self.pieces) for a, b in zip(units, self.hidden, strict=False)]
        return (*pairs, (units[-1], self.outputs))

    @property
    def weights(self) -> int:
        """The number of weights and biases, without those of normalisation and activation."""
        return sum((a + 1) * b for a, b in self.widths)
