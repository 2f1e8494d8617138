"""A loss that is summed over the batch, with a rate made for a mean."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, loss
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import diverged, learns, trained, typical

EVEN: Final = ("sgd",)
"""Optimisers whose steps are as large as the gradient; for the others the loss's size does not matter."""


def _check(seen: Chart) -> Evidence | None:
    if seen.loss is None or seen.loss.reduction != "sum" or learns(seen) or seen.optimizer is None:
        return None
    moves = typical(seen, "update_ratio")[trained(seen)] if seen.layers else np.zeros(0)
    if seen.optimizer.name not in EVEN or not (diverged(seen) or (len(moves) and np.nanmax(moves) > -1)):
        return None
    figures = {"reduction": "sum", "batch": float(seen.batch), "learning rate": seen.optimizer.first.get("lr", 0.0)}
    return Evidence(figures, 0.9)


def _summed(**changes: Any) -> Chart:
    made = chart({"update_ratio": [0.3] * 4}, loss=loss(reduction="sum"), **changes)
    assert made.optimizer is not None
    return dataclasses.replace(made, optimizer=dataclasses.replace(made.optimizer, name="sgd"))


LOSS_REDUCTION = Rule(
    name="loss-reduction",
    summary="the loss is summed over the batch, so steps are as many times too large as it has samples",
    check=_check,
    advice="With a sum the gradient grows with the batch. Use reduction='mean', or divide the learning rate by the batch size.",
    explains=("learning-rate-high", "exploding-gradient", "nan-origin", "dying-relu"),
    treatments=(Operation("output", "fit"), Operation("rate", 0.01)),
    sick=lambda: _summed(losses=np.linspace(20, 900, 200)),
    healthy=lambda: _summed(),
)
