"""What a peer answers, and how the peers that train blocks of networks are measured.

Such a peer gives one function, `start`, that makes a block of networks ready; the rest is here: finding its fastest
block, filling the wanted time, and the check that it really does the work.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from bench.works import Work

CHECK_STEPS: Final = 100
COMPARED: Final = 8
"""How many networks of the check have their losses compared between peers."""
TOLERANCE: Final = 1e-3
"""Between peers; rounding makes 1e-6 after the check's steps, a learning rate wrong by a tenth 1e-2."""
LARGEST: Final = 2**28
"""Blocks of more numbers are not tried (1 GiB in float32)."""
SEARCH_SHARE: Final = 0.25
"""Each block that is tried gets this share of the time of a measurement."""


@dataclass(frozen=True)
class Measurement:
    """One stretch of training: `networks` networks, each trained for `steps` steps, in `seconds` without compiling."""

    networks: int
    steps: int
    seconds: float
    compile_seconds: float
    setting: str = ""

    @property
    def rate(self) -> float:
        """Network-steps per second."""
        return self.networks * self.steps / self.seconds


@dataclass(frozen=True)
class Check:
    """What `networks` networks had come to after `steps` steps.

    Attributes:
        solved: the share that answers every row correctly.
        losses: of the first networks, comparable between peers; empty for a peer that draws its own weights.
        tolerance: how far the losses may be from the other peers'.
    """

    networks: int
    steps: int
    solved: float
    losses: tuple[float, ...] = ()
    tolerance: float = TOLERANCE


@dataclass(frozen=True)
class Setting:
    """How a peer is set: networks per block, and PyTorch's threads (0: the library decides)."""

    block: int
    threads: int = 0

    def __str__(self) -> str:
        return f"block {self.block}" + (f", {self.threads} thread{'s' * (self.threads > 1)}" if self.threads else "")


class Trainer(Protocol):
    """A block of networks in training."""

    @property
    def compile_seconds(self) -> float:
        """Spent on compiling so far."""
        ...

    def advance(self, steps: int) -> int:
        """Take at least that many steps and wait for the end; how many it were."""
        ...

    def logits(self) -> np.ndarray:
        """What the networks answer now, (networks, rows)."""
        ...


Start = Callable[[Work, Setting, int], Trainer]
"""(work, setting, number of the first network) to a block at its initial weights."""


def measure(start: Start, settings: tuple[Setting, ...], seconds: float, work: Work) -> Measurement:
    """Train for about `seconds` at the fastest of the settings, which is found once per process."""
    fastest = _fastest(start, settings, work, SEARCH_SHARE * seconds)
    begun = time.perf_counter()
    steps = fastest.trainer.advance(max(1, round(fastest.rate * seconds / fastest.setting.block)))
    taken = time.perf_counter() - begun
    return Measurement(fastest.setting.block, steps, taken, fastest.trainer.compile_seconds, str(fastest.setting))


def check(start: Start, networks: int, work: Work, *, together: bool = True, tolerance: float = TOLERANCE) -> Check:
    """Train fresh networks, in one block or one after another, and see what they have come to."""
    size = networks if together else 1
    parts = []
    for first in range(0, networks, size):
        trainer = start(work, Setting(size, 1), first)
        if (steps := trainer.advance(CHECK_STEPS)) != CHECK_STEPS:
            raise ValueError(f"the check needs {CHECK_STEPS} steps, got {steps}")
        parts.append(trainer.logits())
    logits = np.concatenate(parts)
    losses = tuple(float(loss) for loss in work.losses(logits[:COMPARED]))
    return Check(networks, CHECK_STEPS, work.solved(logits), losses, tolerance)


@dataclass(frozen=True)
class _Fastest:
    setting: Setting
    trainer: Trainer
    rate: float


@functools.cache
def _fastest(start: Start, settings: tuple[Setting, ...], work: Work, seconds: float) -> _Fastest:
    tried = []
    for setting in settings:
        if tried and setting.block * work.numbers > LARGEST:
            continue
        trainer = start(work, setting, 0)
        trainer.advance(1)  # compiles, and makes the library's threads
        steps, begun = 1, time.perf_counter()
        while True:
            before = time.perf_counter()
            steps = trainer.advance(steps)
            now = time.perf_counter()
            if now - begun > seconds:
                break
            steps *= 2
        tried.append(_Fastest(setting, trainer, steps * setting.block / (now - before)))
    return max(tried, key=lambda one: one.rate)
