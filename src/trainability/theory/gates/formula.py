"""A gate's formula as NumPy functions: value, partial derivatives, and what selects its branches."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from trainability.core import expression
from trainability.core.errors import SpecError
from trainability.core.expression import Node
from trainability.theory.functions import Gate
from trainability.theory.jumps import jumps

_LINES = 64


class GateFormula:
    """The formula of a gate, of the pieces that occur in it.

    Attributes:
        name: the gate's, for sentences.
        pieces: of a unit, those that do not occur included.
        used: the variables that occur, in order.
        places: where they stand among the pieces.
    """

    def __init__(self, gate: Gate):
        self.name, self.pieces = gate.name, gate.pieces
        occurring = expression.names(gate.formula)
        self.used = tuple(name for name in gate.variables if name in occurring)
        self.places = tuple(gate.variables.index(name) for name in self.used)
        self.lowered = expression.lower(gate.formula, self.used)
        self._slopes = [expression.differentiate(gate.formula, name) for name in self.used]

    def value(self, x: np.ndarray) -> np.ndarray:
        """φ of x, shape (used, …): shape (…)."""
        return self.of(self.lowered, x)

    def slopes(self, x: np.ndarray) -> np.ndarray:
        """The partial derivatives, shape (used, …)."""
        return np.stack([self.of(node, x) for node in self._slopes])

    def of(self, node: Node, x: np.ndarray) -> np.ndarray:
        """Any lowered formula of the used variables."""
        with np.errstate(all="ignore"):
            answer = expression.evaluate(node, dict(zip(self.used, x, strict=True)), variables=self.used)
        return np.broadcast_to(np.asarray(answer, float), x.shape[1:])

    def of_pieces(self, each: Sequence[float]) -> tuple[float, ...]:
        """A number of each used variable as one of every piece: 0 of those that do not occur."""
        found = dict(zip(self.places, each, strict=True))
        return tuple(found.get(i, 0.0) for i in range(self.pieces))

    @functools.cached_property
    def steepest(self) -> float:
        """The largest partial derivative at random points around 0: what rounding is measured by."""
        slopes = np.abs(self.slopes(np.random.default_rng(0).uniform(-1, 1, (len(self.used), _LINES))))
        return float(slopes[np.isfinite(slopes)].max(initial=0.0))

    def jumps(self, scale: float) -> bool:
        """Whether φ jumps somewhere within a few times `scale`."""
        return jumps(lambda x: self.value(np.moveaxis(x, -1, 0)), len(self.used), scale, _LINES)

    def not_finite(self, x: np.ndarray) -> SpecError:
        """The error that says at which of the points (used, points) φ has no value."""
        place = ", ".join(f"{name} = {value:.6g}" for name, value in zip(self.used, x, strict=True))
        return SpecError(f"'{self.name}' is not a finite number at {place}; theory needs one for all pre-activations")
