"""The loss before the first update, against the best constant answer's."""

from __future__ import annotations

import math

from trainability.core.chart import Chart
from trainability.diagnosis.reading import against_constant
from trainability.diagnosis.run_signs import RunSign


def _measure(chart: Chart) -> float:
    return against_constant(chart, float(chart.losses[0])) if len(chart.losses) else math.nan


LOSS_AT_START = RunSign(
    name="loss_at_start",
    summary="the first step's loss over the best constant answer's",
    measure=_measure,
    unit="times",
    high=2.0,
    healthy="about 1, up to 2: an untrained network knows hardly more than a constant; less after earlier training",
    reference="A. Karpathy, A recipe for training neural networks (2019), “verify loss @ init”",
)
