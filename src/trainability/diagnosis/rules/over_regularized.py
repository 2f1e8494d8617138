"""A penalty on weights that outweighs what they learn."""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import learns, trained

SHRUNK: Final = 0.5
"""Weights at the end over weights at the start."""


def _check(seen: Chart) -> Evidence | None:
    if learns(seen) or seen.optimizer is None or len(seen.moments) < 2:
        return None
    decay = seen.optimizer.first.get("weight_decay", 0.0)
    if decay <= 0 and not seen.penalized:
        return None
    size = seen.signs["weight_rms"]
    shrunk = _typical((size[-1] / size[0])[trained(seen)])
    if not shrunk < SHRUNK:
        return None
    said = {"weight decay": decay} if decay > 0 else {"the weights' size": "is a part of the loss"}
    return Evidence({**said, "weights at the end over the start": shrunk, "threshold": SHRUNK}, 0.8)


def _typical(ratios: np.ndarray) -> float:
    """What half of the layers shrank to or below: an output layer may grow to make up for the others."""
    known = np.sort(ratios[~np.isnan(ratios)])
    return float(known[(len(known) - 1) // 2]) if len(known) else math.nan


def _decayed(losses: np.ndarray) -> Chart:
    made = chart(losses=losses)
    assert made.optimizer is not None
    settings = {"lr": 0.001, "weight_decay": 0.1}
    signs = {**made.signs, "weight_rms": made.signs["weight_rms"] * np.geomspace(1, 0.05, len(made.moments))[:, None]}
    return dataclasses.replace(
        made, signs=signs, optimizer=dataclasses.replace(made.optimizer, first=settings, last=settings)
    )


OVER_REGULARIZED = Rule(
    name="over-regularized",
    summary="a penalty shrinks the weights faster than they can learn",
    check=_check,
    advice="The penalty draws the weights towards 0 more strongly than the data draw them anywhere else. Divide the weight "
    "decay, or the penalty's factor in the loss, by 10 or 100.",
    explains=(
        "vanishing-gradient", "init-small", "too-few-steps", "learning-rate-low", "capacity-low", "dying-relu",
        "learning-rate-high",
    ),
    treatments=(Operation("decay", 0.0), Operation("decay", 0.0001)),
    sick=lambda: _decayed(stays()),
    healthy=lambda: _decayed(chart().losses),
)  # fmt: skip
