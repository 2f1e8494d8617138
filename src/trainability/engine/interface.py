"""The door that every engine stands behind.

What an engine is told comes in two halves. A `Program` is what a compiled program depends on; `Trials` is data:
seeds, initialisers and every hyper-parameter, one row per trial. A trial's record depends on its program and its own
row alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from trainability.core.records import LayerView
from trainability.core.types import Dataset, Network, Task

Metric: TypeAlias = Literal["train_loss", "train_score", "validation_loss", "validation_score"]


@dataclass(frozen=True)
class Target:
    """When a trial counts as solved: `metric` at least (or at most) a threshold, which is data."""

    metric: Metric
    at_least: bool


@dataclass(frozen=True)
class Program:
    """Everything that shapes a compiled program.

    Attributes:
        network: widths, activation, output activation, normalisation, residual connections.
        task: of the data set; decides what the score is.
        loss, optimizer, schedule: catalogue names; their numbers are data.
        batch: samples per step; 0 for all of them.
        target: what is compared with the trials' threshold.
        dropout, clip, l1, l2, decay, patience: whether the trials use it at all.
        dtype: ``float32`` or ``float64``.
    """

    network: Network
    task: Task
    loss: str
    optimizer: str
    schedule: str
    batch: int
    target: Target
    dropout: bool = False
    clip: bool = False
    l1: bool = False
    l2: bool = False
    decay: bool = False
    patience: bool = False
    dtype: str = "float32"

    @property
    def labels(self) -> bool:
        """Whether the score is an accuracy (else R²)."""
        return self.task != "regression"


@dataclass(frozen=True)
class Trials:
    """The rows of a block: trials of one program.

    Attributes:
        seed: of the whole run, 0 to 2⁶⁴ − 1.
        cell: each trial's cell, int32 of shape (trials,).
        trial: each trial's number inside its cell, uint32 of shape (trials,): with `seed`, the key of all its draws.
        init, bias_init: each trial's initialisers, as catalogue texts.
        numbers: hyper-parameters, float64 of shape (trials,) or, for an entry's parameters, (trials, parameters):
            ``rate``, ``threshold``, ``dropout``, ``clip``, ``l1``, ``l2``, ``decay``, ``patience``, ``largest_slope``,
            ``output_slope``;
            ``activation``, ``output``, ``loss``, ``optimizer``, ``schedule``.
    """

    seed: int
    cell: np.ndarray
    trial: np.ndarray
    init: tuple[str, ...]
    bias_init: tuple[str, ...]
    numbers: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.cell)


@dataclass(frozen=True)
class Measures:
    """What an engine is handed to measure: names and a function of one layer, JAX arrays in and out."""

    names: tuple[str, ...]
    function: Callable[[LayerView, Any], Any]


@dataclass(frozen=True)
class BlockResult:
    """The records of a block, as columns with one row per trial, and what the block cost.

    Attributes:
        columns: name to array as in `core.records`; histories have shape (trials, checkpoints), vital signs (trials,
            checkpoints, layers).
        parameters: final weights and biases per layer and the rest, for `engine.answers`; leading axis trials.
        intervals: (start, end) of each stretch of training, seconds of `time.perf_counter`.
        compile_seconds: spent on compiling for this block; 0 when the program was there.
    """

    columns: dict[str, np.ndarray]
    parameters: dict[str, Any]
    intervals: tuple[tuple[float, float], ...]
    compile_seconds: float


class Engine(Protocol):
    """A batch of trials of one program in, one record per trial out."""

    @property
    def name(self) -> str:
        """What the record says ran."""
        ...

    @property
    def devices(self) -> int:
        """How many devices it uses."""
        ...

    @property
    def workers(self) -> int:
        """How many blocks to run side by side."""
        ...

    def run(
        self,
        program: Program,
        trials: Trials,
        data: Dataset,
        steps: int,
        measures: Measures,
        on_steps: Callable[[int], None],
        device: int = 0,
    ) -> BlockResult:
        """Train the trials for `steps` steps.

        `on_steps` is called from time to time with the steps done since its last call; what it raises ends the run.
        """
        ...


def checkpoints(steps: int) -> tuple[int, ...]:
    """The log-spaced steps at which trials are measured: 0, 1, 2, 5, 10, 20, 50, … and the last."""
    ladder = [m * 10**d for d in range(len(str(steps))) for m in (1, 2, 5)]
    return (0, *(s for s in ladder if s < steps), steps)
