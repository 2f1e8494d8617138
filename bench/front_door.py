"""This package measured by its front door: `trainability.compare`, on a directory that holds no answer yet.

The rate is `Result.net_steps_per_second`: all network-steps over the time in which at least one thread was training,
vital signs and scores at checkpoints and the tests of the target included. What is before and after (the plan, first
weights, Parquet files, the summary) is in `whole_seconds`.
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bench.measurement import CHECK_NETWORKS, CHECK_STEPS, Check, Measurement, checked
from bench.works import Work

if TYPE_CHECKING:
    from trainability import Result

STEPS: Final = 2000
"""The package's own default. More time means more networks; in shorter runs the log-spaced checkpoints weigh more."""
LONGER: Final = 5.0
"""A turn may take so many times the time that it is given, so that all of a work's networks are trained."""


@contextlib.contextmanager
def compared(work: Work, **settings: Any) -> Iterator[tuple[Result, float]]:
    """A run that nothing on disk answers, and its seconds; `settings` go over the work's."""
    import trainability

    os.environ["TRAINABILITY_HOME"] = _home().name
    with tempfile.TemporaryDirectory(dir=_home().name) as directory:
        begun = time.perf_counter()
        result = trainability.compare(**(work.settings() | settings), out=Path(directory, "run"))
        yield result, time.perf_counter() - begun


@functools.cache
def _home() -> tempfile.TemporaryDirectory[str]:
    """Where this process keeps its compiled programs; earlier processes' would hide what compiling costs."""
    return tempfile.TemporaryDirectory(prefix="trainability-bench-")


def measure(seconds: float, work: Work, **settings: Any) -> Measurement:
    """Train the work's networks; as many as fill the time, if it says no number or these would take far longer."""
    trial = _calibrated(work, **settings)
    networks = trial.networks * max(1, round(trial.rate * seconds / (trial.networks * STEPS)))
    if work.networks and work.networks * STEPS < LONGER * seconds * trial.rate:
        networks = work.networks
    return train(work, networks, STEPS, trial.compile_seconds, **settings)


def sized(seconds: float, work: Work, **settings: Any) -> tuple[int, int]:
    """(networks, steps) that take about so long; fewer than `STEPS` steps only where a block a core takes longer."""
    trial = _calibrated(work, **settings)
    fill = trial.rate * seconds / trial.networks
    return trial.networks * max(1, round(fill / STEPS)), min(STEPS, max(CHECK_STEPS, round(fill)))


@functools.cache
def _calibrated(work: Work, **settings: Any) -> Measurement:
    """A run of a full block a core: what is compiled, and the rate after it."""
    from trainability.engine import selection

    engine = selection.resolve(settings.get("engine", "auto"))
    networks = selection.block_size(work.cell.program, engine) * selection.cores()
    steps, compiling = CHECK_STEPS, 0.0
    while True:
        found = train(work, networks, steps, compiling, **settings)
        compiling = found.compile_seconds
        if found.seconds > 0.25 or steps >= STEPS:
            return found
        steps = min(4 * steps, STEPS)


def train(work: Work, networks: int, steps: int, compiling: float = 0.0, **settings: Any) -> Measurement:
    """So many networks for so many steps, after `compiling` seconds of getting ready in earlier runs."""
    with compared(work, seeds=networks, steps=steps, **settings) as (result, whole):
        seconds = training_seconds(result, networks * steps)
        setting = f"{networks:,} networks × {steps:,} steps"
        return Measurement(networks, steps, seconds, compiling + result.compile_seconds, setting, whole)


def training_seconds(result: Result, network_steps: int) -> float:
    """How long at least one thread was training."""
    if result.net_steps_per_second is None:
        raise RuntimeError("the run was answered from disk; it measured nothing")
    return network_steps / result.net_steps_per_second


def check(work: Work, **settings: Any) -> Check:
    """The losses and accuracy that the records hold; the first weights are those that the other peers start from."""
    with compared(work, seeds=CHECK_NETWORKS, steps=CHECK_STEPS, **settings) as (result, _):
        trials = result.load("trials", ("train_loss", "train_score"))
    return checked(work, trials["train_loss"].to_numpy(), float(np.mean(trials["train_score"].to_numpy())))
