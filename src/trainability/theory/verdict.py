"""What to expect of a network, in words."""

from __future__ import annotations

import math

from trainability.theory.trainable import Band

VANISHED = 1e-3
"""A first layer whose gradient is below this share of the last one's hardly learns while the last one does."""


_APART = 3.0
"""How many times smaller the median network's gradient is before it is told apart from that of wide layers."""


def verdict_of(ratio: float, depth: int, band: Band | None, residual: bool, median: float | None = None) -> str:
    """A sentence on a network of `depth` hidden layers whose first layer gets `ratio` times the last one's gradient.

    Args:
        ratio: in wide layers. median: in the median network of its width, where that is told.
    """
    apart = median is not None and ratio > _APART * median
    typical = median if median is not None and apart else ratio
    return f"{_gradient(ratio)}{_at_width(ratio, typical)}; {_depth(typical, depth, band, residual)}"


def _gradient(ratio: float) -> str:
    if ratio == 0:
        return "no gradient reaches the first layer"
    if ratio < 1 / 3:
        return f"a gradient of {_number(ratio)} of the last layer's reaches the first layer"
    if ratio <= 3:
        return "the gradient keeps its size from the last layer to the first"
    return f"the gradient grows {ratio:.2g} times from the last layer to the first"


def _at_width(ratio: float, typical: float) -> str:
    if typical == ratio:
        return ""
    size = f"{_number(typical)} of the last layer's" if typical else "nothing"
    return f" in wide layers, but {size} in the median network of this width"


def _number(ratio: float) -> str:
    return f"{ratio:.0e}" if ratio < 0.01 else f"{ratio:.1g}"


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


NARROW = 4
"""Width over depth below which the gallery has medians that theory is far from."""


def notes_on(depth: int, width: int, *, grows: bool, coherent: bool, residual: bool) -> list[str]:
    """Where theory is weaker for a network, in sentences.

    Args:
        grows: whether its variance grows without bound. coherent: whether its units answer together, so that the
            gradient meets its own weights again. residual: whether it has shortcuts.
    """
    found = []
    if depth > 1 and width < NARROW * depth:
        found.append(
            f"theory is of wide layers: of networks less than {NARROW} times as wide as deep, measured medians were up "
            "to 3 times off for one sample, up to 16 times for the loss over XOR"
        )
    if grows:
        found.append("the variance grows without bound from layer to layer, and the phase is that of its limit")
    if coherent and residual:
        found.append(
            "units answer together, so that the gradient meets its own weights again on its way back; with "
            "shortcuts this is left out, and the gradient may be many times larger"
        )
    elif coherent:
        found.append(
            "units answer together, so that the gradient meets its own weights again on its way back and stays "
            "larger than phase and χ₁ say; the gradients here have this in them"
        )
    return found
