"""An output activation whose range does not hold the targets, or one that answers a constant."""

from __future__ import annotations

from typing import Final

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, numbers, regression, stays
from trainability.diagnosis.finding import Evidence, Rule

RANGES: Final = {
    "sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0), "hardtanh": (-1.0, 1.0), "relu": (0.0, float("inf")), "softplus": (0.0, float("inf")),
    "exponential": (0.0, float("inf")), "relu6": (0.0, 6.0),
}  # fmt: skip
"""Values that an activation can answer."""
MOST: Final = 0.05
"""Share of the targets' range that may lie outside."""


def _check(seen: Chart) -> Evidence | None:
    loss = seen.loss
    if loss is None:
        return None
    layer = seen.layers[-1].name if seen.layers else None
    if loss.across_batch:
        figures = {"output activation": "softmax", "it adds up to 1 over": "the samples of a batch, not the classes"}
        return Evidence(figures, 1.0, layer)
    if loss.last is None:
        return None
    if loss.last in ("softmax", "softmin") and loss.output_shape[-1:] == (1,):
        figures = {"output activation": loss.last, "output units": 1, "answer": "1 to every input"}
        return Evidence(figures, 1.0, layer)
    if loss.target is None or loss.kind == "classes" or loss.last not in RANGES:
        return None
    low, high = RANGES[loss.last]
    target = loss.target
    spread = max(target.high - target.low, 1e-300)
    outside = (max(0.0, low - target.low) + max(0.0, target.high - high)) / spread
    if outside <= MOST:
        return None
    figures = {
        "output activation": loss.last, "lowest target": target.low, "highest target": target.high,
        "lowest answer": low, "highest answer": high, "out of reach, over the targets' range": outside, "threshold": MOST,
    }  # fmt: skip
    return Evidence(figures, 0.95, layer)


OUTPUT_ACTIVATION = Rule(
    name="output-activation",
    summary="the output activation cannot answer what the targets ask",
    check=_check,
    advice="The output layer's activation keeps answers in a range that does not hold the targets, or, as softmax over a "
    "single unit does, makes them all 1. For a regression use no activation; for two classes one unit with sigmoid and "
    "binary cross-entropy; for several classes as many units as classes, with softmax over the classes (dim=1, not 0).",
    explains=(
        "dying-relu", "vanishing-gradient", "targets-unscaled", "learning-rate-low", "too-few-steps", "capacity-low",
        "activation-saturating", "learning-rate-high", "over-regularized", "optimizer-unsuitable",
    ),
    treatments=(Operation("output", "fit"),),
    sick=lambda: chart(losses=stays(1.0), loss=regression(last="sigmoid")),
    healthy=lambda: chart(loss=regression(last="sigmoid", target=numbers(low=0.0, high=1.0, mean=0.5, std=0.3))),
)  # fmt: skip
