"""The batch against the size at which the gradient's noise is as large as the gradient."""

from __future__ import annotations

from trainability.diagnosis.reading import batch_over_noise
from trainability.diagnosis.rules.batch_size import TOO_LARGE, TOO_SMALL
from trainability.diagnosis.run_signs import RunSign

BATCH_OVER_NOISE = RunSign(
    name="batch_over_noise",
    summary="samples of a batch over the gradient noise scale of the first steps",
    measure=batch_over_noise,
    unit="times",
    low=TOO_SMALL,
    healthy=f"over {TOO_SMALL:g}: far below, a step is mostly noise; over {TOO_LARGE:g}, more samples make hardly "
    "better steps, which alone is no harm",
    reference="S. McCandlish et al., An empirical model of large-batch training, arXiv:1812.06162 (2018)",
)
