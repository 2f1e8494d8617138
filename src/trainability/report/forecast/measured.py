"""What the engine found in one cell, as far as theory says something of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from trainability.report.gather import quantiles


@dataclass(frozen=True)
class Measured:
    """One cell of a run. Per layer, the output layer last.

    Attributes:
        networks: trials that were measured.
        without: those of them whose output layer has no finite gradient above 0: they have no ratio.
        low, median, high: quartiles and median, over the other trials, of a layer's gradient over the output layer's
            (root mean squares over the weights), before the first step and without dropout.
        predicted: of the median network, without dropout; what `median` is to be compared with.
        solved, solved_low, solved_high: share of trials that reached the target, with its 95 % interval.
    """

    networks: int
    without: int
    low: tuple[float, ...]
    median: tuple[float, ...]
    high: tuple[float, ...]
    predicted: tuple[float, ...]
    solved: float | None
    solved_low: float
    solved_high: float

    @property
    def factor(self) -> float | None:
        """Measured over predicted ratio of the first layer; None where there is none to compare."""
        return next(iter(self._factors()), None)

    @property
    def worst_factor(self) -> float | None:
        """The same of the layer in which it is farthest from 1."""
        known = [factor for factor in self._factors() if factor is not None]
        return max(known, key=lambda factor: abs(math.log(factor)), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return asdict(self) | {"factor": self.factor, "worst_factor": self.worst_factor}

    def _factors(self) -> list[float | None]:
        pairs = zip(self.median, self.predicted, strict=True) if self.median else ()
        return [found / said if found > 0 and said > 0 else None for found, said in pairs]


def measured(gradient: np.ndarray, predicted: tuple[float, ...], cell: Mapping[str, Any]) -> Measured:
    """A cell as `Measured`.

    Args:
        gradient: root mean square before the first step, shape (trials, layers).
        predicted: per layer, relative to the last.
        cell: its row of the run's table.
    """
    last = gradient[:, -1]
    usable = np.isfinite(gradient).all(axis=1) & (last > 0)
    ratio = gradient[usable] / last[usable, None]
    low, median, high = quantiles(ratio, (0.25, 0.5, 0.75)).tolist() if usable.any() else ((), (), ())
    return Measured(
        len(gradient), int((~usable).sum()), tuple(low), tuple(median), tuple(high), predicted,
        cell["solved"], cell["solved_low"], cell["solved_high"],
    )  # fmt: skip
