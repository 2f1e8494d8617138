"""A layer's activation as NumPy functions: its answers, and how they move with the pre-activations."""

from __future__ import annotations

import numpy as np

from trainability.activations import numpy_function
from trainability.activations.functions import expression_of, variables_of
from trainability.core import expression
from trainability.theory.functions import LayerActivation
from trainability.theory.jumps import jumps

_STEP = 1e-6
_LINES = 8


class LayerFormula:
    """φ over a layer, and its Jacobian's products.

    Attributes:
        name: for sentences.
        pieces, width: pre-activations of a unit, and units.
    """

    def __init__(self, activation: LayerActivation):
        self.name, self.pieces, self.width = activation.name, activation.pieces, activation.width
        entry = activation.choice.entry
        self._function = numpy_function(activation.choice)
        self._moves: list[expression.Node] | None = None
        if entry.by_hand is None:
            values = {name: expression.number(value) for name, value in activation.choice.named.items()}
            formula = expression.substitute(expression_of(entry, self.pieces), values)
            self._moves = [expression.differentiate(formula, name, f"d{name}") for name in variables_of(self.pieces)]

    def value(self, x: np.ndarray) -> np.ndarray:
        """The answers to `x`, shape (…, pieces · width): shape (…, width)."""
        with np.errstate(all="ignore"):
            return self._function(x)

    def moved(self, x: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """J v: how the answers to `x` move along `direction`, both of shape (…, pieces · width), by the first order."""
        if self._moves is None:  # written by hand: by differences, whose error is far below that of sampling
            step = _STEP * direction
            return (self.value(x + step) - self.value(x - step)) / (2 * _STEP)
        variables = variables_of(self.pieces)
        along = tuple(f"d{name}" for name in variables)
        parts = [np.split(part, self.pieces, axis=-1) for part in (x, direction)]
        named = dict(zip((*variables, *along), (*parts[0], *parts[1]), strict=True))
        with np.errstate(all="ignore"):
            return np.sum([expression.evaluate(node, named, variables=(*variables, *along)) for node in self._moves], 0)

    def jumps(self, scale: float) -> bool:
        """Whether a unit's answer jumps somewhere within a few times `scale`."""
        return jumps(lambda x: self.value(x)[..., 0], self.pieces * self.width, scale, _LINES)
