"""Steps so small that nothing moves in the time that it is given."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, falls, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import diverged, learns, progress, trained, typical

SMALL: Final = -4.0
"""log₁₀ of update over weight: a ten-thousandth of the weight in one step; near −3 is usual."""
OWN_SIZE: Final = ("adam", "adamw", "adamax", "nadam", "radam", "rmsprop", "lion", "lamb", "adafactor")
"""Optimisers whose steps are as large as the rate, whatever the gradient's size."""
GRADIENTS: Final = ("init-small", "vanishing-gradient", "activation-saturating", "double-softmax")


def _check(seen: Chart) -> Evidence | None:
    if learns(seen) or diverged(seen) or not seen.layers or seen.optimizer is None or not trained(seen).any():
        return None
    moves = typical(seen, "update_ratio")[trained(seen)]
    largest = float(np.nanmax(moves)) if not np.isnan(moves).all() else math.nan
    if not largest < SMALL:
        return None
    figures = {
        "learning rate": seen.optimizer.first.get("lr", math.nan), "log10 of update over weight, fastest layer": largest,
        "threshold": SMALL, "steps": float(seen.steps), "progress": progress(seen),
    }  # fmt: skip
    if seen.optimizer.name not in OWN_SIZE:
        return Evidence(figures, 0.8)
    # Such steps are small for the rate alone, however small the gradient is.
    return Evidence(figures, 0.88, despite=GRADIENTS)


LEARNING_RATE_LOW = Rule(
    name="learning-rate-low",
    summary="the steps are too small",
    check=_check,
    advice="In one step even the fastest layer changes by less than a ten-thousandth of its size, so that thousands of steps "
    "leave it where it started. Multiply the learning rate by 10 (again, if need be).",
    explains=("too-few-steps", "capacity-low"),
    treatments=(Operation("rate", 10.0), Operation("rate", 100.0), Operation("rate", 1000.0)),
    reference="A. Karpathy, nn-zero-to-hero: updates near 1e-3 of the weights are usual",
    sick=lambda: chart({"update_ratio": [-5.2] * 4}, losses=falls(0.7, 0.66)),
    healthy=lambda: chart({"update_ratio": [-3.2] * 4}, losses=stays()),
)
