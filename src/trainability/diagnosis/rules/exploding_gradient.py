"""A gradient that grows on its way to the first layers."""

from __future__ import annotations

from typing import Final

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import first_over_last, learns

LARGE: Final = 1e3
"""First trained layer's gradient over the last one's, at the start."""


def _check(seen: Chart) -> Evidence | None:
    found = first_over_last(seen)
    if learns(seen) or found is None or found[0] <= LARGE:
        return None
    ratio, place = found
    figures = {
        "first layer's gradient over the last layer's": ratio, "threshold": LARGE, "layers": float(len(seen.layers)),
    }  # fmt: skip
    return Evidence(figures, 0.75, seen.layers[place].name, int(seen.moments[0]))


EXPLODING_GRADIENT = Rule(
    name="exploding-gradient",
    summary="the gradient grows from layer to layer on its way back",
    check=_check,
    advice="The first layers get gradients thousands of times those of the last ones. Initialise with smaller weights (the "
    "activation's critical gain), normalise between layers, or clip the gradient.",
    explains=("learning-rate-high", "nan-origin"),
    treatments=(
        Operation("initialize", "critical"),
        Operation("normalize", "layer"),
        Operation("clip", 1.0),
        Operation("rate", 0.1),
    ),
    reference="S. Schoenholz et al., Deep information propagation, ICLR 2017",
    sick=lambda: chart({"gradient_rms": [5e4, 900.0, 10.0, 0.02]}, losses=stays()),
    healthy=lambda: chart({"gradient_rms": [5e4, 900.0, 10.0, 0.02]}),
)
