"""Several linear layers with nothing between them: one linear layer."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from trainability.core.chart import Chart, Pairing
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import hidden, learns, progress

BEHIND: Final = 0.15
"""How much less of the constant answer's loss is gone than the nearest neighbours take away, where the network learns."""


def _check(seen: Chart) -> Evidence | None:
    places = list(hidden(seen))
    if not places or any(layer.kind not in ("linear", "convolution") for layer in seen.layers):
        return None
    if any(seen.layers[i].activation is not None for i in places):
        return None
    attainable = seen.pairing.attainable if seen.pairing is not None else math.nan
    if learns(seen) and (seen.game or not attainable - progress(seen) > BEHIND):
        return None
    figures = {
        "hidden layers without an activation": float(len(places)), "progress": progress(seen),
        "progress of a simple method": attainable,
    }  # fmt: skip
    return Evidence(figures, 0.7, seen.layers[places[0]].name)


def _half_way() -> Chart:
    """A linear network that learns what a linear one can, and the nearest neighbours more."""
    made = chart(activation=None, losses=np.linspace(0.7, 0.25, 200), pairing=Pairing(300, 0.9, 0.01, 0.95))
    assert learns(made)
    return made


ACTIVATION_MISSING = Rule(
    name="activation-missing",
    summary="there is no activation between the layers",
    check=_check,
    advice="Linear layers on top of each other are one linear layer, whatever their number. Put an activation, such as ReLU "
    "or GELU, after every hidden layer.",
    explains=("capacity-low", "too-few-steps", "vanishing-gradient"),
    treatments=(Operation("activation", "relu"), Operation("activation", "tanh")),
    sick=_half_way,
    healthy=lambda: chart(activation=None),
)
