"""Which engine runs, and what can be known of it without loading it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

from trainability.core.errors import SpecError
from trainability.core.types import Dataset
from trainability.engine.interface import BlockResult, Engine, Measures, Program, Trials
from trainability.engine.lanes.coverage import missing
from trainability.engine.lanes.library import unavailable

Name: TypeAlias = Literal["lanes", "reference"]


def resolve(asked: str) -> Name:
    """The engine that ``auto``, ``lanes`` or ``reference`` stands for here; SpecError if it is not there."""
    if asked == "reference":
        return "reference"
    why = unavailable()
    if why and asked == "lanes":
        raise SpecError(f"the engine lanes cannot run: {why}; leave the engine out, and the reference engine runs")
    return "reference" if why else "lanes"


def block_size(program: Program, engine: str = "reference", trials: int = 0) -> int:
    """How many trials a block holds, where there are `trials` of this program in all.

    Reference: 32 small networks or fewer large ones. Measured for nine layers of five on two cores: two blocks of 32
    side by side trained two to ten times as many network-steps a second as blocks of 64 to 4,096 did.
    Lanes: groups of 16, as many as share out what Python does for a block, few enough that the usual 256 seeds keep
    two cores busy; fewer of large networks. Where there are very many small ones, more: what Python and the disk do for
    a block is shared by more trials, and an interrupted worker still loses at most 1/256 of the work.
    """
    if engine == "lanes" and not missing(program):
        size = 128
        while size > 16 and size * program.network.weights > 2**18:
            size //= 2
        while 256 * size < trials and 2 * size * program.network.weights <= 2**18:
            size *= 2
        return size
    size = 32
    while size > 4 and size * program.network.weights > 2**17:
        size //= 2
    return size


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make(cache: Path | None, devices: int | None, engine: str = "reference") -> Engine:
    """The engine: `cache` keeps compiled programs between runs; `devices` None means all there are."""
    if engine == "lanes":
        return LanesFirst(cache, devices)
    from trainability.engine.reference import ReferenceEngine

    return ReferenceEngine(cache, devices)


class LanesFirst:
    """The lanes engine, and the reference engine for what it does not cover. See `engine.interface.Engine`."""

    def __init__(self, cache: Path | None, devices: int | None):
        """`devices`: how many cores to use, None for all; SpecError if there are not that many."""
        from trainability.engine.lanes import LanesEngine

        if devices is not None and devices > cores():
            raise SpecError(
                f"devices {devices}: there are {cores()} that this process can use; ask for at most {cores()}"
            )
        self.devices = self.workers = devices or cores()
        self._lanes = LanesEngine(self.workers)
        self._cache, self._asked = cache, devices
        self._lock = threading.Lock()
        self._reference: Engine | None = None
        self._used: set[str] = set()

    @property
    def name(self) -> str:
        """The engines that have run."""
        return " and ".join(sorted(self._used)) or self._lanes.name

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
        if not missing(program, measures.names):
            engine: Engine = self._lanes
        else:
            with self._lock:
                if self._reference is None:
                    self._reference = make(self._cache, self._asked)
                engine = self._reference
            device %= engine.devices
        self._used.add(engine.name)
        return engine.run(program, trials, data, steps, measures, on_steps, device)
