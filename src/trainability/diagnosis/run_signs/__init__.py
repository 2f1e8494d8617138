"""The vital signs of a whole run: pure functions of its chart; one a file."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from trainability.core.catalogue import Catalogue, Entry
from trainability.core.chart import Chart


@dataclass(frozen=True, kw_only=True)
class RunSign(Entry):
    """A vital sign of a whole run.

    Attributes:
        measure: from a chart to a number; NaN where it cannot be known.
        unit: what the number counts.
        low, high: the usual range in a run that learns, ends included.
        healthy: the same in words, with what else is to be thought of.
    """

    measure: Callable[[Chart], float]
    unit: str
    low: float = -math.inf
    high: float = math.inf
    healthy: str

    def fits(self, value: float) -> bool | None:
        """Whether a value is in the usual range; None for one that is not known."""
        return None if math.isnan(value) else self.low <= value <= self.high


RUN_SIGNS: Catalogue[RunSign] = Catalogue("sign", __name__, RunSign)


def run_signs_of(chart: Chart) -> dict[str, float]:
    """Every sign by its name; NaN where it cannot be known."""
    return {sign.name: float(sign.measure(chart)) for sign in RUN_SIGNS}
