"""Blocks of trials through compiled programs: padding, segments between checkpoints, records."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from trainability.activations import choose
from trainability.core import random
from trainability.core.errors import SpecError
from trainability.core.types import Dataset
from trainability.engine.columns import counted, encoded, pad, record_columns, take
from trainability.engine.initial import initial_parameters, learned_places
from trainability.engine.interface import BlockResult, Measures, Program, Trials, checkpoints
from trainability.engine.reference import train
from trainability.engine.reference.programs import compiled
from trainability.engine.selection import block_size, cores

SEGMENT_SECONDS = 0.25
"""About how long a compiled program runs before it comes back to report progress and to hear Ctrl-C."""


class ReferenceEngine:
    """The engine in JAX. See `engine.interface.Engine`."""

    name = "reference"

    def __init__(self, cache: Path | None = None, devices: int | None = None):
        """`cache`: where compiled programs are kept between runs; `devices`: how many to use, None for all.

        SpecError if there are not that many. More devices on a CPU are virtual ones that share its cores.
        """
        _forbid_fusion()
        if cache is not None and jax.config.values["jax_compilation_cache_dir"] is None:
            jax.config.update("jax_compilation_cache_dir", str(cache))
            jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
            jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
        if devices is not None:
            with contextlib.suppress(RuntimeError):  # it is too late once JAX has started
                jax.config.update("jax_num_cpu_devices", devices)
        on_cpu = jax.default_backend() == "cpu"
        there = min(len(jax.devices()), cores()) if on_cpu else len(jax.devices())
        if devices is not None and devices > there:
            raise SpecError(f"devices {devices}: there are {there} that this process can use; ask for at most {there}")
        self.devices = devices or there
        # A processor's cores are kept busy by blocks side by side; an accelerator by one block after another.
        self.workers = cores() if on_cpu else self.devices

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
        """Train the trials; see `engine.interface.Engine.run`."""
        padded = pad(trials, block_size(program))
        with jax.enable_x64(program.dtype == "float64"), jax.default_device(jax.devices()[device]):
            return _run(program, padded, len(trials), data, steps, measures, on_steps, device)


def _forbid_fusion() -> None:
    """Keep XLA from fusing a multiply with an add on x86, by leaving out the instructions that do.

    With them, the last lanes of a vectorised loop were seen to round differently from the others, so that a trial's
    bits depended on its place in the block; without them they also agree between processors. The price, measured for
    nine layers of five: up to 40 % of the speed. It has to be said before JAX starts; in a process where JAX is at work
    already, a trial can differ in the last bit.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if platform.machine().lower() in ("x86_64", "amd64") and "xla_cpu_max_isa" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_max_isa=AVX".strip()


def _run(
    program: Program,
    trials: Trials,
    real: int,
    data: Dataset,
    steps: int,
    measures: Measures,
    on_steps: Callable[[int], None],
    device: int,
) -> BlockResult:
    trials = counted(program, trials, data)
    learned = learned_places(choose(program.network.activation).entry)
    host = initial_parameters(program.network, trials, learned, program.dtype)
    parameters = jax.tree.map(jnp.asarray, host)
    numbers = {name: jnp.asarray(values, program.dtype) for name, values in trials.numbers.items()}
    streams = (random.Stream.ORDER, random.Stream.DROPOUT, random.Stream.ACTIVATION)
    keys = jax.tree.map(jnp.asarray, train.Keys(*random.trial_keys(trials.seed, trials.trial, streams)))
    arrays = arrays_of(program, data)
    total = jnp.int32(steps)

    begun = time.perf_counter()
    shapes = tuple((a.shape, str(a.dtype)) for a in jax.tree.leaves((arrays, numbers)))
    key = (program, shapes, measures, len(trials), device)
    begin, segment = compiled(key, parameters, numbers, keys, arrays, total)
    compile_seconds = time.perf_counter() - begun

    intervals: list[tuple[float, float]] = []
    state = begin(parameters, numbers, total)
    histories: list[np.ndarray] = []
    vitals: list[np.ndarray] = []
    marks, done, stride = checkpoints(steps), 0, 16
    for mark in marks:
        while True:
            stop = min(mark, done + stride)
            started = time.perf_counter()
            state, scores, signs = segment(state, numbers, keys, arrays, jnp.int32(done), jnp.int32(stop), total)
            scores.block_until_ready()
            ended = time.perf_counter()
            if stop > done:
                intervals.append((started, ended))
            on_steps(stop - done)
            if stop - done == stride:
                stride = max(1, int(stride * min(4.0, max(0.25, SEGMENT_SECONDS / (ended - started)))))
            done = stop
            if done == mark:
                break
        histories.append(np.asarray(scores)[:real])
        vitals.append(np.asarray(signs)[:real])
    columns = record_columns(
        program,
        data,
        take(trials, np.arange(real)),
        marks,
        np.stack(histories, 1),
        np.stack(vitals, 1),
        measures,
        first_step=np.asarray(state.first_step)[:real],
        nan_step=np.asarray(state.nan_step)[:real],
        stop_step=np.asarray(state.stop_step)[:real],
    )
    final = jax.tree.map(lambda a: np.asarray(a)[:real], {**state.parameters, "running": state.running})
    return BlockResult(columns, final, tuple(intervals), compile_seconds)


def arrays_of(program: Program, data: Dataset) -> train.Data:
    """The data set as the engine's arrays, with Σ(y − mean)² of each split for R²."""
    splits, spreads = [], []
    for x, targets, spread in encoded(program, data):
        splits.append(train.Samples(jnp.asarray(x, program.dtype), jnp.asarray(targets, program.dtype)))
        spreads.append(jnp.asarray(spread, program.dtype))
    return train.Data(*splits, *spreads)
