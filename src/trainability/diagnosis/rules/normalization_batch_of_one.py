"""Batch normalisation over a single sample."""

from __future__ import annotations

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import learns


def _check(seen: Chart) -> Evidence | None:
    if not seen.normalized_one or learns(seen):
        return None
    return Evidence({"samples in a batch": 1.0, "layers": ", ".join(seen.normalized_one[:6])}, 0.85)


NORMALIZATION_BATCH_OF_ONE = Rule(
    name="normalization-batch-of-one",
    summary="batch normalisation sees batches of one sample",
    check=_check,
    advice="The mean and deviation of one sample take away what tells it from others. Use larger batches, or layer or group "
    "normalisation.",
    explains=(
        "too-few-steps", "vanishing-gradient", "learning-rate-high", "learning-rate-low", "optimizer-unsuitable",
        "batch-size", "capacity-low",
    ),
    treatments=(Operation("batch", 32.0), Operation("normalize", "layer")),
    sick=lambda: chart(normalized_one=("net.1",), losses=chart().losses * 0 + 0.69),
    healthy=lambda: chart(normalized_one=("net.1",)),
)  # fmt: skip
