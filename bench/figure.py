"""What a row of the benchmark hands over, and what it is given."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from rich.console import Console


@dataclass(frozen=True)
class Figure:
    """One measured number: the median of the repetitions and their range.

    Attributes:
        name: what was measured.
        value, low, high: the median, the smallest and the largest.
        unit: ``×`` for a ratio, ``s``, ``GB``, …
    """

    name: str
    value: float
    low: float
    high: float
    unit: str

    @classmethod
    def of(cls, name: str, values: Sequence[float], unit: str = "×") -> Figure:
        """From the repetitions."""
        return cls(name, statistics.median(values), min(values), max(values), unit)


@dataclass(frozen=True)
class Found:
    """What a row found.

    Attributes:
        figures: for the summary.
        details: for the file of results.
        sound: whether everything ran and the contestants trained the same networks.
    """

    figures: list[Figure]
    details: dict[str, Any] = field(default_factory=dict)
    sound: bool = True


@dataclass(frozen=True)
class Effort:
    """How much time to spend, and where to say how it gets on.

    Attributes:
        quick: only to see that everything runs.
        only: the contestants that are asked for; empty for all.
        say: shows what is being done.
    """

    quick: bool
    only: tuple[str, ...]
    console: Console
    say: Callable[[str], None]

    @property
    def turns(self) -> int:
        """How many turns a contest takes."""
        return 3 if self.quick else 7

    @property
    def seconds(self) -> float:
        """How long each contestant's turn is."""
        return 0.5 if self.quick else 2.0


class Row(Protocol):
    """A module of `bench.rows`."""

    @property
    def NAME(self) -> str: ...  # noqa: N802  (read-only: a constant of a module)
    @property
    def TITLE(self) -> str: ...  # noqa: N802

    def run(self, effort: Effort) -> Found: ...


def digits(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}" if value else "0"


def short(value: float) -> str:
    """Three significant digits and k or M: ``1.08k``."""
    scale, sign = (1e6, "M") if value >= 999_500 else (1e3, "k") if value >= 999.5 else (1.0, "")
    return digits(value / scale) + sign
