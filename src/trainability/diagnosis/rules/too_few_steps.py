"""A loss that still falls when training ends."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import diverged, falling, learns, progress, travelled

MOVED: Final = 0.3
"""Had all steps gone one way, the weights would have moved by this share of their size."""
STILL_FALLING: Final = 0.03
"""Share by which the loss fell within the last third of the steps."""
HALF: Final = 0.5
QUICKLY: Final = 0.1
"""The same, where more than half of the best constant answer's loss is gone."""
SLOWLY: Final = 0.003
"""The same, where the weights cannot have come far."""
SHORT: Final = 1.0
"""Steps times update over weight."""


def _check(seen: Chart) -> Evidence | None:
    if learns(seen) or diverged(seen) or not seen.steps:
        return None
    way = travelled(seen)
    figures = {"steps": float(seen.steps), "progress": progress(seen), "steps times update over weight": way}
    if way < MOVED:
        return Evidence({**figures, "threshold of that": MOVED}, 0.65)
    # On a short way the whole of it counts, and less.
    fell = max(falling(seen), falling(seen, 1.0)) if way < SHORT else falling(seen)
    least = SLOWLY if way < SHORT else STILL_FALLING
    least = QUICKLY if progress(seen) > HALF else least
    return Evidence({**figures, "fall of the loss": fell, "threshold": least}, 0.55) if fell >= least else None


TOO_FEW_STEPS = Rule(
    name="too-few-steps",
    summary="training ends before the network has learned what it could",
    check=_check,
    advice="When training ended, the loss was still falling, or the weights had hardly moved. Train for more steps (several times as many), or reach the same "
    "place sooner with a larger learning rate.",
    explains=("capacity-low",),
    treatments=(
        Operation("rate", 10.0),
        Operation("epochs", 3.0),
        Operation("epochs", 10.0),
        Operation("optimizer", "adam"),
    ),
    sick=lambda: chart(losses=np.linspace(0.69, 0.55, 200)),
    healthy=lambda: chart(losses=stays()),
)
