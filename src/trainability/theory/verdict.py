"""What to expect of a network, in words."""

from __future__ import annotations

import math

from trainability.theory.trainable import Band

VANISHED = 1e-3
"""A first layer whose gradient is below this share of the last one's hardly learns while the last one does."""


def verdict_of(ratio: float, depth: int, band: Band | None, residual: bool) -> str:
    """A sentence on a network of `depth` hidden layers whose first layer gets `ratio` times the last one's gradient."""
    return f"{_gradient(ratio)}; {_depth(ratio, depth, band, residual)}"


def _gradient(ratio: float) -> str:
    if ratio == 0:
        return "no gradient reaches the first layer"
    if ratio < 1 / 3:
        return f"a gradient of {ratio:.0e} of the last layer's reaches the first layer"
    if ratio <= 3:
        return "the gradient keeps its size from the last layer to the first"
    return f"the gradient grows {ratio:.2g} times from the last layer to the first"


def _depth(ratio: float, depth: int, band: Band | None, residual: bool) -> str:
    vanishes, explodes = ratio < VANISHED, ratio > 1 / VANISHED
    if vanishes or explodes:
        what = "vanishes" if vanishes else "explodes"
        return f"it {what}: this will hardly train{_limit(band)}"
    if band is None:
        return "the shortcuts let it train" if residual else "theory sets no depth at which it stops training"
    if depth > band.high:
        return f"too deep: differences between inputs are lost; it trains down to {band.words()}"
    if depth > band.low:
        return f"at the limit: training stops somewhere in {band.words()}"
    return "it should train" if math.isinf(band.low) else f"it should train, as down to {band.words()}"


def _limit(band: Band | None) -> str:
    return "" if band is None or math.isinf(band.low) else f"; depth that trains: {band.words()}"
