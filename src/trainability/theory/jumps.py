"""Whether an activation of several numbers jumps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_CELLS, _HALVINGS = 1000, 36
_FAR, _SAME = 3.0, 1e-6


def jumps(value: Callable[[np.ndarray], np.ndarray], dimensions: int, scale: float, lines: int) -> bool:
    """Whether `value` jumps somewhere within a few times `scale` of 0.

    On random lines: where one is steepest it is looked at ever closer, and a jump stays as high as it is.

    Args:
        value: of arrays of shape (…, dimensions), returns (…).
    """
    rng = np.random.default_rng(0)
    ends = _FAR * scale * rng.standard_normal((2, lines, dimensions))
    low, high = np.zeros(lines), np.ones(lines)
    largest, size = np.zeros(lines), 0.0
    for cells in (_CELLS, *[2] * _HALVINGS):
        t = low + (high - low) * np.linspace(0, 1, cells + 1)[:, None]
        found = value(ends[0] + t[..., None] * (ends[1] - ends[0]))
        size = max(size, float(np.abs(found).max()))
        steps = np.abs(np.diff(found, axis=0))
        place = np.argmax(steps, axis=0), np.arange(lines)
        low, high, largest = t[:-1][place], t[1:][place], steps[place]
    return bool((largest > _SAME * size).any())
