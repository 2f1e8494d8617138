"""Probabilities handed to a loss that turns scores into probabilities itself."""

from __future__ import annotations

from typing import Final

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, loss
from trainability.diagnosis.finding import Evidence, Rule

# A log_softmax before a softmax changes nothing, so it is left alone.
WRONG: Final = {
    "cross_entropy": ("softmax", "softmin", "sigmoid"),
    "bce_with_logits": ("sigmoid", "softmax", "hard_sigmoid"),
}


def _check(seen: Chart) -> Evidence | None:
    if seen.loss is None or seen.loss.last not in WRONG.get(seen.loss.name, ()):
        return None
    return Evidence({"loss": seen.loss.name, "output activation": str(seen.loss.last)}, 1.0, seen.layers[-1].name)


DOUBLE_SOFTMAX = Rule(
    name="double-softmax",
    summary="the output is turned into probabilities twice",
    check=_check,
    advice="This loss expects scores (logits) and applies softmax or sigmoid itself. With probabilities as its input the "
    "gradient stays small and the loss cannot come near 0. Remove the activation of the output layer.",
    explains=(
        "vanishing-gradient", "learning-rate-low", "too-few-steps", "output-activation", "capacity-low",
        "optimizer-unsuitable",
    ),
    treatments=(Operation("output", "fit"),),
    sick=lambda: chart(loss=loss(last="softmax")),
    healthy=lambda: chart(loss=loss(last="log_softmax")),
)  # fmt: skip
