"""A loss that is made for other targets, or other outputs, than it gets."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from trainability.core.chart import Chart, LossFacts
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, loss, numbers, regression, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import FEW, LEARNED, diverged, learns, progress

LOGARITHMS: Final = ("nll", "kl_div")
"""Losses that take logarithms of probabilities, which are at most 0."""
PROBABILITIES: Final = {"bce": 1.0, "probabilities_cross_entropy": math.inf, "probabilities_kl_div": math.inf}
"""Losses that take probabilities, to the largest answer that they can mean: some divide by the sum themselves."""
DISTANCES: Final = ("mse", "mae", "huber")
SLACK: Final = 1e-3
MOST_LABELS: Final = 20
"""Whole numbers of more kinds are taken for counts."""


def _check(seen: Chart) -> Evidence | None:
    found = seen.loss
    if found is None:
        return None
    layer = seen.layers[-1].name if seen.layers else None
    figures: dict[str, float | str] = {"loss": found.name}
    if found.name in LOGARITHMS and found.output.high > 1e-6:
        return Evidence({**figures, "highest answer": found.output.high, "highest logarithm": 0.0}, 1.0, layer)
    highest = PROBABILITIES.get(found.name)
    bounded = found.last in ("sigmoid", "softmax", "hard_sigmoid")
    if highest is not None and not bounded and (found.output.low < -SLACK or found.output.high > highest + SLACK):
        figures |= {"lowest answer": found.output.low, "highest answer": found.output.high}
        return Evidence({**figures, "answers": "are no probabilities"}, 0.97, layer)
    if found.target is None:
        return None
    figures |= {"lowest target": found.target.low, "highest target": found.target.high}
    if found.scrambled:
        figures |= {"output": str(found.output_shape), "its numbers": "are in another order than its shape says"}
        return Evidence(figures, 1.0, layer)
    if found.improbable:
        return Evidence({**figures, "targets": "are no probabilities of classes"}, 0.97, layer)
    if learns(seen) or found.name not in DISTANCES or not _labels(found):
        return None
    labels = found.target.distinct
    # A squared distance does for 0 and 1; with more labels their order would have to mean something.
    if diverged(seen) or progress(seen) >= (LEARNED if labels > 2 else FEW) or (labels == 2 and found.name != "mae"):
        return None
    figures |= {"different targets": float(labels), "progress": progress(seen)}
    return Evidence(figures, 0.65, layer)


def _labels(found: LossFacts) -> bool:
    """Whether the targets are the numbers 0, 1, … of classes."""
    target = found.target
    if target is None or not target.whole or target.low != 0 or not 2 <= target.distinct <= MOST_LABELS:
        return False
    return target.high == target.distinct - 1


def _bits() -> LossFacts:
    target = numbers(
        shape=(32, 1), low=0.0, high=1.0, mean=0.5, std=0.5, feature_std=np.ones(1), whole=True, distinct=2
    )
    return regression(name="mae", target=target, constant=0.5)


LOSS_TARGET = Rule(
    name="loss-target",
    summary="the loss does not fit what it compares",
    check=_check,
    advice="Each loss is made for one kind of target: cross-entropy for class labels or probabilities and scores as outputs; "
    "nll for class labels and log_softmax outputs; binary cross-entropy for 0 and 1; squared and absolute error for "
    "quantities. Scores of several places, (samples, places, classes), go into it as (samples, classes, places) by "
    "transpose(1, 2); view and reshape put other numbers in their places. A loss that takes probabilities wants softmax or sigmoid before it, or from_logits=True. Absolute error on labels is content with the more frequent one. Take the loss of your targets' kind.",
    explains=(
        "too-few-steps", "capacity-low", "class-imbalance", "dying-relu", "learning-rate-low",
        "nan-origin", "optimizer-unsuitable", "vanishing-gradient", "labels-invalid",
    ),
    treatments=(Operation("output", "fit"),),
    reference="J. Terven et al., Loss functions and metrics in deep learning, arXiv:2307.02694 (2023)",
    sick=lambda: chart(losses=stays(0.5), loss=_bits()),
    healthy=lambda: chart(loss=loss(name="nll", last="log_softmax", output=numbers(low=-9.0, high=0.0))),
)  # fmt: skip
