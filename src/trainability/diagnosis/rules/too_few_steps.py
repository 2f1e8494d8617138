"""A loss that still falls when training ends."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import falling, learns, progress

STILL_FALLING: Final = 0.03
"""Share by which the loss fell within the last third of the steps."""


def _check(seen: Chart) -> Evidence | None:
    fell = falling(seen)
    if learns(seen) or fell < STILL_FALLING:
        return None
    figures = {
        "steps": float(seen.steps), "fall within the last third": fell, "threshold": STILL_FALLING,
        "progress": progress(seen),
    }  # fmt: skip
    return Evidence(figures, 0.55)


TOO_FEW_STEPS = Rule(
    name="too-few-steps",
    summary="training ends while the loss still falls",
    check=_check,
    advice="The loss was still falling when training ended. Train for more steps (several times as many), or reach the same "
    "place sooner with a larger learning rate.",
    treatments=(
        Operation("rate", 10.0),
        Operation("epochs", 3.0),
        Operation("epochs", 10.0),
        Operation("optimizer", "adam"),
    ),
    sick=lambda: chart(losses=np.linspace(0.69, 0.55, 200)),
    healthy=lambda: chart(losses=stays()),
)
