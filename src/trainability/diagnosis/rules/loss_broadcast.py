"""Output and target of different shape, stretched against each other into a table of all pairs."""

from __future__ import annotations

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, regression, stays
from trainability.diagnosis.finding import Evidence, Rule


def _check(seen: Chart) -> Evidence | None:
    loss = seen.loss
    if loss is None or not loss.broadcast:
        return None
    return Evidence({"output": str(loss.output_shape), "target": str(loss.target_shape), "loss": loss.name}, 1.0)


LOSS_BROADCAST = Rule(
    name="loss-broadcast",
    summary="the loss compares every answer with every target, not each with its own",
    check=_check,
    advice="Output and target differ in shape and are stretched against each other, so that each answer is drawn to the "
    "mean of all targets. Give both the same shape, for example output.squeeze(-1) or target.unsqueeze(-1).",
    explains=("too-few-steps", "labels-unpaired", "vanishing-gradient", "learning-rate-low", "capacity-low"),
    treatments=(Operation("output", "fit"),),
    sick=lambda: chart(losses=stays(1.0), loss=regression(broadcast=True, target_shape=(32,))),
    healthy=lambda: chart(losses=stays(1.0), loss=regression()),
)
