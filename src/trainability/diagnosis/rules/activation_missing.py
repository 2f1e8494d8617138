"""Several linear layers with nothing between them: one linear layer."""

from __future__ import annotations

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import hidden, learns, progress


def _check(seen: Chart) -> Evidence | None:
    places = list(hidden(seen))
    if learns(seen) or not places or any(layer.kind not in ("linear", "convolution") for layer in seen.layers):
        return None
    if any(seen.layers[i].activation is not None for i in places):
        return None
    figures = {"hidden layers without an activation": float(len(places)), "progress": progress(seen)}
    return Evidence(figures, 0.7, seen.layers[places[0]].name)


ACTIVATION_MISSING = Rule(
    name="activation-missing",
    summary="there is no activation between the layers",
    check=_check,
    advice="Linear layers on top of each other are one linear layer, whatever their number. Put an activation, such as ReLU "
    "or GELU, after every hidden layer.",
    explains=("capacity-low", "too-few-steps", "vanishing-gradient"),
    treatments=(Operation("activation", "relu"), Operation("activation", "tanh")),
    sick=lambda: chart(activation=None, losses=stays()),
    healthy=lambda: chart(activation=None),
)
