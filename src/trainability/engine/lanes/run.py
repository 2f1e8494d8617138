"""Blocks of trials through the kernel: packing, checkpoints, records."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from itertools import zip_longest
from typing import Any, Final

import numpy as np

from trainability.activations import choose
from trainability.core import random
from trainability.core.errors import SpecError
from trainability.core.records import SCORES
from trainability.core.types import Dataset
from trainability.engine.columns import counted, encoded, pad, record_columns
from trainability.engine.initial import initial_parameters, learned_places
from trainability.engine.interface import BlockResult, Measures, Program, Trials, checkpoints
from trainability.engine.lanes.formulas import formula_of
from trainability.engine.lanes.library import load, memory
from trainability.losses import LOSSES, boundary
from trainability.normalization import NORMALIZATIONS

_NUMBERS: Final = (
    "rate", "threshold", "dropout", "clip", "l1", "l2", "decay", "patience", "largest_slope", "output_slope",
)  # fmt: skip
"""native/update.hpp's enum Number."""
_PARTS: Final = ("weights", "biases", "factor", "shift", "activation")
"""Of a layer's parameters, in the kernel's order."""
_ENTRIES: Final = ("activation", "output", "loss", "optimizer", "schedule")
_SHARED: Final = (
    "loss", "optimizer", "schedule", "batch", "labels", "dropout", "clip", "l1", "l2", "decay", "patience",
)  # fmt: skip
"""What the kernel's settings call as `Program` does."""


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
        on_steps(0)
        block = self.make(kind, program, padded, data, steps, measures)
        groups, told = len(padded) // kind.lanes, 0

        def tell() -> None:  # the kernel calls it about every 50 ms; what it raises ends the run
            nonlocal told
            reached = block.done() // groups
            on_steps(reached - told)
            told = reached

        marks, real = checkpoints(steps), len(trials)
        started = time.perf_counter()
        scores, signs = (part[:, :real].swapaxes(0, 1) for part in block.train(marks, tell))
        interval = (started, time.perf_counter())
        tell()
        first, nan, stop = np.array(block.steps(), np.int64)[:real].T
        columns = record_columns(
            program, data, trials, marks, scores, signs, measures, first_step=first, nan_step=nan, stop_step=stop
        )
        flat, running = (part[:real] for part in block.parameters())
        return BlockResult(columns, unpacked(program, flat, running), (interval,), 0.0)

    def make(
        self,
        kind: Any,
        program: Program,
        trials: Trials,
        data: Dataset,
        steps: int,
        measures: Measures,
    ) -> Any:
        """The kernel's block at step 0."""
        settings, dtype = self.settings(program, steps, measures), program.dtype
        refuse_too_large(kind.bytes(settings, len(data.x_train), len(trials)), len(trials), self.workers)
        hidden = choose(program.network.activation).entry
        first = initial_parameters(program.network, trials, learned_places(hidden), dtype, self.drawn)
        parameters = packed(first, len(trials))
        entries = [trials.numbers[name] for name in _ENTRIES]
        numbers = np.concatenate([np.stack([trials.numbers[name] for name in _NUMBERS], axis=1), *entries], axis=1)
        offsets = np.cumsum([len(_NUMBERS), *(part.shape[1] for part in entries)]).tolist()
        streams = (random.Stream.ORDER, random.Stream.DROPOUT, random.Stream.ACTIVATION)
        keys = [np.stack(key, axis=1) for key in random.trial_keys(trials.seed, trials.trial, streams)]
        samples = [
            part
            for x, targets, spread in encoded(program, data)
            for part in (np.ascontiguousarray(x, dtype), np.ascontiguousarray(targets, dtype), spread)
        ]
        return kind.make(settings, *samples, parameters, np.ascontiguousarray(numbers, dtype), offsets, *keys)

    def drawn(self, distribution: str, key: random.Words, layer: int, count: int) -> np.ndarray:
        """As `initializers.standard`, by the kernel."""
        return self._kernel.draw(distribution, np.stack(key, axis=1), layer, count)

    def settings(self, program: Program, steps: int, measures: Measures) -> Any:
        """What the trials of a block have in common, as the kernel wants to know it."""
        network, settings = program.network, self._kernel.Settings()
        settings.widths = [network.inputs, *network.hidden, network.outputs]
        settings.residual, settings.norm = network.residual, network.norm
        for name in _SHARED:
            setattr(settings, name, getattr(program, name))
        settings.steps, settings.vitals = steps, list(measures.names)
        settings.boundary = boundary(LOSSES[program.loss])
        settings.metric, settings.at_least = SCORES.index(program.target.metric), program.target.at_least
        hidden = formula_of(choose(network.activation).entry, network.pieces)
        output = formula_of(choose(network.output).entry, hidden=False)
        settings.hidden, settings.output = (
            self._kernel.Formula(*(getattr(f, field.name) for field in dataclasses.fields(f))) for f in (hidden, output)
        )
        return settings


def refuse_too_large(block: int, trials: int, workers: int) -> None:
    """SpecError if `workers` blocks of `trials` networks, of so many bytes each, are more than the machine has."""
    needed, there = block * workers, memory()
    if needed > there:
        raise SpecError(
            f"{trials * workers} of these networks side by side need {needed / 1e9:,.3g} GB of memory, and this "
            f"machine has {there / 1e9:,.3g}; ask for narrower or fewer layers"
        )


def packed(parameters: dict[str, list[np.ndarray]], trials: int) -> np.ndarray:
    """Parameters as `engine.initial.initial_parameters` has them, in the kernel's order: (trials, all)."""
    layers = zip_longest(*(parameters[name] for name in _PARTS))
    return np.concatenate([p.reshape(trials, -1) for layer in layers for p in layer if p is not None], axis=1)


def unpacked(program: Program, flat: np.ndarray, running: np.ndarray) -> dict[str, Any]:
    """The kernel's parameters (trials, all) and running statistics as the reference engine hands them over."""
    network, norm = program.network, NORMALIZATIONS[program.network.norm]
    learned = len(learned_places(choose(network.activation).entry))
    result: dict[str, Any] = {name: [] for name in (*_PARTS, "running")}
    flat_parts, running_parts = _Taker(flat), _Taker(running)
    last = len(network.widths) - 1
    for i, (fan_in, fan_out) in enumerate(network.widths):
        result["weights"].append(flat_parts.take(fan_in, fan_out))
        result["biases"].append(flat_parts.take(fan_out))
        if i == last:
            break
        if norm.axis:
            result["factor"].append(flat_parts.take(fan_out))
        if norm.axis and norm.shift:
            result["shift"].append(flat_parts.take(fan_out))
        if learned:
            result["activation"].append(flat_parts.take(learned, network.hidden[i]))
        if norm.running:
            result["running"].append((running_parts.take(fan_out), running_parts.take(fan_out)))
    return result


class _Taker:
    """Columns of an array, taken from left to right."""

    def __init__(self, array: np.ndarray):
        self.array, self.place = array, 0

    def take(self, *shape: int) -> np.ndarray:
        start, self.place = self.place, self.place + math.prod(shape)
        return self.array[:, start : self.place].reshape(-1, *shape)
