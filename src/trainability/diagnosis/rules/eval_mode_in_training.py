"""Dropout or normalisation in evaluation mode while gradients are computed."""

from __future__ import annotations

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule


def _check(seen: Chart) -> Evidence | None:
    if not seen.evaluating:
        return None
    trained = [layer for layer in seen.layers if layer.trained]
    # With parts frozen on purpose their normalisation belongs into evaluation mode.
    if len(trained) < len(seen.layers):
        return None
    return Evidence({"in evaluation mode": ", ".join(seen.evaluating[:6]), "how many": len(seen.evaluating)}, 0.95)


EVAL_MODE_IN_TRAINING = Rule(
    name="eval-mode-in-training",
    summary="dropout or batch normalisation is in evaluation mode while training",
    check=_check,
    advice="model.eval() was left on, so dropout does nothing and batch normalisation uses its running statistics, which "
    "never move. Call model.train() before training, and again after every evaluation.",
    explains=("learning-rate-low", "too-few-steps", "overfitting", "vanishing-gradient"),
    treatments=(Operation("wiring", "all"),),
    sick=lambda: chart(evaluating=("net.1",), losses=stays()),
    healthy=lambda: chart(),
)
