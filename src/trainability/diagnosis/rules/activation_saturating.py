"""Hidden units on the flat parts of their activation."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import hidden, learns

BOUNDED: Final = ("sigmoid", "tanh", "softsign", "hardtanh", "hard_sigmoid", "erf", "arctan")
MANY: Final = 0.5
"""Share of a layer's units."""


def _check(seen: Chart) -> Evidence | None:
    if learns(seen) or not len(seen.moments):
        return None
    flat = [(float(seen.sign("saturated")[i]), i) for i in hidden(seen) if seen.layers[i].activation in BOUNDED]
    if not flat or not max(flat)[0] >= MANY:
        return None
    share, place = max(flat)
    at = int(np.argmax(seen.signs["saturated"][:, place] >= MANY))
    size = float(seen.sign("pre_activation_std")[place])
    figures = {"share of saturated units": share, "threshold": MANY, "deviation of the pre-activations": size}
    return Evidence(figures, 0.7, seen.layers[place].name, int(seen.moments[at]))


ACTIVATION_SATURATING = Rule(
    name="activation-saturating",
    summary="most units of a layer lie on the flat part of their activation",
    check=_check,
    advice="Where the activation is flat its slope is next to 0, and so is what the layers before it can learn. Scale the "
    "inputs, start with smaller weights, lower the learning rate, normalise between layers, or use an activation without "
    "flat ends.",
    explains=("vanishing-gradient", "too-few-steps", "learning-rate-low"),
    treatments=(
        Operation("scale_inputs", "standardize"),
        Operation("activation", "relu"),
        Operation("normalize", "layer"),
        Operation("initialize", "critical"),
        Operation("rate", 0.1),
    ),
    reference="X. Glorot, Y. Bengio, AISTATS 2010, section 3",
    sick=lambda: chart({"saturated": [0.9, 0.8, 0.2, 0.0]}, "tanh", losses=stays()),
    healthy=lambda: chart({"saturated": [0.9, 0.8, 0.2, 0.0]}, "tanh"),
)
