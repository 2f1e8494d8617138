"""Gradients of earlier steps that are still there when the next ones are added."""

from __future__ import annotations

from trainability.core.chart import Chart
from trainability.diagnosis.examples import chart
from trainability.diagnosis.finding import Evidence, Rule


def _check(seen: Chart) -> Evidence | None:
    return Evidence({"after an update": "gradients were neither zeroed nor dropped"}, 1.0) if seen.accumulated else None


ZERO_GRAD_MISSING = Rule(
    name="zero-grad-missing",
    summary="gradients add up over steps",
    check=_check,
    advice="Every backward pass adds to the gradients that are there. Call optimizer.zero_grad() once for every "
    "optimizer.step(), before the backward pass.",
    explains=("learning-rate-high", "exploding-gradient", "nan-origin"),
    sick=lambda: chart(accumulated=True),
    healthy=lambda: chart(),
)
