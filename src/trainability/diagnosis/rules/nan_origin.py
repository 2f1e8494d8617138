"""The first number that is NaN or infinite."""

from __future__ import annotations

from typing import Final

from trainability.core.chart import Chart, Origin
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart
from trainability.diagnosis.finding import Evidence, Rule

SURE: Final = {"inputs": 0.95, "backward": 0.9, "forward": 0.88, "loss": 0.88, "weights": 0.6}
"""How surely the place is the cause, where the numbers before were of usual size."""
OVERFLOW: Final = 1e6
"""Numbers of this size came about before: by steps that were too large, say."""


def _check(seen: Chart) -> Evidence | None:
    origin = seen.origin
    if origin is None:
        return None
    spoiled = seen.inputs is not None and seen.inputs.bad > 0  # wherever it showed first
    direction = "inputs" if spoiled else origin.direction
    figures = {"direction": direction, "largest number before": origin.before}
    sure = SURE.get(direction, 0.7) if origin.before < OVERFLOW or direction == "inputs" else 0.5
    return Evidence(figures, sure, origin.layer, origin.step)


NAN_ORIGIN = Rule(
    name="nan-origin",
    summary="numbers became NaN or infinite",
    check=_check,
    advice="Here the first number that is not finite appeared. In inputs or targets: clean the data. In the forward pass: a "
    "logarithm or a division near 0, or an exponential; use the loss's stable form on scores. In the backward pass, with a loss that is a number: a root, a norm or a "
    "logarithm at 0, or a branch that torch.where did not take; add a small number inside it. In weights: the steps before "
    "were too large.",
    explains=(
        "learning-rate-low",
        "too-few-steps",
        "dying-relu",
        "vanishing-gradient",
        "learning-rate-high",
        "exploding-gradient",
        "init-symmetric",
    ),
    treatments=(
        Operation("scale_inputs", "standardize"),
        Operation("output", "fit"),
        Operation("rate", 0.1),
        Operation("rate", 0.01),
        Operation("clip", 1.0),
    ),
    sick=lambda: chart(origin=Origin("net.2", 7, "forward", 1.0)),
    healthy=lambda: chart(),
)
