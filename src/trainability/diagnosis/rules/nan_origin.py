"""The first number that is NaN or infinite."""

from __future__ import annotations

from trainability.core.chart import Chart, Origin
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart
from trainability.diagnosis.finding import Evidence, Rule


def _check(seen: Chart) -> Evidence | None:
    origin = seen.origin
    if origin is None:
        return None
    figures = {"direction": origin.direction, "largest number before": origin.before}
    return Evidence(figures, 0.7 if origin.direction != "inputs" else 0.95, origin.layer, origin.step)


NAN_ORIGIN = Rule(
    name="nan-origin",
    summary="numbers became NaN or infinite",
    check=_check,
    advice="Here the first number that is not finite appeared. In inputs or targets: clean the data. In the forward pass: a "
    "logarithm or a division near 0, or an exponential; use the loss's stable form on scores. In weights: the steps before "
    "were too large.",
    explains=("learning-rate-low", "too-few-steps", "dying-relu", "vanishing-gradient"),
    treatments=(
        Operation("scale_inputs", "standardize"),
        Operation("output", "fit"),
        Operation("rate", 0.1),
        Operation("rate", 0.01),
        Operation("clip", 1.0),
    ),
    sick=lambda: chart(origin=Origin("net.2", 7, "forward", 3e38)),
    healthy=lambda: chart(),
)
