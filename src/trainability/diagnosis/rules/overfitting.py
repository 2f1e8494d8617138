"""A network that learns its training data by heart while it gets worse on others."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability.core.chart import Chart, ValidationFacts
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import FEW, STILL, progress, validated

RISEN: Final = 1.5
"""Validation loss at the end over that at its best."""
GAP: Final = 0.4
"""How much less of the constant answer's loss is gone in validation than in training."""


def _check(seen: Chart) -> Evidence | None:
    best, end = validated(seen)
    if seen.validation is None or len(seen.validation.losses) < 3:
        return None
    risen = float(seen.validation.losses[-2:].mean() / max(seen.validation.losses.min(), 1e-300))
    # A loss that rises while answers stay good does not hurt.
    if not (progress(seen) > STILL and end < FEW and progress(seen) - end > GAP and (risen > RISEN or best < STILL)):
        return None
    figures = {
        "validation loss at the end over the best": risen, "threshold": RISEN, "progress in training": progress(seen),
        "progress in validation": end, "progress in validation at its best": best,
    }  # fmt: skip
    return Evidence(figures, 0.7, step=int(seen.validation.steps[int(np.argmin(seen.validation.losses))]))


def _held_out(*losses: float, **changes: Any) -> Chart:
    steps = np.linspace(20, 200, len(losses)).astype(int)
    return chart(validation=ValidationFacts(steps, np.array(losses)), **changes)


OVERFITTING = Rule(
    name="overfitting",
    summary="the training data are learned by heart, and other data are answered worse and worse",
    check=_check,
    advice="The loss falls in training and rises in validation, by now to about that of a constant answer. Keep the weights "
    "of the best validation loss, get more data or augment them, add weight decay or dropout, or use a smaller network.",
    treatments=(Operation("decay", 1e-2), Operation("dropout", 0.3)),
    reference="L. Prechelt, Early stopping, but when?, Neural Networks: Tricks of the Trade (1998)",
    sick=lambda: _held_out(0.6, 0.5, 0.7, 0.9, 1.1),
    healthy=lambda: _held_out(0.6, 0.3, 0.25, 0.26, 0.3),
)
