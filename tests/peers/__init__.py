"""Twins of our engine in other libraries, to be compared with it."""

from __future__ import annotations

import importlib
from typing import Any

LIBRARIES = ("torch", "keras")

KERAS_WARNING = "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
"""Raised inside Keras' own conversion of a PyTorch tensor to NumPy."""


def twin(library: str) -> Any:
    """The module with `train` for that library, which is imported only now."""
    return importlib.import_module(f"peers.{library}_twin")
