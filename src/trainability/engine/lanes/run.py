"""Blocks of trials through the kernel: packing, checkpoints, records."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from trainability.activations import choose
from trainability.core import random
from trainability.core.records import SCORES, LayerView
from trainability.core.types import Dataset
from trainability.engine.columns import counted, encoded, pad, record_columns
from trainability.engine.initial import initial_parameters
from trainability.engine.interface import BlockResult, Measures, Program, Trials, checkpoints
from trainability.engine.lanes.formulas import formula_of
from trainability.engine.lanes.library import load
from trainability.engine.lanes.numpy_lanes import NumpyOfLanes
from trainability.losses import LOSSES, boundary

SECONDS: Final = 0.05
"""How long the kernel runs before it comes back to report progress and to hear Ctrl-C."""

_NUMBERS: Final = ("rate", "threshold", "clip", "l1", "l2", "decay", "patience")  # native/block.hpp's enum Number
_ENTRIES: Final = ("activation", "output", "loss", "optimizer", "schedule")
_MOST_BYTES: Final = 2**22
"""Of the inside of layers that is measured at once."""


class LanesEngine:
    """The engine in C++. See `engine.interface.Engine`."""

    name = "lanes"
    devices = 1

    def __init__(self, workers: int = 1, kernel: str | None = None):
        """`kernel`: the kernel module to use, None for the fastest that the processor can run."""
        self.workers = workers
        self._kernel = load(kernel)

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
        """Train the trials; see `engine.interface.Engine.run`. They are padded to full lanes."""
        trials = counted(program, trials, data)
        kind = self._kernel.Block32 if program.dtype == "float32" else self._kernel.Block64
        padded = pad(trials, -(-len(trials) // kind.lanes) * kind.lanes)
        block = _make(self._kernel, kind, program, padded, data, steps)
        groups = len(padded) // kind.lanes
        intervals: list[tuple[float, float]] = []
        scores, signs, marks, told = [], [], checkpoints(steps), 0
        on_steps(0)
        for mark in marks:
            done = False
            while not done:
                started = time.perf_counter()
                done = block.advance(mark, SECONDS)
                intervals.append((started, time.perf_counter()))
                reached = block.done() // groups
                on_steps(reached - told)
                told = reached
            started = time.perf_counter()
            scores.append(block.scores())
            signs.append(_vitals(block, groups, trials, program, measures))
            intervals.append((started, time.perf_counter()))
        real = len(trials)
        first, nan, stop = np.array(block.steps(), np.int64)[:real].T
        columns = record_columns(
            program,
            data,
            trials,
            marks,
            np.stack(scores, 1)[:real],
            np.stack(signs, 1)[:real],
            measures,
            first_step=first,
            nan_step=nan,
            stop_step=stop,
        )
        return BlockResult(columns, _unpacked(program, block.parameters()[:real]), tuple(intervals), 0.0)


def _make(kernel: Any, kind: Any, program: Program, trials: Trials, data: Dataset, steps: int) -> Any:
    """The kernel's block at step 0."""
    network, dtype, count = program.network, program.dtype, len(trials)
    hidden, output = (formula_of(choose(text).entry) for text in (network.activation, network.output))
    settings = kernel.Settings()
    settings.widths = [network.inputs, *network.hidden, network.outputs]
    for name in ("loss", "optimizer", "schedule", "batch", "labels", "clip", "l1", "l2", "decay", "patience"):
        setattr(settings, name, getattr(program, name))
    settings.residual, settings.steps = network.residual, steps
    settings.boundary = boundary(LOSSES[program.loss])
    settings.metric, settings.at_least = SCORES.index(program.target.metric), program.target.at_least
    settings.hidden, settings.output = (kernel.Formula(*dataclasses.astuple(f)) for f in (hidden, output))

    first = initial_parameters(network, trials, (), dtype)
    layers = zip(first["weights"], first["biases"], strict=True)
    parameters = np.concatenate([part.reshape(count, -1) for pair in layers for part in pair], axis=1)
    entries = [trials.numbers[name] for name in _ENTRIES]
    numbers = np.concatenate([np.stack([trials.numbers[name] for name in _NUMBERS], axis=1), *entries], axis=1)
    offsets = np.cumsum([len(_NUMBERS), *(part.shape[1] for part in entries)]).tolist()
    keys = np.stack(random.trial_key(trials.seed, trials.trial, random.Stream.ORDER), axis=1)
    samples = [
        part
        for x, targets, spread in encoded(program, data)
        for part in (np.ascontiguousarray(x, dtype), np.ascontiguousarray(targets, dtype), spread)
    ]
    return kind.make(settings, *samples, parameters, np.ascontiguousarray(numbers, dtype), offsets, keys)


def _vitals(block: Any, groups: int, trials: Trials, program: Program, measures: Measures) -> np.ndarray:
    """The vital signs of all trials as they stand, (trials, layers, vital signs)."""
    parts, waiting = [], []
    for group in range(groups):
        waiting.append(block.inside(group))
        if group == groups - 1 or len(waiting) * sum(a.nbytes for a in waiting[0][0]) > _MOST_BYTES:
            layers = zip(*waiting, strict=True)
            joined = [[np.concatenate(a, axis=-1) for a in zip(*layer, strict=True)] for layer in layers]
            start = sum(part.shape[0] for part in parts)
            parts.append(_signs(joined, trials, start, program, measures))
            waiting = []
    return np.concatenate(parts)


def _signs(
    layers: list[list[np.ndarray]], trials: Trials, start: int, program: Program, measures: Measures
) -> np.ndarray:
    """Vital signs (trials, layers, signs) of trials from `start` on, from each layer's arrays with the trials last."""
    count, last = layers[0][0].shape[-1], len(layers) - 1
    rows = np.minimum(np.arange(start, start + count), len(trials) - 1)  # padding
    xp, found = NumpyOfLanes(), []
    for i, (pre_activation, activation, slope, gradient) in enumerate(layers):
        z, answer, phi = (a.transpose(1, 0, 2) for a in (pre_activation, activation, slope))
        largest = trials.numbers["output_slope" if i == last else "largest_slope"][rows].astype(program.dtype)
        with np.errstate(all="ignore"):
            found.append(measures.function(LayerView(z, answer, phi, largest, gradient), xp))
    return np.stack(found).transpose(2, 0, 1)


def _unpacked(program: Program, flat: np.ndarray) -> dict[str, Any]:
    """Parameters (trials, all) as `engine.initial.initial_parameters` has them."""
    weights, biases, place = [], [], 0
    for fan_in, fan_out in program.network.widths:
        weights.append(flat[:, place : place + fan_in * fan_out].reshape(-1, fan_in, fan_out))
        place += fan_in * fan_out
        biases.append(flat[:, place : place + fan_out])
        place += fan_out
    return {"weights": weights, "biases": biases, "factor": [], "shift": [], "activation": [], "running": []}
