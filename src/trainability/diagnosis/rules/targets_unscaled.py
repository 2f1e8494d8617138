"""Regression targets far from mean 0 and deviation 1."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, numbers, regression, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import learns

LARGE: Final = 10.0
"""Root mean square of the targets."""


def _check(seen: Chart) -> Evidence | None:
    loss = seen.loss
    if loss is None or loss.target is None or loss.kind != "regression" or learns(seen):
        return None
    size = float(np.hypot(loss.target.mean, loss.target.std))
    if size < LARGE:
        return None
    figures = {
        "root mean square of the targets": size, "threshold": LARGE, "mean": loss.target.mean,
        "deviation": loss.target.std,
    }  # fmt: skip
    return Evidence(figures, 0.8, step=0)


TARGETS_UNSCALED = Rule(
    name="targets-unscaled",
    summary="the targets of the regression are not scaled",
    check=_check,
    advice="The network starts with answers near 0 and has to move them a long way, with gradients as large as the targets. "
    "Standardise the targets with the training data's mean and deviation, and scale the answers back.",
    explains=(
        "learning-rate-high",
        "exploding-gradient",
        "nan-origin",
        "too-few-steps",
        "dying-relu",
        "learning-rate-low",
    ),
    treatments=(Operation("scale_targets", "standardize"),),
    sick=lambda: chart(losses=stays(1e6), loss=regression(target=numbers(mean=5e3, std=3e3), constant=9e6 / 10)),
    healthy=lambda: chart(losses=stays(1.0), loss=regression()),
)
