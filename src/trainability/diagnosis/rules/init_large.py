"""First weights so large that units saturate or numbers grow from layer to layer."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import hidden, learns
from trainability.diagnosis.rules.init_small import gains

LARGE: Final = 4.0
"""Deviation of a first weight times √fan_in; PyTorch's default has 0.58, LeCun's 1, He's 1.41."""


LOUD: Final = 100.0
"""The first answers over what is asked for: the targets of a regression, scores of about 1 otherwise."""
SCALED: Final = 10.0
"""Largest input, root mean square, for which loud answers are the weights' doing."""


def _check(seen: Chart) -> Evidence | None:
    if learns(seen) or not len(seen.moments) or not hidden(seen):
        return None
    return _large(seen) or _loud(seen)


def _loud(seen: Chart) -> Evidence | None:
    """Weights that look harmless and are not, such as a recurrent layer's, which are applied again at each step."""
    inputs, loss = seen.inputs, seen.loss
    target = loss.target if loss is not None and loss.kind == "regression" else None
    if inputs is None or not math.hypot(inputs.mean, inputs.std) < SCALED or not seen.layers[-1].trained:
        return None
    asked = math.hypot(target.mean, target.std) if target is not None else 1.0
    mean, deviation = (float(seen.signs[f"pre_activation_{each}"][0, -1]) for each in ("mean", "std"))
    answers = math.hypot(mean, deviation) if math.isfinite(mean) and math.isfinite(deviation) else math.inf
    if math.isnan(mean) or not answers > LOUD * max(1.0, asked):
        return None
    figures = {"first answers, root mean square": answers, "asked for": asked, "threshold of their ratio": LOUD}
    return Evidence(figures, 0.86, seen.layers[-2].name, 0)


def _large(seen: Chart) -> Evidence | None:
    places = [i for i in hidden(seen) if seen.layers[i].trained]
    found = gains(seen)
    if not places or not np.median(found[places]) > LARGE:
        return None
    place = max(places, key=lambda i: found[i])
    figures = {"median gain of the first weights": float(np.median(found[places])), "threshold": LARGE}
    return Evidence(figures, 0.82, seen.layers[place].name, 0)


INIT_LARGE = Rule(
    name="init-large",
    summary="the first weights are far too large",
    check=_check,
    advice="With such large weights bounded activations saturate, and unbounded ones grow from layer to layer. Initialise "
    "with a variance of gain² / fan_in: gain √2 for ReLU (He), 1 for tanh (LeCun, Glorot).",
    explains=(
        "activation-saturating",
        "exploding-gradient",
        "learning-rate-high",
        "nan-origin",
        "vanishing-gradient",
        "too-few-steps",
    ),
    treatments=(Operation("initialize", "critical"), Operation("normalize", "layer")),
    reference="X. Glorot, Y. Bengio, AISTATS 2010",
    sick=lambda: chart({"weight_rms": [3.0] * 4}, losses=stays()),
    healthy=lambda: chart({"weight_rms": [3.0] * 4}),
)
