"""The ten activations of the notes, as functions of one number and of a layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from trainability import activations
from trainability.lab.text import Text, same

_SECOND_PIECE: Final = -0.5

Map = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Subject:
    """An activation as the card shows it.

    Attributes:
        label: its name, with what was chosen for it.
        value, slope: a function of one number and its derivative.
        layer: what it makes of many numbers at once, any shape; of softmax not the same as `value`.
    """

    label: Text
    value: Map
    slope: Map
    layer: Map


def _elementwise(text: str, label: Text) -> Subject:
    choice = activations.choose(text)
    value, slope = activations.numpy_function(choice), activations.numpy_slope(choice)
    assert slope is not None
    return Subject(label, value, slope, value)


def _maxout() -> Subject:
    largest = activations.numpy_function(activations.choose("maxout:2"))
    value = lambda x: largest(np.stack([x, _SECOND_PIECE * x], axis=-1))[..., 0]  # noqa: E731
    return Subject(
        Text("maxout (x, −x/2)", "맥스아웃 (x, −x/2)"), value, lambda x: np.where(x > 0, 1.0, _SECOND_PIECE), value
    )


def _softmax() -> Subject:
    softmax = activations.numpy_function(activations.choose("softmax"))
    value = lambda x: softmax(np.stack([x, np.zeros_like(x)], axis=-1))[..., 0]  # noqa: E731
    return Subject(
        Text("softmax", "소프트맥스"),
        value,
        lambda x: value(x) * value(-x),
        lambda x: softmax(x.ravel()).reshape(x.shape),
    )


SUBJECTS: Final[dict[str, Subject]] = {
    "binary_step": _elementwise("binary_step", Text("binary step", "계단 함수")),
    "identity": _elementwise("identity", Text("linear", "선형 함수")),
    "sigmoid": _elementwise("sigmoid", Text("sigmoid", "시그모이드")),
    "tanh": _elementwise("tanh", same("tanh")),
    "relu": _elementwise("relu", same("ReLU")),
    "leaky_relu": _elementwise("leaky_relu:0.01", Text("leaky ReLU (0.01)", "Leaky ReLU (0.01)")),
    "prelu": _elementwise("prelu", Text("PReLU (starts at 0.25)", "PReLU (처음 값 0.25)")),
    "elu": _elementwise("elu", Text("ELU (α = 1)", "ELU (α = 1)")),
    "maxout": _maxout(),
    "softmax": _softmax(),
}
