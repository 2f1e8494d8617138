"""From scores to probabilities: softmax, and what may stand in its place."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability import activations
from trainability.lab.text import Text

SUM_TOLERANCE: Final = 1e-12


def plain_softmax(z: np.ndarray) -> np.ndarray:
    """exp(z) / Σ exp(z) over the last axis, as it is written; it overflows for scores above 709."""
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(z)
        return e / e.sum(axis=-1, keepdims=True)


softmax = activations.numpy_function(activations.choose("softmax"))
"""The catalogue's, which takes the largest score off first."""


def are_probabilities(p: np.ndarray) -> np.ndarray:
    """Whether each vector (..., classes) is non-negative and sums to 1 but for rounding; NaN is not."""
    return (p >= 0).all(axis=-1) & (np.abs(p.sum(axis=-1) - 1) <= SUM_TOLERANCE)


_sigmoid = activations.numpy_function(activations.choose("sigmoid"))

OUTPUTS: Final = {
    "raw": (Text("the scores themselves", "점수 그대로"), lambda z: z),
    "divided": (Text("scores over their sum", "점수 ÷ 점수의 합"), lambda z: z / z.sum(axis=-1, keepdims=True)),
    "relu": (Text("ReLU of the scores", "점수에 ReLU"), lambda z: np.maximum(z, 0)),
    "sigmoid": (Text("sigmoid of each score", "점수마다 시그모이드"), _sigmoid),
    "softmax": (Text("softmax", "소프트맥스"), softmax),
}
"""What the output layer may make of its scores (..., classes)."""
