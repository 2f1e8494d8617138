"""A gradient that all but vanishes on its way to the first layers."""

from __future__ import annotations

from typing import Final

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import first_over_last, learns

SMALL: Final = 1e-3
"""First trained layer's gradient over the last one's, at the start."""


def _check(seen: Chart) -> Evidence | None:
    found = first_over_last(seen)
    if learns(seen) or found is None or found[0] >= SMALL:
        return None
    ratio, place = found
    figures = {
        "first layer's gradient over the last layer's": ratio, "threshold": SMALL, "layers": float(len(seen.layers)),
    }  # fmt: skip
    return Evidence(figures, 0.8, seen.layers[place].name, int(seen.moments[0]))


VANISHING_GRADIENT = Rule(
    name="vanishing-gradient",
    summary="almost no gradient reaches the first layers",
    check=_check,
    advice="Each layer takes away part of the gradient, and nothing is left for the first ones, which stay as they were "
    "drawn. Use an activation that keeps the gradient (ReLU, GELU, tanh in place of sigmoid) with its critical gain, "
    "normalisation or shortcuts between layers, or fewer layers.",
    explains=("learning-rate-low", "too-few-steps", "capacity-low", "class-imbalance"),
    treatments=(
        Operation("activation", "elu"),
        Operation("initialize", "critical"),
        Operation("activation", "leaky_relu"),
        Operation("normalize", "layer"),
        Operation("activation", "tanh"),
        Operation("normalize", "batch"),
    ),
    reference="X. Glorot, Y. Bengio, AISTATS 2010; S. Schoenholz et al., Deep information propagation, ICLR 2017",
    sick=lambda: chart({"gradient_rms": [1e-9, 1e-7, 1e-4, 0.02]}, "sigmoid", losses=stays()),
    healthy=lambda: chart({"gradient_rms": [1e-9, 1e-7, 1e-4, 0.02]}, "sigmoid"),
)
