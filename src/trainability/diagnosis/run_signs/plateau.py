"""The longest stretch of a run in which the loss did not fall."""

from __future__ import annotations

import math

from trainability.core.chart import Chart
from trainability.diagnosis.run_signs import RunSign
from trainability.diagnosis.smoothing import flat

PLATEAU = RunSign(
    name="plateau",
    summary="share of the run in its longest stretch in which the smoothed loss fell by no more than its noise",
    measure=lambda chart: flat(chart.losses)[0],
    unit="share",
    low=0.0,
    high=0.8,
    healthy="up to 0.8 at the end of a run that has learned; at the start it means that nothing gets through yet",
    reference="L. Prechelt, Early stopping — but when?, in: Neural Networks: Tricks of the Trade (1998)",
)


def _starts(chart: Chart) -> float:
    share, start = flat(chart.losses)
    return float(start) if share > 0 else math.nan


PLATEAU_START = RunSign(
    name="plateau_start",
    summary="the step at which that stretch begins",
    measure=_starts,
    unit="step",
    healthy="late, near the best loss; at the first steps nothing gets through yet",
    reference=PLATEAU.reference,
)
