"""This package with its reference engine, by its front door: `trainability.compare`."""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measurement import CHECK_STEPS, SEARCH_SHARE, Check, Measurement
from bench.works import WORKS, Work

if TYPE_CHECKING:
    from trainability import Result

NAME = "trainability, reference"
SLOW_START = False
STEPS = 2000
SEEDS = 256  # the least that is trained, enough for every worker to have a block


def _compare(work: Work, steps: int, seeds: int) -> Result:
    """A run that is not answered from what an earlier one left on disk."""
    import trainability

    os.environ["TRAINABILITY_HOME"] = str(_home())
    with tempfile.TemporaryDirectory(dir=_home()) as directory:
        return trainability.compare(
            **work.settings(), engine="reference", steps=steps, seeds=seeds, out=Path(directory, "run")
        )


@functools.cache
def _home() -> Path:
    return Path(_keep().name)


@functools.cache
def _keep() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="trainability-bench-")


@functools.cache
def _first(work: Work, seconds: float) -> tuple[float, float]:
    """The seconds of compiling and, once compiled, network-steps per second."""
    compiled = _compare(work, STEPS, SEEDS).compile_seconds
    rate = _rate(_compare(work, STEPS, SEEDS))
    return compiled, rate


def _rate(result: Result) -> float:
    if result.net_steps_per_second is None:
        raise RuntimeError("the run was answered from disk; it measured nothing")
    return result.net_steps_per_second


def measure(seconds: float, work: Work = WORKS[0]) -> Measurement:
    """As many networks as fill the time, each for the same number of steps."""
    compiled, rate = _first(work, SEARCH_SHARE * seconds)
    networks = max(1, round(rate * seconds / STEPS / SEEDS)) * SEEDS
    result = _compare(work, STEPS, networks)
    return Measurement(
        networks, STEPS, networks * STEPS / _rate(result), compiled + result.compile_seconds, f"{networks:,} networks"
    )


def check(work: Work = WORKS[0]) -> Check:
    """Networks with weights of the package's own draws: only the solved share compares with the others'."""
    result = _compare(work, CHECK_STEPS, SEEDS)
    return Check(SEEDS, CHECK_STEPS, float(result.table["solved"][0]))
