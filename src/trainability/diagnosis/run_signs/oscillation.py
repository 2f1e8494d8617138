"""How much of the loss's way is back and forth."""

from __future__ import annotations

import math

import numpy as np

from trainability.core.chart import Chart
from trainability.diagnosis.run_signs import RunSign
from trainability.diagnosis.smoothing import smoothed


def _measure(chart: Chart) -> float:
    """1 − |end − start| / the way between them, of block means: a batch's own noise is averaged out.

    A zigzag from step to step is averaged out as well, so that the way goes from above the one mean to below the next.
    """
    blocks = smoothed(chart.losses)
    if blocks is None:
        return math.nan
    swings = (blocks.swings[1:] + blocks.swings[:-1]) * (-1.0) ** np.arange(len(blocks.means) - 1)
    way = float(np.abs(np.diff(blocks.means) + swings).sum())
    return max(0.0, 1 - abs(float(blocks.means[-1] - blocks.means[0])) / way) if way > 0 else 0.0


OSCILLATION = RunSign(
    name="oscillation",
    summary="share of the smoothed loss's variation that goes back and forth",
    measure=_measure,
    unit="share",
    low=0.0,
    high=0.5,
    healthy="under 0.5; near 1 the loss goes nowhere: too high a rate, or nothing to learn",
    reference="P. J. Kaufman, Smarter Trading (1995): one minus the efficiency ratio of a path",
)
