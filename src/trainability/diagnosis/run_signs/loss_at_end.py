"""The loss at the end, against the best constant answer's."""

from __future__ import annotations

from trainability.core.chart import Chart
from trainability.diagnosis.reading import LEARNED, against_constant, final_loss
from trainability.diagnosis.run_signs import RunSign


def _measure(chart: Chart) -> float:
    return against_constant(chart, final_loss(chart))


LOSS_AT_END = RunSign(
    name="loss_at_end",
    summary="the mean loss of the last tenth of the steps over the best constant answer's",
    measure=_measure,
    unit="times",
    high=round(1 - LEARNED, 9),
    healthy="at most 0.4; on noisy data as low as a simple method comes; 1 has learned nothing",
    reference="B. Efron, R. Tibshirani, Improvements on cross-validation: the .632+ bootstrap method, JASA 92 (1997): "
    "errors are held against that of no information",
)
