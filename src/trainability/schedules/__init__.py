"""Learning-rate schedules: the factor on the rate as a function of the share of all steps that are done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trainability.core.catalogue import Catalogue, Entry


@dataclass(frozen=True, kw_only=True)
class Schedule(Entry):
    """A schedule.

    Attributes:
        factor: (progress, *parameters) -> factor; progress is steps done / all steps, in [0, 1).
    """

    factor: Callable[..., Any]


SCHEDULES: Catalogue[Schedule] = Catalogue("schedule", __name__, Schedule)
