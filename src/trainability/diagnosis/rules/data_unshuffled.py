"""Batches that hold one kind of targets at a time."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability.core.chart import Chart
from trainability.diagnosis.examples import chart, loss, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import LEARNED, learns, validated

MIXED: Final = 0.3
"""How much targets differ within batches, over how much all of them do; 1 where they are shuffled."""
FORGETTING: Final = 0.02
"""Share of the last quarter's steps whose loss is above the best constant answer's."""


def _check(seen: Chart) -> Evidence | None:
    if seen.loss is None or seen.game or not seen.loss.mixing < MIXED or not len(seen.losses):
        return None
    # Where each kind is forgotten once the next comes, the loss jumps at every change and falls quickly again.
    jumps = float(np.mean(seen.losses[len(seen.losses) * 3 // 4 :] > seen.loss.constant))
    _, end = validated(seen)
    if learns(seen) and not (jumps > FORGETTING and not end >= LEARNED):
        return None
    figures = {
        "difference of targets within batches, over that of all": seen.loss.mixing, "threshold": MIXED,
        "share of the last steps worse than a constant answer": jumps, "threshold of that": FORGETTING,
    }  # fmt: skip
    return Evidence(figures, 0.9)


def _sorted(**changes: Any) -> Chart:
    return chart(loss=loss(mixing=0.0), **changes)


DATA_UNSHUFFLED = Rule(
    name="data-unshuffled",
    summary="the batches are sorted by their targets",
    check=_check,
    advice="Each batch holds targets of one kind, so a step makes the network answer just these, and what it knew of the others "
    "is overwritten. Shuffle the samples before every epoch (DataLoader(..., shuffle=True)), and before splitting them.",
    explains=(
        "learning-rate-high", "dying-relu", "too-few-steps", "capacity-low", "class-imbalance", "optimizer-unsuitable",
        "batch-size", "overfitting", "labels-unpaired", "activation-saturating", "exploding-gradient", "learning-rate-low",
    ),
    reference="Y. Bengio, Practical recommendations for gradient-based training of deep architectures (2012), section 3.1",
    sick=lambda: _sorted(losses=stays()),
    healthy=lambda: _sorted(),
)  # fmt: skip
