"""What mean-field theory needs of an activation: expectations under a Gaussian.

A unit of several pre-activations, its pieces, is a function φ(x₁, …, x_k) of independent Gaussians of the same
variance; its φ′ is the gradient, φ′² the gradient's squared length.
"""

from __future__ import annotations

import abc
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory.coherence import Coherence

Kind: TypeAlias = Literal["mean", "second", "fourth", "slope_second", "slope_fourth", "growth", "both"]
"""E[φ], E[φ²], E[φ⁴], E[φ′²], E[φ′⁴], d/dq E[φ²], and E[φ²φ′²], all of φ(√q z) with z ~ N(0, 1)."""

KINDS: tuple[Kind, ...] = get_args(Kind)
WORDS = {
    "mean": "E[φ]", "second": "E[φ²]", "fourth": "E[φ⁴]", "slope_second": "E[φ′²]", "slope_fourth": "E[φ′⁴]",
    "growth": "dE[φ²]/dq", "both": "E[φ²φ′²]",
}  # fmt: skip

SMALLEST_Q, LARGEST_Q = 1e-20, 1e12
PER_DECADE = 6


@dataclass(frozen=True)
class Estimate:
    """A number and how wrong it may be (absolute)."""

    value: float
    error: float


@dataclass(frozen=True)
class Table:
    """Expectations for variances `q`, ascending by a constant factor; of the slope NaN where it is not known."""

    q: np.ndarray
    second: np.ndarray
    slope_second: np.ndarray
    growth: np.ndarray


def variances(per_decade: int = PER_DECADE, smallest: float = SMALLEST_Q, largest: float = LARGEST_Q) -> np.ndarray:
    """The variances of a table."""
    return np.geomspace(smallest, largest, round((math.log10(largest) - math.log10(smallest)) * per_decade) + 1)


class Products(abc.ABC):
    """E[φ(u)φ(v)] and E[φ′(u)·φ′(v)] at one variance, of pieces u, v with correlation c.

    Attributes:
        q: the variance, more than 0. second, slope_second: both at c = 1.
        name: the activation's, for sentences.
    """

    q: float
    second: float
    slope_second: float
    name: str

    @abc.abstractmethod
    def at(self, c: float) -> tuple[float, float]:
        """Both for the correlation c in [-1, 1]."""

    def product(self, c: float) -> float:
        """The first alone."""
        return self.at(c)[0]

    def nearly(self, c: float) -> float:
        """The first for c in [-1, 1], perhaps to a few digits but at once."""
        return self.product(c)

    @functools.cached_property
    @abc.abstractmethod
    def jumps(self) -> bool:
        """Whether φ itself jumps somewhere that the Gaussian reaches."""


class Expectations(abc.ABC):
    """The expectations of one activation. Use `moments` to get the one that is kept.

    Attributes:
        name: the activation's, for sentences.
        pieces: pre-activations of a unit.
    """

    name: str
    pieces: int

    @abc.abstractmethod
    def at(self, kind: Kind, q: float) -> float:
        """The expectation `kind` at variance q ≥ 0.

        Raises:
            SpecError: it has no finite value: φ is not finite, or grows faster than the Gaussian decays.
        """

    @abc.abstractmethod
    def estimate(self, kind: Kind, q: float) -> Estimate:
        """The same with an estimate of its error; by quadrature where there is one, closed form or not."""

    @functools.cached_property
    @abc.abstractmethod
    def table(self) -> Table:
        """E[φ²], E[φ′²] and dE[φ²]/dq for variances from 1e-20 up to 1e12, or up to where they stop being finite."""

    @abc.abstractmethod
    def slope_each(self, q: float) -> tuple[float, ...]:
        """E[(∂φ/∂xᵢ)²] of each piece."""

    @abc.abstractmethod
    def products(self, q: float) -> Products:
        """The expectations over two correlated inputs at variance q > 0."""

    def second_scatter(self, q: float) -> float:
        """n times the relative variance of the mean of φ² over a layer of n units."""
        return self.at("fourth", q) / self.at("second", q) ** 2 - 1

    def slope_scatter(self, q: float) -> float:
        """n times the relative variance of a layer's factor on a squared gradient, a mean of n terms φ′² g²."""
        slope = self.at("slope_second", q)
        return 3 * self.at("slope_fourth", q) / slope**2 - 1 if slope > 0 else math.inf

    def coherence(self, q: float) -> Coherence | None:
        """What units that answer together do to a gradient that meets its own weights; None of those that do not."""
        return None

    def limit(self, kind: Kind) -> float:
        """The expectation as the variance goes to 0; inf where it has none, as E[φ′²] of |x|^0.75."""
        try:
            return self.at(kind, 0.0)
        except SpecError:
            return math.inf

    @property
    def through_zero(self) -> bool:
        """Whether φ(0) = 0, on every side."""
        return self.at("second", 0.0) == 0

    def _tabulated(self, q: np.ndarray, enough: Callable[[float], bool] = lambda q: False) -> Table:
        """The table by one variance after the other, up to where one has no finite value, or says `enough`."""
        rows: list[list[float]] = []
        for v in q.tolist():
            try:
                rows.append([self.at(kind, v) for kind in ("second", "slope_second", "growth")])
            except SpecError:
                if not rows:
                    raise
                break
            if enough(v):
                break
        return self._finite(q[: len(rows)], list(np.array(rows).T))

    def _finite(self, q: np.ndarray, columns: Sequence[np.ndarray]) -> Table:
        """The table as far as it is finite, though E[φ′²] may be NaN at the smallest variances, or at all."""
        second, slope, growth = (np.isfinite(c) & (np.abs(c) < 1e300) for c in columns)
        good = second & growth & (slope | ~np.logical_or.accumulate(slope))
        count = len(q) if good.all() else int(np.argmin(good))
        if count == 0:
            raise self._too_fast("second", float(q[0]))
        columns = [columns[0], np.where(slope, columns[1], np.nan), columns[2]]
        return Table(q[:count], *(c[:count] for c in columns))

    def _too_fast(self, kind: Kind, q: float) -> SpecError:
        return SpecError(
            f"{WORDS[kind]} of '{self.name}' has no finite value at variance {q:.6g}: the function overflows, or "
            "grows faster than the Gaussian decays"
        )
