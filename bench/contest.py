"""The contest: every contestant in a process of its own, taking turns, so that noise falls on all alike."""

from __future__ import annotations

import importlib
import pkgutil
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Protocol, cast

import bench.peers
from bench.measurement import Check, Measurement
from bench.process import Failure, Served
from bench.works import Work

LANES: Final = "trainability_lanes"
BATCHED: Final = "pytorch_batched"


class Peer(Protocol):
    """A module of `bench.peers`."""

    NAME: str
    SLOW_START: bool

    def measure(self, seconds: float, work: Work) -> Measurement: ...
    def check(self, work: Work) -> Check: ...


@dataclass
class Standing:
    """What one contestant has shown.

    Attributes:
        key, name: of the module, and for the table.
        difference: between its losses and the median of all contestants', None where there are no others. Of
            several networks the quarter that parts most is left out: where a gradient is nearly zero, Adam makes large
            steps of rounding and of the place of ε.
        failure: why it is out, if it is.
    """

    key: str
    name: str
    measurements: list[Measurement] = field(default_factory=list)
    check: Check | None = None
    difference: float | None = None
    failure: str | None = None

    @property
    def rates(self) -> list[float]:
        """Network-steps per second of every turn."""
        return [measurement.rate for measurement in self.measurements]

    @property
    def rate(self) -> float:
        """The median of the turns."""
        return statistics.median(self.rates)

    @property
    def agrees(self) -> bool:
        """Whether its networks learned what the others' did."""
        return self.check is None or self.difference is None or self.difference <= self.check.tolerance


def peers() -> dict[str, Peer]:
    """Every contestant by the name of its module."""
    keys = [module.name for module in pkgutil.iter_modules(bench.peers.__path__)]
    return {key: cast(Peer, importlib.import_module(f"bench.peers.{key}")) for key in keys}


class Contest:
    """The contestants `keys`, ready for one work after another."""

    def __init__(self, keys: Iterable[str]):
        self.names = {key: peers()[key].NAME for key in keys}
        self.processes = {key: Served(f"bench.peers.{key}") for key in self.names}

    def __enter__(self) -> Contest:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in self.processes.values():
            process.stop()

    def check(self, work: Work) -> list[Standing]:
        """Every contestant's check, in the order of the keys."""
        standings = [Standing(key, name) for key, name in self.names.items()]
        for standing in standings:
            standing.check = self._ask(standing, "check", work)
        _compare_losses(standings)
        return standings

    def run(self, work: Work, turns: int, seconds: float, say: Callable[[str], None]) -> list[Standing]:
        """Let the contestants take `turns` turns of about `seconds` each; the fastest comes first.

        The first turn is not counted: in it programs are compiled and block sizes are tried.
        """
        say(f"{work.name}: the checks")
        standings = self.check(work)
        for standing in standings:
            if standing.failure is None:
                say(f"{work.name}: the best setting of {standing.name}")
                self._ask(standing, "measure", seconds, work)
        for turn in range(turns):
            say(f"{work.name}: turn {turn + 1} of {turns}")
            shift = turn % len(standings)
            for standing in standings[shift:] + standings[:shift]:
                if standing.failure is None and (measured := self._ask(standing, "measure", seconds, work)):
                    standing.measurements.append(measured)
        return sorted(standings, key=lambda one: one.rate if one.failure is None else 0.0, reverse=True)

    def _ask(self, standing: Standing, function: str, *arguments: Any) -> Any:
        try:
            return self.processes[standing.key].ask(function, *arguments)
        except Failure as failure:
            standing.failure = str(failure)
            return None


def ratios(one: Standing, other: Standing) -> list[float]:
    """How many times as fast `one` is as `other`, in each turn."""
    return [a / b for a, b in zip(one.rates, other.rates, strict=True)]


def _compare_losses(standings: list[Standing]) -> None:
    checked = [(one, one.check) for one in standings if one.check]
    if len(checked) < 2:
        return
    middle = [statistics.median(column) for column in zip(*(check.losses for _, check in checked), strict=True)]
    for one, check in checked:
        apart = sorted(abs(a - b) for a, b in zip(check.losses, middle, strict=True))
        one.difference = apart[len(apart) - 1 - len(apart) // 4]
