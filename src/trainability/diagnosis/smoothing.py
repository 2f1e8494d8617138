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
NOISE: Final = -2 / 3
"""Correlation of one second difference with the next where losses are independent; −1 where they alternate."""
SPREAD: Final = 0.6
"""Its deviation times the root of the number of losses, simulated for normal and for log-normal losses."""
NOTHING: Final = 0.01
"""Share of the blocks' range under which a fall counts as none."""


@dataclass(frozen=True)
class Blocks:
    """Neighbouring losses of about the same number, together.

    Attributes:
        means: shape (blocks,).
        errors: standard errors of the means, from differences of neighbouring losses, shape (blocks,).
        swings: how far the losses go up and down around the mean from each step to the next, beyond what noise does,
            shape (blocks,).
        starts: the first step of each, and the number of steps, shape (blocks + 1,).
    """

    means: np.ndarray
    errors: np.ndarray
    swings: np.ndarray
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
    swings = _alternating(losses) * np.array([_swing(part) for part in parts])
    return Blocks(np.array([part.mean() for part in parts]), np.array(errors), swings, starts)


def _alternating(losses: np.ndarray) -> float:
    """From 0, of noise or a smooth curve, to 1, where what goes up in a step comes down in the next."""
    bend = np.diff(losses, 2)
    size = float(np.max(np.abs(bend)))
    if not size > 0:
        return 0.0
    bend = bend / size
    together = float(np.sum(bend[1:] * bend[:-1]) / np.sum(bend**2))
    least = NOISE - 2 * SPREAD / math.sqrt(len(losses))
    return min(1.0, max(0.0, (least - together) / (least + 1))) if least > -1 else 0.0


def _swing(part: np.ndarray) -> float:
    """The mean swing around a straight line, of losses that alternate; 0 of fewer than three."""
    return float(np.mean(np.abs(np.diff(part, 2)))) / 4 if len(part) > 2 else 0.0


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
