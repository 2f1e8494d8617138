"""This package with its reference engine, by its front door: `trainability.compare`."""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measurement import CHECK_STEPS, Check, Measurement
from bench.works import WORKS, Work

if TYPE_CHECKING:
    from trainability import Result

NAME = "trainability reference"
SLOW_START = False
NETWORKS = 64  # at least, so that every worker has blocks
STEPS = 2000  # at most: more time means more networks


def _compare(work: Work, networks: int, steps: int, engine: str) -> Result:
    """A run that nothing on disk answers."""
    import trainability

    home = Path(_home().name)
    os.environ["TRAINABILITY_HOME"] = str(home)
    with tempfile.TemporaryDirectory(dir=home) as directory:
        return trainability.compare(
            **work.settings(), engine=engine, seeds=networks, steps=steps, out=Path(directory, "run")
        )


@functools.cache
def _home() -> tempfile.TemporaryDirectory[str]:
    """Where this process keeps its compiled programs; earlier processes' would hide what compiling costs."""
    return tempfile.TemporaryDirectory(prefix="trainability-bench-")


@functools.cache
def _first(work: Work, engine: str) -> tuple[float, float]:
    """The seconds of compiling, and roughly the network-steps per second once that is done."""
    return _compare(work, NETWORKS, CHECK_STEPS, engine).compile_seconds, _rate(
        _compare(work, NETWORKS, CHECK_STEPS, engine)
    )


def _rate(result: Result) -> float:
    if result.net_steps_per_second is None:
        raise RuntimeError("the run was answered from disk; it measured nothing")
    return result.net_steps_per_second


def measure(seconds: float, work: Work = WORKS[0], engine: str = "reference") -> Measurement:
    """As many networks and steps as fill the time."""
    compile_seconds, rate = _first(work, engine)
    steps = min(STEPS, max(CHECK_STEPS, round(rate * seconds / NETWORKS)))
    networks = max(1, round(rate * seconds / steps / NETWORKS)) * NETWORKS
    result = _compare(work, networks, steps, engine)
    taken = networks * steps / _rate(result)
    return Measurement(networks, steps, taken, compile_seconds + result.compile_seconds, f"{networks:,} networks")


def check(work: Work = WORKS[0], engine: str = "reference") -> Check:
    """Networks with weights of the package's own draws: only the solved share compares with the others'."""
    _first(work, engine)  # else the check would do the compiling, and `measure` could not tell its seconds
    result = _compare(work, NETWORKS, CHECK_STEPS, engine)
    return Check(NETWORKS, CHECK_STEPS, float(result.table["solved"][0]))
