"""A run's losses in blocks: what changes from block to block, and how surely."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

BLOCKS: Final = 20
LEAST: Final = 8
"""Losses; of fewer nothing is said."""
SURELY: Final = 2.0
"""Standard errors."""
NOTHING: Final = 0.01
"""Share of the blocks' range under which a fall counts as none."""


@dataclass(frozen=True)
class Blocks:
    """Neighbouring losses of about the same number, together.

    Attributes:
        means: shape (blocks,).
        errors: standard errors of the means, from differences of neighbouring losses, shape (blocks,).
        starts: the first step of each, and the number of steps, shape (blocks + 1,).
    """

    means: np.ndarray
    errors: np.ndarray
    starts: np.ndarray


def smoothed(losses: np.ndarray) -> Blocks | None:
    """The losses before the first that is not finite, in up to 20 blocks of two or more; None of fewer than 8."""
    losses = np.asarray(losses, float)
    bad = np.flatnonzero(~np.isfinite(losses))
    losses = losses[: bad[0]] if len(bad) else losses
    if len(losses) < LEAST:
        return None
    parts = np.array_split(losses, min(BLOCKS, len(losses) // 2))
    errors = [math.sqrt(float(np.mean(np.diff(part) ** 2)) / 2 / len(part)) for part in parts]
    starts = np.cumsum([0, *map(len, parts)])
    return Blocks(np.array([part.mean() for part in parts]), np.array(errors), starts)


def flat(losses: np.ndarray) -> tuple[float, int]:
    """Share of the steps and first step of the longest stretch in which the block means did not fall.

    Falling means by more than two standard errors, and by more than a hundredth of the range of all. A share of 0 where
    every block is below the one before it; NaN of fewer than 8 losses.
    """
    blocks = smoothed(losses)
    if blocks is None:
        return math.nan, 0
    means, errors = blocks.means, blocks.errors
    least = NOTHING * float(np.ptp(means))
    longest, start = 0, 0
    for i in range(len(means)):
        fell = means[i] - means[i + 1 :] > SURELY * np.hypot(errors[i], errors[i + 1 :]) + least
        end = i + 1 + (int(np.argmax(fell)) if fell.any() else len(fell))
        steps = int(blocks.starts[end] - blocks.starts[i])
        if end - i > 1 and steps > longest:
            longest, start = steps, int(blocks.starts[i])
    return longest / int(blocks.starts[-1]), start
