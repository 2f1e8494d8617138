"""Steps so large that the loss grows, jumps or becomes infinite."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import FEW, diverged, hidden, learns, progress, trained, typical

LARGE: Final = -1.0
"""log₁₀ of update over weight: a tenth of the weight in one step; near −3 is usual."""
EARLY: Final = 5
"""Steps in which units may die of a single update; there, as much as the weights' own size counts."""
ALIVE: Final = 0.2
KILLED: Final = 0.5
"""Shares of a layer's units that are dead: at the start, and after a few steps."""


def _check(seen: Chart) -> Evidence | None:
    if learns(seen) or not seen.layers or seen.optimizer is None or not np.isfinite(seen.losses[:1]).all():
        return None  # what was not finite before the first step is not the rate's fault
    moves = typical(seen, "update_ratio")[trained(seen)]
    largest = float(np.nanmax(moves)) if len(moves) and not np.isnan(moves).all() else math.nan
    jump = _jump(seen)
    away = diverged(seen)
    killed = _killed(seen)
    if not (away or killed or (max(largest, jump - 1) > LARGE and progress(seen) < FEW)):
        return None
    if away and max(largest, jump) < LARGE - 1.5:
        return None
    figures = {
        "learning rate": seen.optimizer.first.get("lr", math.nan), "log10 of update over weight": largest,
        "the same at its first steps": jump, "threshold": LARGE, "loss at the start": float(seen.losses[0]), "loss at the end": float(seen.losses[-1]),
    }  # fmt: skip
    sure = (away and largest > LARGE) or jump > LARGE + 1
    return Evidence(figures, 0.85 if sure else 0.78 if killed else 0.6)


def _killed(seen: Chart) -> bool:
    """Whether most units of a layer answered at the start, and to no input after a few steps, each of them large."""
    early = int(np.sum(seen.moments <= EARLY))
    dead = np.asarray(seen.signs["dead"], float)[:early, : len(hidden(seen))]
    return (
        early > 1
        and bool(((dead[0] < ALIVE) & (dead[-1] > KILLED)).any())
        and _jump(seen) > LARGE
        and progress(seen) < FEW
    )


def _jump(seen: Chart) -> float:
    """The largest log₁₀ of update over weight of a layer at the first moments, as a median over its layers."""
    early = np.asarray(seen.signs["update_ratio"], float)[: int(np.sum(seen.moments <= EARLY)), trained(seen)]
    early = np.where(np.isneginf(early), np.nan, early)
    rows = [float(np.nanmedian(row)) for row in early if not np.isnan(row).all()]
    return max(rows, default=-math.inf)


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
