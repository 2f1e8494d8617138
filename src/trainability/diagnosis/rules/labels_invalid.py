"""Targets that the loss cannot mean: NaN, labels that name no class, probabilities outside 0 to 1."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, loss, numbers
from trainability.diagnosis.finding import Evidence, Rule

IGNORED: Final = -100
"""The label that PyTorch's losses leave out."""
PROBABILITIES: Final = ("bce", "bce_with_logits")


def _check(seen: Chart) -> Evidence | None:
    found = seen.loss
    if found is None or found.target is None:
        return None
    figures: dict[str, float | str] = {"lowest target": found.target.low, "highest target": found.target.high}
    if found.target.bad > 0:
        return Evidence({**figures, "share of NaN and infinite targets": found.target.bad}, 1.0)
    if found.kind == "classes" and found.classes > 1 and found.counts:
        wrong = [label for label in found.counts if not (0 <= label < found.classes or label == IGNORED)]
        if wrong:
            return Evidence({**figures, "classes": float(found.classes), "labels of none": str(sorted(wrong)[:8])}, 1.0)
    if found.name in PROBABILITIES and (found.target.low < -1e-6 or found.target.high > 1 + 1e-6):
        return Evidence({**figures, "lowest probability": 0.0, "highest probability": 1.0}, 1.0)
    return None


def _signed() -> Chart:
    target = numbers(shape=(32, 1), low=-1.0, high=1.0, feature_std=np.ones(1), whole=True, distinct=2)
    return chart(loss=loss(name="bce_with_logits", kind="binary", target=target, counts={}))


LABELS_INVALID = Rule(
    name="labels-invalid",
    summary="there are targets that the loss cannot mean",
    check=_check,
    advice="Look at the targets: NaN has to be cleaned, class labels have to be 0, 1, … up to the number of outputs less 1, "
    "and binary cross-entropy wants 0 and 1, not −1 and 1 or 1 and 2. With others the loss has no lowest value, or none at "
    "all.",
    explains=(
        "nan-origin", "learning-rate-high", "exploding-gradient", "too-few-steps", "output-activation", "dying-relu",
        "loss-target", "targets-unscaled", "class-imbalance", "learning-rate-low", "capacity-low",
    ),
    treatments=(Operation("output", "fit"),),
    reference="PyTorch, documentation of BCEWithLogitsLoss: targets between 0 and 1",
    sick=_signed,
    healthy=lambda: chart(),
)  # fmt: skip
