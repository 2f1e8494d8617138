"""A loss with the wrong sign: what should be minimised is maximised."""

from __future__ import annotations

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, loss
from trainability.diagnosis.finding import Evidence, Rule


def _check(seen: Chart) -> Evidence | None:
    if seen.loss is None or seen.loss.decreasing:
        return None
    return Evidence({"loss": seen.loss.name, "loss at the end": float(seen.losses[-1])}, 0.95)


LOSS_SIGN = Rule(
    name="loss-sign",
    summary="the loss is negated before it is minimised",
    check=_check,
    advice="What this library's loss measures should become small; here its negative is minimised, so training drives the "
    "model away from its targets. Remove the minus sign.",
    explains=("learning-rate-high", "exploding-gradient", "nan-origin"),
    treatments=(Operation("output", "fit"),),
    sick=lambda: chart(losses=-np.linspace(0.7, 90, 200), loss=loss(decreasing=False)),
    healthy=lambda: chart(),
)
