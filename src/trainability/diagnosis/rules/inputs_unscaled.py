"""Inputs far from mean 0 and deviation 1, or features of very unlike size."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, numbers, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import learns

LARGE: Final = 10.0
"""Root mean square of the inputs."""
UNLIKE: Final = 100.0
"""Largest deviation of a feature over the smallest."""


def _check(seen: Chart) -> Evidence | None:
    inputs = seen.inputs
    if inputs is None or learns(seen):
        return None
    size = float(np.hypot(inputs.mean, inputs.std))
    spread = inputs.feature_std[inputs.feature_std > 0]
    spread = spread[np.isfinite(spread)]
    ratio = float(spread.max() / spread.min()) if len(spread) > 1 and inputs.feature_std.size <= 512 else 1.0
    # Features that hardly ever move, such as a picture's corners, do no harm beside others of deviation 1.
    widest = float(spread.max()) if len(spread) else 0.0
    if size < LARGE and (ratio < UNLIKE or widest < LARGE):
        return None
    figures = {
        "root mean square of the inputs": size, "threshold": LARGE, "lowest": inputs.low, "highest": inputs.high,
        "largest over smallest deviation of a feature": ratio, "threshold of that": UNLIKE,
    }  # fmt: skip
    return Evidence(figures, 0.85 if size >= LARGE else 0.6, step=0)


INPUTS_UNSCALED = Rule(
    name="inputs-unscaled",
    summary="the inputs are not scaled",
    check=_check,
    advice="The first layer gets numbers far from mean 0 and deviation 1, or features of very unlike size, so its units "
    "saturate, die or follow the largest feature alone. Standardise each feature with the training data's mean and deviation "
    "(pictures of 0 to 255: divide by 255).",
    explains=(
        "activation-saturating", "dying-relu", "learning-rate-high", "exploding-gradient", "nan-origin", "init-large",
        "vanishing-gradient", "too-few-steps", "learning-rate-low", "targets-unscaled", "activation-explosive",
    ),
    treatments=(Operation("scale_inputs", "standardize"),),
    sick=lambda: chart(losses=stays(), inputs=numbers(low=0.0, high=255.0, mean=90.0, std=70.0)),
    healthy=lambda: chart(inputs=numbers(low=0.0, high=255.0, mean=90.0, std=70.0)),
)  # fmt: skip
