"""Batches so large that few steps are left, or so small that only noise is."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import STILL, batch_over_noise, diverged, falling, informative, learns, progress

TOO_LARGE: Final = 2.0
"""Batch over the gradient's noise scale: larger batches hardly make better steps."""
FEW_STEPS: Final = 100
TOO_SMALL: Final = 0.02
"""Batch over the gradient's noise scale: a step is nearly noise alone."""
SMALL: Final = 8
"""Samples."""


def _check(seen: Chart) -> Evidence | None:
    share = batch_over_noise(seen)
    if learns(seen) or diverged(seen) or math.isnan(share) or informative(seen) is False:
        return None
    figures = {
        "batch": float(seen.batch), "gradient noise scale": seen.gradient_noise, "batch over it": share,
        "steps": float(seen.steps),
    }  # fmt: skip
    if share > TOO_LARGE and seen.steps < FEW_STEPS and seen.batch >= 64 and falling(seen) > 0.01:
        return Evidence({**figures, "threshold": TOO_LARGE, "threshold of the steps": float(FEW_STEPS)}, 0.57)
    if (
        informative(seen)
        and share < TOO_SMALL
        and seen.batch <= SMALL
        and progress(seen) < STILL
        and falling(seen) == 0
    ):
        return Evidence({**figures, "threshold": TOO_SMALL}, 0.5)
    return None


def _large(**changes: Any) -> Chart:
    return chart(batch=4096, gradient_noise=300.0, **changes)


BATCH_SIZE = Rule(
    name="batch-size",
    summary="the batch is far from the size at which steps are good and cheap",
    check=_check,
    advice="Up to the gradient's noise scale a batch twice as large makes a step that is worth about two; beyond, more samples "
    "a step are wasted, and far below, a step is mostly noise. With a larger batch the same number of epochs has fewer steps.",
    explains=("too-few-steps", "class-imbalance"),
    treatments=(Operation("batch", 0.25), Operation("epochs", 10.0), Operation("rate", 10.0), Operation("batch", 4.0)),
    reference="S. McCandlish et al., An empirical model of large-batch training, arXiv:1812.06162 (2018)",
    sick=lambda: _large(losses=np.linspace(0.69, 0.6, 20)),
    healthy=lambda: _large(losses=stays(steps=400)),
)
