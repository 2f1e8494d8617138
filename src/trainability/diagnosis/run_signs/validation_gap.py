"""The loss on held-out data against that in training."""

from __future__ import annotations

import math

import numpy as np

from trainability.core.chart import Chart
from trainability.diagnosis.reading import against_constant, final_loss
from trainability.diagnosis.run_signs import RunSign


def _measure(chart: Chart) -> float:
    if chart.validation is None or not len(chart.validation.losses):
        return math.nan
    held_out = float(np.mean(chart.validation.losses[-2:]))
    trained = final_loss(chart)
    if not math.isfinite(trained):
        return math.nan
    return against_constant(chart, held_out) - against_constant(chart, trained)


VALIDATION_GAP = RunSign(
    name="validation_gap",
    summary="the last two evaluations' mean loss less that of training, over the best constant answer's",
    measure=_measure,
    unit="times",
    high=0.2,
    healthy="under 0.2; much more is overfitting, or held-out data of another kind; negative with dropout",
    reference="I. Goodfellow, Y. Bengio, A. Courville, Deep Learning (2016), section 5.2",
)
