"""Units of a layer that start equal and so stay equal."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import hidden, learns

ALL: Final = 0.99
"""Share of a layer's units whose weights equal those of another unit."""


def _check(seen: Chart) -> Evidence | None:
    if learns(seen) or not len(seen.moments):
        return None
    twins = seen.signs["twins"]
    for i in hidden(seen):
        layer = seen.layers[i]
        # At the first and at the last moment: equal units get equal gradients, so they never part.
        if layer.units > 1 and layer.trained and np.all(twins[[0, -1], i] >= ALL):
            return Evidence(
                {"share of units that are copies": float(twins[-1, i]), "threshold": ALL}, 0.9, layer.name, 0
            )
    return None


INIT_SYMMETRIC = Rule(
    name="init-symmetric",
    summary="the units of a layer are copies of each other",
    check=_check,
    advice="Units that start with equal weights get equal gradients and stay equal, so the layer is as good as one unit. "
    "Draw the first weights at random.",
    explains=("capacity-low", "too-few-steps", "learning-rate-low", "vanishing-gradient", "init-small"),
    treatments=(Operation("initialize", "critical"),),
    sick=lambda: chart({"twins": [1.0, 1.0, 1.0, 0.0]}, losses=stays()),
    healthy=lambda: chart({"twins": [1.0, 1.0, 1.0, 0.0]}),
)
