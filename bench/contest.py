"""The contest: every contestant in a process of its own, taking turns, so that noise falls on all alike.

Between its turns a process waits. What happens in its process (settings of threads, the backend of Keras, compiled
programs) stays there.
"""

from __future__ import annotations

import importlib
import multiprocessing
import pkgutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Final, Protocol, cast

import bench.peers
from bench.measurement import Check, Measurement
from bench.works import Work

PATIENCE: Final = 600.0
"""Seconds after which a contestant that does not answer is given up."""


class Peer(Protocol):
    """A module of `bench.peers`."""

    NAME: str
    SLOW_START: bool

    def measure(self, seconds: float, work: Work) -> Measurement: ...
    def check(self, work: Work) -> Check: ...


class Failure(Exception):
    """A contestant could not do its work; the sentence says why."""


@dataclass
class Standing:
    """What one contestant has shown.

    Attributes:
        key, name: of the module, and for the table.
        difference: the largest between its losses and the median of all contestants', None where not comparable.
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


def contest(work: Work, keys: list[str], turns: int, seconds: float, say: Callable[[str], None]) -> list[Standing]:
    """Let the contestants `keys` take `turns` turns of about `seconds` each; the fastest comes first.

    The first turn is not counted: in it programs are compiled and block sizes are tried.
    """
    known = peers()
    standings = [Standing(key, known[key].NAME) for key in keys]
    processes = {key: _Process(key, work) for key in keys}
    try:
        for standing in standings:
            say(f"{standing.name}: the check, and the best setting")
            standing.check = _ask(processes, standing, "check")
            if standing.check:
                _ask(processes, standing, "measure", seconds)
        for turn in range(turns):
            say(f"turn {turn + 1} of {turns}")
            shift = turn % len(standings)
            for standing in standings[shift:] + standings[:shift]:
                if standing.failure is None and (measured := _ask(processes, standing, "measure", seconds)):
                    standing.measurements.append(measured)
    finally:
        for process in processes.values():
            process.stop()
    _compare_losses(standings)
    return sorted(standings, key=lambda one: one.rate if one.failure is None else 0.0, reverse=True)


def paired_ratio(one: Standing, other: Standing) -> float:
    """How many times as fast `one` is as `other`: the median over turns of the ratio within the turn."""
    return statistics.median(a / b for a, b in zip(one.rates, other.rates, strict=True))


def _compare_losses(standings: list[Standing]) -> None:
    comparable = [one for one in standings if one.check and one.check.losses]
    if len(comparable) < 2:
        return
    middle = [statistics.median(column) for column in zip(*(_losses(one) for one in comparable), strict=True)]
    for one in comparable:
        one.difference = max(abs(a - b) for a, b in zip(_losses(one), middle, strict=True))


def _losses(standing: Standing) -> tuple[float, ...]:
    return standing.check.losses if standing.check else ()


def _ask(processes: dict[str, _Process], standing: Standing, what: str, *arguments: Any) -> Any:
    try:
        return processes[standing.key].ask(what, *arguments)
    except Failure as failure:
        standing.failure = str(failure)
        return None


class _Process:
    """A contestant at the other end of a pipe."""

    def __init__(self, key: str, work: Work):
        # Not a fork: threads of libraries do not survive one.
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, key, work), daemon=True)
        self.process.start()
        other.close()

    def ask(self, what: str, *arguments: Any) -> Any:
        """The answer; Failure if there is none."""
        begun = time.monotonic()
        try:
            self.connection.send((what, arguments))
            while not self.connection.poll(1.0):
                if time.monotonic() - begun > PATIENCE:
                    self.stop()
                    raise Failure(f"no answer within {PATIENCE:g} s")
            answer = self.connection.recv()
        except (EOFError, OSError):
            self.process.join(5.0)
            raise Failure(f"its process ended with exit code {self.process.exitcode}") from None
        if isinstance(answer, Failure):
            raise answer
        return answer

    def stop(self) -> None:
        """End the process."""
        self.connection.close()
        self.process.join(1.0)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(connection: Connection, key: str, work: Work) -> None:
    """Answer until the other end is closed."""
    module = peers()[key]
    while True:
        try:
            what, arguments = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            answer = getattr(module, what)(*arguments, work)
        except KeyboardInterrupt:
            return
        except Exception as error:  # whatever a library raises puts its contestant out, not the contest
            lines = str(error).strip().splitlines()
            answer = Failure(f"{type(error).__name__}: {lines[0] if lines else 'no message'}")
        connection.send(answer)
