"""Parameters that the model uses and that ask for gradients, yet no optimiser moves."""

from __future__ import annotations

import dataclasses

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart
from trainability.diagnosis.finding import Evidence, Rule


def _check(seen: Chart) -> Evidence | None:
    if seen.optimizer is None:
        return None
    left = [p for p in seen.parameters if p.wanted and p.used and not p.held]
    if not left:
        return None
    size = sum(p.size for p in seen.parameters if p.used)
    figures = {
        "parameters not held": ", ".join(p.name for p in left[:6]), "share of the weights": sum(p.size for p in left) / size,
        "parameters of another model that it holds": seen.optimizer.foreign,
    }  # fmt: skip
    return Evidence(figures, 1.0, left[0].name.rpartition(".")[0])


def _headless() -> Chart:
    made = chart()
    *others, last = made.parameters
    return dataclasses.replace(made, parameters=(*others, dataclasses.replace(last, held=False)))


def _frozen_on_purpose() -> Chart:
    made = chart()
    first, *others = made.parameters
    return dataclasses.replace(made, parameters=(dataclasses.replace(first, held=False, wanted=False), *others))


PARAMETERS_NOT_OPTIMIZED = Rule(
    name="parameters-not-optimized",
    summary="the optimiser does not hold parameters that the model uses",
    check=_check,
    advice="These parameters get gradients and are never moved. Often a layer was replaced after the optimiser had been "
    "built, or layers lie in a plain Python list, which the model does not know. Build the optimiser last, and keep layers "
    "in a ModuleList. What is to stay as it is should say requires_grad_(False).",
    explains=("zero-grad-missing", "learning-rate-low", "too-few-steps", "capacity-low", "batch-size"),
    treatments=(Operation("wiring", "all"),),
    sick=_headless,
    healthy=_frozen_on_purpose,
)
