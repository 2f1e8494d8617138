"""A mistake of a watch's own: the training goes on."""

from __future__ import annotations

import warnings
from typing import Any


def say_failed(model: Any, error: Exception) -> None:
    """Warn that a watch looks no more, and why."""
    warnings.warn(
        f"the watch over this {type(model).__name__} failed, and looks no more; what it saw before stands: "
        f"{type(error).__name__}: {error}",
        stacklevel=6,
    )
