"""Trainability: find out whether a neural network will learn, see why it does not, and prove the fix.

    >>> import trainability
    >>> result = trainability.compare(problem="xor", depth=[1, 2], activation="tanh", steps=500, lr=0.1, seeds=16)
    >>> result.table["solved"].min() > 0.5
    True

Importing this package loads none of JAX, polars and matplotlib; what needs them loads them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainability import lab, testing, theory
    from trainability.api import against, card, compare, forecast, open_result
    from trainability.core.errors import TrainabilityError, UsageError
    from trainability.core.recipe import Recipe
    from trainability.doctor import treat, watch, watch_callback
    from trainability.report.result import Result
    from trainability.theory import gain, init_, predict

_HOMES = {
    "against": "trainability.api",
    "card": "trainability.api",
    "compare": "trainability.api",
    "treat": "trainability.doctor",
    "watch": "trainability.doctor",
    "watch_callback": "trainability.doctor",
    "forecast": "trainability.api",
    "open_result": "trainability.api",
    "gain": "trainability.theory",
    "init_": "trainability.theory",
    "predict": "trainability.theory",
    "Recipe": "trainability.core.recipe",
    "Result": "trainability.report.result",
    "TrainabilityError": "trainability.core.errors",
    "UsageError": "trainability.core.errors",
}
_ROOMS = ("lab", "testing", "theory")

__all__ = [
    "Recipe",
    "Result",
    "TrainabilityError",
    "UsageError",
    "against",
    "card",
    "compare",
    "forecast",
    "gain",
    "init_",
    "lab",
    "open_result",
    "predict",
    "testing",
    "theory",
    "treat",
    "watch",
    "watch_callback",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"trainability.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'trainability' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES, *_ROOMS])
