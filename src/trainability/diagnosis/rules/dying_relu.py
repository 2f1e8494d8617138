"""Units that answer 0 to every input."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import hidden, learns

MANY: Final = 0.5
"""Share of a layer's units."""


def _check(seen: Chart) -> Evidence | None:
    if learns(seen) or not len(seen.moments):
        return None
    dead = [
        (float(seen.sign("dead")[i]), i)
        for i in hidden(seen)
        if seen.layers[i].activation in ("relu", "relu6", "threshold")
    ]
    if not dead or max(dead)[0] < MANY:
        return None
    share, place = max(dead)
    at = int(np.argmax(seen.signs["dead"][:, place] >= MANY))
    figures = {
        "share of dead units": share,
        "threshold": MANY,
        "layers with dead units": float(sum(d >= MANY for d, _ in dead)),
    }
    return Evidence(figures, 0.75 if share > 0.9 else 0.6, seen.layers[place].name, int(seen.moments[at]))


DYING_RELU = Rule(
    name="dying-relu",
    summary="most units of a layer answer 0 to every input and get no gradient",
    check=_check,
    advice="A ReLU unit whose pre-activation is negative for every input stays as it is for ever. Lower the learning rate, "
    "initialise with He's variance and biases of 0, normalise between layers, or use leaky ReLU, ELU or GELU.",
    explains=("vanishing-gradient", "too-few-steps", "learning-rate-low", "capacity-low"),
    treatments=(
        Operation("rate", 0.1),
        Operation("activation", "leaky_relu"),
        Operation("initialize", "critical"),
        Operation("normalize", "layer"),
    ),
    reference="L. Lu et al., Dying ReLU and initialization, Communications in Computational Physics 28 (2020)",
    sick=lambda: chart({"dead": [0.1, 0.97, 1.0, 0.0]}, losses=stays()),
    healthy=lambda: chart({"dead": [0.1, 0.6, 0.6, 0.0]}),
)
