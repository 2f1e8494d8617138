"""Units of a layer that start equal and so stay equal."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import hidden, learns

ONE: Final = 1.01
"""Effective rank of a layer's answers: 1 where all units answer alike."""


def _check(seen: Chart) -> Evidence | None:
    if learns(seen) or not len(seen.moments):
        return None
    rank = seen.signs["effective_rank"]
    for i in hidden(seen):
        layer = seen.layers[i]
        # At the first and at the last moment: equal units get equal gradients, so they never part.
        if (
            layer.units > 1
            and layer.fan_in > 1
            and layer.trained
            and np.all(rank[[0, -1], i] < ONE)
            and np.all(rank[[0, -1], i] > 0)
        ):
            return Evidence({"effective rank of the answers": float(rank[-1, i]), "threshold": ONE}, 0.9, layer.name, 0)
    return None


INIT_SYMMETRIC = Rule(
    name="init-symmetric",
    summary="the units of a layer are copies of each other",
    check=_check,
    advice="Units that start with equal weights get equal gradients and stay equal, so the layer is as good as one unit. "
    "Draw the first weights at random.",
    explains=("capacity-low", "too-few-steps", "learning-rate-low", "vanishing-gradient", "init-small"),
    sick=lambda: chart({"effective_rank": [1.0, 1.0, 1.0, 1.0]}, losses=stays()),
    healthy=lambda: chart({"effective_rank": [1.0, 1.0, 1.0, 1.0]}),
)
