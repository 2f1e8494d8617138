"""When a watched run is looked at."""

from __future__ import annotations

from typing import Final

REGULAR: Final = 100
"""Beyond the log-spaced ones, a moment comes after so many steps, or a tenth of the steps so far if that is more."""


def next_moment(step: int) -> int:
    """The first moment after `step`: 0, 1, 2, 5, 10, 20, 50, 100, then regularly."""
    for moment in (0, 1, 2, 5, 10, 20, 50, REGULAR):
        if moment > step:
            return moment
    return step + max(REGULAR, step // 10)
