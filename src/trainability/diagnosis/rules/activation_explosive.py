"""An activation that grows without bound from layer to layer."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import hidden, learns

EXPLOSIVE: Final = ("exponential",)


def _check(seen: Chart) -> Evidence | None:
    places = [i for i in hidden(seen) if seen.layers[i].activation in EXPLOSIVE]
    if learns(seen) or not places:
        return None
    grown = seen.signs["activation_std"][:, places] if len(seen.moments) else np.zeros((1, 1))
    largest = float(np.nanmax(np.where(np.isnan(grown), np.inf, grown)))
    figures = {"hidden layers with it": float(len(places)), "largest deviation of the answers": largest}
    return Evidence(figures, 0.9, seen.layers[places[0]].name)


ACTIVATION_EXPLOSIVE = Rule(
    name="activation-explosive",
    summary="a hidden activation grows exponentially",
    check=_check,
    advice="An exponential of an exponential overflows within a few layers, and its slope with it. Use an activation that "
    "grows at most linearly in hidden layers: ReLU, GELU, tanh.",
    explains=(
        "nan-origin",
        "exploding-gradient",
        "learning-rate-high",
        "vanishing-gradient",
        "dying-relu",
        "inputs-unscaled",
    ),
    treatments=(Operation("activation", "relu"), Operation("activation", "tanh")),
    sick=lambda: chart(activation="exponential", losses=stays()),
    healthy=lambda: chart(activation="exponential"),
)
