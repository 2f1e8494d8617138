"""Schedules of the learning rate that a treatment sets."""

from __future__ import annotations

import math
from typing import Any

import keras

from trainability.adapters.keras.facts import number


class Shaped(keras.optimizers.schedules.LearningRateSchedule):
    """A rate, or another schedule, times a factor, shaped over the whole training.

    Args:
        rate: the rate, or what gives it of the step.
        shape: ``cosine``, falling to 0; ``warmup``, rising over the first tenth of the steps; None for neither.
        steps: of the whole training.
    """

    def __init__(self, rate: Any, factor: float, shape: str | None, steps: int):
        self.rate: Any = rate
        self.factor, self.shape, self.steps = factor, shape, steps

    def __call__(self, step: Any) -> Any:
        ops: Any = keras.ops
        rate: Any = self.rate(step) if callable(self.rate) else self.rate
        base = rate * self.factor
        at = ops.cast(step, "float32")
        if self.shape == "cosine":
            return base * 0.5 * (1 + ops.cos(math.pi * ops.minimum(1.0, at / self.steps)))
        if self.shape == "warmup":
            return base * ops.minimum(1.0, (at + 1) / max(1, self.steps // 10))
        return base

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "factor": self.factor, "shape": self.shape, "steps": self.steps}


def optimizer_of(kind: type, settings: dict[str, Any], factor: float, schedule: str | None, steps: int) -> Any:
    """The optimiser of settings with its rate multiplied and shaped; ``constant`` keeps the rate of the first step."""
    rate: Any = settings["learning_rate"]
    if isinstance(rate, dict):
        rate = keras.optimizers.schedules.deserialize(rate)
    if schedule == "constant" and callable(rate):
        rate = number(rate(0))
    shape = None if schedule == "constant" else schedule
    if shape or (callable(rate) and factor != 1):
        return kind.from_config(settings | {"learning_rate": Shaped(rate, factor, shape, steps)})
    return kind.from_config(settings if callable(rate) else settings | {"learning_rate": rate * factor})
