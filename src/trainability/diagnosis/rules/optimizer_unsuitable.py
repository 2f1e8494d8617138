"""Plain gradient descent where it hardly gets on."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import FEW, diverged, informative, learns, progress, trained, typical

PLAIN: Final = ("sgd", "adagrad", "adadelta")
STEPS: Final = 100
"""So many steps should show something."""
LARGE: Final = -1.5
"""log₁₀ of update over weight: larger steps are a matter of the rate."""


def _check(seen: Chart) -> Evidence | None:
    optimizer = seen.optimizer
    if learns(seen) or diverged(seen) or optimizer is None or optimizer.name not in PLAIN or seen.steps < STEPS:
        return None
    if optimizer.first.get("momentum", 0.0) > 0 or progress(seen) >= FEW or informative(seen) is False:
        return None
    moves = typical(seen, "update_ratio")[trained(seen)] if seen.layers else np.zeros(0)
    if not len(moves) or not np.nanmax(moves, initial=-math.inf) < LARGE:
        return None
    figures = {
        "optimiser": optimizer.name, "momentum": 0.0, "learning rate": optimizer.first.get("lr", math.nan),
        "log10 of update over weight, fastest layer": float(np.nanmax(moves)), "progress": progress(seen),
        "threshold": FEW, "steps": float(seen.steps),
    }  # fmt: skip
    return Evidence(figures, 0.58)


def _plain(momentum: float, **changes: Any) -> Chart:
    made = chart({"update_ratio": [-2.5] * 4}, losses=stays(), **changes)
    assert made.optimizer is not None
    settings = {"lr": 0.05, "momentum": momentum}
    return dataclasses.replace(
        made, optimizer=dataclasses.replace(made.optimizer, name="sgd", first=settings, last=settings)
    )


OPTIMIZER_UNSUITABLE = Rule(
    name="optimizer-unsuitable",
    summary="plain gradient descent hardly gets on here",
    check=_check,
    advice="Steps along the bare gradient are too short in flat directions when they are just short enough in steep ones, and "
    "the loss stays on a plateau. Use Adam at 0.001 to 0.01, or momentum 0.9.",
    explains=("capacity-low", "class-imbalance", "too-few-steps"),
    treatments=(Operation("optimizer", "adam"), Operation("rate", 10.0), Operation("optimizer", "rmsprop")),
    reference="D. Kingma, J. Ba, Adam, ICLR 2015; I. Sutskever et al., ICML 2013",
    sick=lambda: _plain(0.0),
    healthy=lambda: _plain(0.9),
)
