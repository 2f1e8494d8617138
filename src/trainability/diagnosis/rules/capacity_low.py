"""A network with too few units for what its data hold."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

import numpy as np

from trainability.core.chart import Chart, Pairing
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import FAR, diverged, falling, hidden, learns, progress, travelled

NARROW: Final = 3
"""Units of the narrowest hidden layer."""
LEVEL: Final = 0.3
"""Had all steps gone one way, the weights would have moved by this share of their size: enough where the loss never fell."""
BEHIND: Final = 0.2
"""How much less of the constant answer's loss is gone than the nearest neighbours take away."""


def _check(seen: Chart) -> Evidence | None:
    attainable = seen.pairing.attainable if seen.pairing is not None else math.nan
    done = progress(seen)
    if learns(seen) or not seen.layers or diverged(seen) or not attainable - done > BEHIND:
        return None
    kinds = {layer.kind for layer in seen.layers}
    widths = [seen.layers[i].units for i in hidden(seen)]
    way = travelled(seen)
    if way < (LEVEL if falling(seen, 1.0) == 0 else FAR):
        return None
    if falling(seen) > 0.03 and min(widths, default=0) != 1:  # one number says little
        return None
    if not kinds <= {"linear", "convolution"} or min(widths, default=0) > NARROW:
        return None
    place = int(np.argmin(widths)) if widths else 0
    figures = {
        "units of the narrowest hidden layer": float(min(widths, default=0)), "threshold": float(NARROW),
        "progress": done, "progress of a simple method": attainable,
    }  # fmt: skip
    return Evidence(figures, 0.6, seen.layers[place].name)


def _narrow(**changes: Any) -> Chart:
    made = chart(layers=3, pairing=Pairing(300, 0.9, 0.01, 0.8), **changes)
    first, second, last = made.layers
    return dataclasses.replace(made, layers=(dataclasses.replace(first, units=2), second, last))


CAPACITY_LOW = Rule(
    name="capacity-low",
    summary="the network is too small for its data",
    check=_check,
    advice="The loss has levelled off above what the nearest neighbours reach with the same samples, and a layer lets only a "
    "few numbers through, or there is no hidden layer. Use more units, or add a hidden layer.",
    explains=("too-few-steps", "dying-relu", "optimizer-unsuitable", "class-imbalance", "batch-size"),
    reference="G. Cybenko, Approximation by superpositions of a sigmoidal function, MCSS 2 (1989)",
    sick=lambda: _narrow(losses=stays()),
    healthy=lambda: _narrow(),
)
