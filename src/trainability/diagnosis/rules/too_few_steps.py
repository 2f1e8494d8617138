"""A loss that still falls when training ends."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import falling, learns, progress, trained, typical

MOVED: Final = 0.3
"""Had all steps gone one way, the weights would have moved by this share of their size."""
STILL_FALLING: Final = 0.03
"""Share by which the loss fell within the last third of the steps."""


def _check(seen: Chart) -> Evidence | None:
    if learns(seen):
        return None
    fell, moved = falling(seen), _moved(seen)
    figures = {"steps": float(seen.steps), "progress": progress(seen)}
    if moved < MOVED:
        figures |= {"at most moved, as a share of the weights": moved, "threshold": MOVED}
        return Evidence(figures, 0.65)
    if fell < STILL_FALLING:
        return None
    return Evidence({**figures, "fall within the last third": fell, "threshold": STILL_FALLING}, 0.55)


def _moved(seen: Chart) -> float:
    """Steps times the update over the weight of the layer that moves fastest; NaN if unknown."""
    moves = typical(seen, "update_ratio")[trained(seen)] if seen.layers and len(seen.moments) else np.zeros(0)
    return math.nan if np.isnan(moves).all() else seen.steps * 10 ** float(np.nanmax(moves))


TOO_FEW_STEPS = Rule(
    name="too-few-steps",
    summary="training ends while the loss still falls",
    check=_check,
    advice="The loss was still falling when training ended. Train for more steps (several times as many), or reach the same "
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
