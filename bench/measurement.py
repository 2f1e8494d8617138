"""What a peer answers, and how the peers that train blocks of networks are measured.

Such a peer gives one function, `start`, that makes a block of networks ready; the rest is here: finding its fastest
block, filling the wanted time, and the check that it really does the work.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from bench.works import Work

CHECK_STEPS: Final = 100
CHECK_NETWORKS: Final = 64
COMPARED: Final = 8
"""How many networks of the check have their losses compared between peers."""
TOLERANCE: Final = 1e-3
"""Between peers; rounding makes 1e-6 after the check's steps, a learning rate wrong by a tenth 1e-2."""
TOLERANCE_OF_MEANS: Final = 0.02
"""Where every peer shuffles for itself, so that only the networks' mean compares."""
LARGEST: Final = 2**28
"""Blocks of more numbers are not tried (1 GiB in float32)."""
SEARCH_SHARE: Final = 0.2
"""Each block that is tried gets this share of the time of a measurement."""
FALLEN: Final = 0.7
"""Once a block has no more than this share of the best rate, larger ones are not tried."""


@dataclass(frozen=True)
class Measurement:
    """One stretch of training: `networks` networks, each trained for `steps` steps, in `seconds` without compiling.

    Attributes:
        setting: what the table says of how it was done.
        whole_seconds: from the call to its return, where a peer does more than training; else as `seconds`.
    """

    networks: int
    steps: int
    seconds: float
    compile_seconds: float
    setting: str
    whole_seconds: float

    @property
    def rate(self) -> float:
        """Network-steps per second of training."""
        return self.networks * self.steps / self.seconds

    @property
    def whole_rate(self) -> float:
        """Network-steps per second of the whole call."""
        return self.networks * self.steps / self.whole_seconds


@dataclass(frozen=True)
class Check:
    """What networks had come to after `CHECK_STEPS` steps.

    Attributes:
        accuracy: the share of right answers to the training rows, over all networks.
        losses: over the training rows, of the first networks; in mini-batches their mean.
        tolerance: how far the losses may be from the other peers'.
    """

    accuracy: float
    losses: tuple[float, ...]
    tolerance: float


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

    def outputs(self) -> np.ndarray:
        """What the networks answer now to all rows, (networks, rows, outputs)."""
        ...


Start = Callable[[Work, Setting, int], Trainer]
"""(work, setting, number of the first network) to a block at its initial weights."""


def measure(start: Start, settings: tuple[Setting, ...], seconds: float, work: Work) -> Measurement:
    """Train for about `seconds` at the fastest of the settings, which is found once per process and work."""
    best = _best(start, settings, work, SEARCH_SHARE * seconds)
    begun = time.perf_counter()
    steps = best.trainer.advance(max(1, round(best.rate * seconds / best.setting.block)))
    taken = time.perf_counter() - begun
    return Measurement(best.setting.block, steps, taken, best.trainer.compile_seconds, str(best.setting), taken)


def check(start: Start, work: Work, networks: int = CHECK_NETWORKS, tolerance: float = TOLERANCE) -> Check:
    """Train fresh networks, in one block, or one after another if they are few, and see what they have come to."""
    size = networks if networks == CHECK_NETWORKS else 1
    parts = []
    for first in range(0, networks, size):
        trainer = start(work, Setting(size, 1), first)
        if (steps := trainer.advance(CHECK_STEPS)) != CHECK_STEPS:
            raise ValueError(f"the check needs {CHECK_STEPS} steps, got {steps}")
        parts.append(trainer.outputs())
    outputs = np.concatenate(parts)
    return checked(work, work.losses(outputs), work.accuracy(outputs), tolerance)


def checked(work: Work, losses: np.ndarray, accuracy: float, tolerance: float = TOLERANCE) -> Check:
    """The check of networks, from the losses (networks,) and the accuracy that they have come to."""
    if work.batch:
        return Check(accuracy, (float(losses[:COMPARED].mean()),), TOLERANCE_OF_MEANS)
    return Check(accuracy, tuple(float(loss) for loss in losses[:COMPARED]), tolerance)


@dataclass(frozen=True)
class _Tried:
    setting: Setting
    trainer: Trainer
    rate: float


@functools.lru_cache(maxsize=1)  # a block is large, so one is kept
def _best(start: Start, settings: tuple[Setting, ...], work: Work, seconds: float) -> _Tried:
    """The fastest of the settings, and of the blocks half-way to its neighbours."""
    rates: dict[Setting, float] = {}
    best: _Tried | None = None
    for setting in settings:
        if best is None or _promises(setting, rates, work):
            one = _try(start, setting, work, seconds)
            rates[setting] = one.rate
            best = max(best or one, one, key=lambda tried: tried.rate)
    assert best is not None
    for setting in _between(best.setting, list(rates)):
        best = max(best, _try(start, setting, work, seconds), key=lambda tried: tried.rate)
    return best


def _promises(setting: Setting, rates: dict[Setting, float], work: Work) -> bool:
    """Whether a setting is worth a try, after the `rates` of smaller blocks."""
    if setting.block * work.numbers > LARGEST or setting.block > (work.networks or setting.block):
        return False
    smaller = [rate for one, rate in rates.items() if one.threads == setting.threads]
    return not smaller or smaller[-1] > FALLEN * max(smaller)


def _between(best: Setting, tried: list[Setting]) -> list[Setting]:
    """Geometric means of the best block and its tried neighbours, where these are further than twice off."""
    blocks = sorted(one.block for one in tried if one.threads == best.threads)
    place = blocks.index(best.block)
    neighbours = blocks[max(0, place - 1) : place] + blocks[place + 1 : place + 2]
    far = [block for block in neighbours if max(block, best.block) > 2 * min(block, best.block)]
    return [Setting(round(math.sqrt(best.block * block)), best.threads) for block in far]


def _try(start: Start, setting: Setting, work: Work, seconds: float) -> _Tried:
    trainer = start(work, setting, 0)
    trainer.advance(1)  # compiles, and makes the library's threads
    steps, begun = 1, time.perf_counter()
    while True:
        before = time.perf_counter()
        steps = trainer.advance(steps)
        now = time.perf_counter()
        if now - begun > seconds:
            return _Tried(setting, trainer, steps * setting.block / (now - before))
        steps *= 2
