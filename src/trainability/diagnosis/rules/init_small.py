"""First weights so small that all inputs look alike after a few layers."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import hidden, learns

SMALL: Final = 0.2
"""Deviation of a first weight times √fan_in; PyTorch's default has 0.58, LeCun's 1, He's 1.41."""


FAINT: Final = 0.05
"""Deviation of the first pre-activations: normalisation and shortcuts make up for small weights, as in BERT."""


def gains(seen: Chart) -> np.ndarray:
    """Root mean square of the first weights times √fan_in, shape (layers,)."""
    fans = np.array([layer.fan_in for layer in seen.layers], float)
    return seen.signs["weight_rms"][0] * np.sqrt(fans) if len(seen.moments) else np.full(len(fans), math.nan)


def _check(seen: Chart) -> Evidence | None:
    if learns(seen) or not len(seen.moments) or not hidden(seen):
        return None
    # Others add several inputs up, such as a recurrent layer its own answer.
    plain = [i for i in hidden(seen) if seen.layers[i].kind in ("linear", "convolution")]
    places = [i for i in plain if seen.layers[i].trained]
    found = gains(seen)
    if not places or not np.median(found[places]) < SMALL:
        return None
    if np.nanmedian(seen.signs["pre_activation_std"][0, places]) > FAINT:
        return None
    place = min(places, key=lambda i: found[i])
    figures = {"median gain of the first weights": float(np.median(found[places])), "threshold": SMALL}
    return Evidence(figures, 0.82, seen.layers[place].name, 0)


INIT_SMALL = Rule(
    name="init-small",
    summary="the first weights are far too small",
    check=_check,
    advice="With such small weights every layer shrinks the differences between inputs, and the gradient on the way back. "
    "Initialise with a variance of gain² / fan_in: gain √2 for ReLU (He), 1 for tanh (LeCun, Glorot); trainability.gain "
    "knows that of any activation.",
    explains=(
        "vanishing-gradient",
        "learning-rate-low",
        "too-few-steps",
        "capacity-low",
        "learning-rate-high",
        "dying-relu",
    ),
    treatments=(Operation("initialize", "critical"), Operation("normalize", "layer")),
    reference="K. He et al., Delving deep into rectifiers, ICCV 2015",
    sick=lambda: chart({"weight_rms": [0.02] * 4, "pre_activation_std": [0.01] * 4}, losses=stays()),
    healthy=lambda: chart({"weight_rms": [0.02] * 4}),
)
