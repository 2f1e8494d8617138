"""Steps so large that the loss grows, jumps or becomes infinite."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import diverged, learns, progress, trained, typical

LARGE: Final = -1.0
"""log₁₀ of update over weight: a tenth of the weight in one step; near −3 is usual."""


def _check(seen: Chart) -> Evidence | None:
    if learns(seen) or not seen.layers or seen.optimizer is None:
        return None
    moves = typical(seen, "update_ratio")[trained(seen)]
    largest = float(np.nanmax(moves)) if len(moves) and not np.isnan(moves).all() else math.nan
    away = diverged(seen)
    if not (away or (largest > LARGE and progress(seen) < 0.3)) or (away and largest < LARGE - 1.5):
        return None
    figures = {
        "learning rate": seen.optimizer.first.get("lr", math.nan), "log10 of update over weight": largest,
        "threshold": LARGE, "loss at the start": float(seen.losses[0]), "loss at the end": float(seen.losses[-1]),
    }  # fmt: skip
    return Evidence(figures, 0.85 if away and largest > LARGE else 0.6)


LEARNING_RATE_HIGH = Rule(
    name="learning-rate-high",
    summary="the steps are too large",
    check=_check,
    advice="A step changes the weights by a tenth of their size or more, and the loss grows or jumps instead of falling. "
    "Divide the learning rate by 10 (again, if need be), or add a warm-up or gradient clipping.",
    explains=("dying-relu", "exploding-gradient", "nan-origin", "activation-saturating", "class-imbalance"),
    treatments=(
        Operation("rate", 0.1),
        Operation("rate", 0.01),
        Operation("rate", 0.001),
        Operation("clip", 1.0),
        Operation("schedule", "warmup"),
    ),
    reference="A. Karpathy, nn-zero-to-hero: updates near 1e-3 of the weights are usual",
    sick=lambda: chart({"update_ratio": [0.2] * 4}, losses=np.linspace(0.7, 60, 200)),
    healthy=lambda: chart({"update_ratio": [-0.9] * 4}),
)
