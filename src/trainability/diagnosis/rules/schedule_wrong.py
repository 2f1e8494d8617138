"""A learning rate that was taken away before anything was learned."""

from __future__ import annotations

import math
from typing import Final

from trainability.core.chart import Chart, OptimizerFacts
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import FEW, learns, progress

GONE: Final = 1e-3
"""Rate at the last moment over that at the first."""
EARLY: Final = 0.25
"""Share of the steps after which it is gone; what is learned by then may still fall short."""
BEHIND: Final = 0.05
"""How much less of the constant answer's loss is gone than a simple method takes away."""


def _check(seen: Chart) -> Evidence | None:
    if seen.optimizer is None:
        return None
    first, last = (settings.get("lr", 0.0) for settings in (seen.optimizer.first, seen.optimizer.last))
    attainable = seen.pairing.attainable if seen.pairing is not None else math.nan
    early = seen.optimizer.gone < EARLY and attainable - progress(seen) > BEHIND
    little = not learns(seen) and progress(seen) <= FEW
    if not first > 0 or last / first >= GONE or not (early or little):
        return None
    return Evidence(
        {"rate at the start": first, "rate at the end": last, "threshold": GONE, "progress": progress(seen)}, 0.75
    )


def _scheduled(last: float) -> Chart:
    return chart(losses=stays(), optimizer=OptimizerFacts("sgd", {"lr": 0.1}, {"lr": last}))


SCHEDULE_WRONG = Rule(
    name="schedule-wrong",
    summary="the schedule took the learning rate away before what could be learned was",
    check=_check,
    advice="The learning rate fell to almost nothing while the loss was still high. Let the schedule count what you think it "
    "counts (epochs, not steps), and end it when training ends.",
    explains=("learning-rate-low", "too-few-steps"),
    treatments=(Operation("schedule", "constant"), Operation("schedule", "cosine")),
    sick=lambda: _scheduled(1e-7),
    healthy=lambda: _scheduled(0.01),
)
