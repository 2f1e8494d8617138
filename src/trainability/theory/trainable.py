"""Down to which depth a network trains."""

from __future__ import annotations

import math
from dataclasses import dataclass

PER_LENGTH = (4.3, 6.6)
"""Depth at which training still works, over ξ_c: measured for tanh on MNIST, 200 steps, over gains and biases."""

SOURCE = (
    "4.3 to 6.6 correlation lengths, measured for tanh networks on MNIST after 200 steps; S. Schoenholz et al., Deep "
    "information propagation, ICLR 2017, give 6"
)


@dataclass(frozen=True)
class Band:
    """The depth at which a network stops training lies between `low` and `high` hidden layers.

    Attributes:
        low, high: in layers; inf at the edge of chaos, where theory sets no limit.
        source: where the factor comes from.
    """

    low: float
    high: float
    source: str = SOURCE

    def words(self) -> str:
        """The band as a few words."""
        if math.isinf(self.low):
            return "no limit of depth"
        if self.high < 1:
            return "less than one layer"
        low, high = max(1, math.floor(self.low)), math.ceil(self.high)
        return f"{low} to {high} layers" if low < high else f"{low} layer{'s' if low > 1 else ''}"


def trainable_depth(correlation_length: float) -> Band:
    """The band of depth that trains for a correlation length ξ_c in layers."""
    low, high = PER_LENGTH
    return Band(low * correlation_length, high * correlation_length)
