"""A gate's formula as NumPy functions: value, partial derivatives, and what selects its branches."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from trainability.core import expression
from trainability.core.errors import SpecError
from trainability.core.expression import Binary, Call, Compare, Node
from trainability.theory.functions import Gate
from trainability.theory.jumps import jumps

_LINES = 64
_ROUNDING = 1e-13


class Overflow(SpecError):
    """φ is infinite at places so far out that it may be said to grow too fast."""


@dataclass(frozen=True)
class Switch:
    """What selects a branch by its sign: a function of x, shape (used, …), and the variables in it."""

    of: Callable[[np.ndarray], list[np.ndarray]]
    names: frozenset[str]


class GateFormula:
    """The formula of a gate, of the pieces that occur in it.

    Attributes:
        name: the gate's, for sentences.
        pieces: of a unit, those that do not occur included.
        used: the variables that occur, in order.
        places: where they stand among the pieces.
        lowered: the formula, of few kinds of node.
        switches: what selects the formula's branches.
    """

    def __init__(self, gate: Gate):
        self.name, self.pieces = gate.name, gate.pieces
        occurring = expression.names(gate.formula)
        self.used = tuple(name for name in gate.variables if name in occurring)
        self.places = tuple(gate.variables.index(name) for name in self.used)
        self.lowered = lowered = expression.lower(gate.formula, self.used)
        self._value = self._evaluator([lowered])
        self._both = self._evaluator([lowered, *(expression.differentiate(lowered, name) for name in self.used)])
        self.switches = [Switch(self._evaluator([node]), expression.names(node)) for node in _switches(lowered)]

    def value(self, x: np.ndarray) -> np.ndarray:
        """φ of x, shape (used, …): shape (…)."""
        return self._value(x)[0]

    def value_and_slopes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """φ, and the partial derivatives, shape (used, …)."""
        value, *slopes = self._both(x)
        return value, np.stack(slopes)

    def _evaluator(self, nodes: Sequence[Node]) -> Callable[[np.ndarray], list[np.ndarray]]:
        """Of any formulas of the used variables."""
        evaluate = expression.evaluator(nodes, self.used)
        return lambda x: evaluate(dict(zip(self.used, x, strict=True)))

    def of_pieces(self, each: Sequence[float]) -> tuple[float, ...]:
        """A number of each used variable as one of every piece: 0 of those that do not occur."""
        found = dict(zip(self.places, each, strict=True))
        return tuple(found.get(i, 0.0) for i in range(self.pieces))

    @functools.cached_property
    def steepest(self) -> float:
        """The largest partial derivative at random points around 0: what rounding is measured by."""
        slopes = np.abs(self.value_and_slopes(np.random.default_rng(0).uniform(-1, 1, (len(self.used), _LINES)))[1])
        return float(slopes[np.isfinite(slopes)].max(initial=0.0))

    @property
    def rounding(self) -> float:
        """What φ² may be of rounding alone, per squared distance from 0."""
        return (_ROUNDING * self.steepest) ** 2

    def jumps(self, scale: float) -> bool:
        """Whether φ jumps somewhere within a few times `scale`."""
        return jumps(lambda x: self.value(np.moveaxis(x, -1, 0)), len(self.used), scale, _LINES)

    def not_finite(self, x: np.ndarray) -> SpecError:
        """The error that says at which of the points (used, points) φ has no value."""
        words = f"'{self.name}' is not a finite number at {self._place(x)}; theory needs one for all pre-activations"
        return SpecError(words)

    def _place(self, x: np.ndarray) -> str:
        return ", ".join(f"{name} = {value:.6g}" for name, value in zip(self.used, x, strict=True))

    def refuse(self, x: np.ndarray, found: np.ndarray) -> None:
        """Raise for the points x (used, …) at which φ or a slope, found (1 + used, …), is not finite."""
        x, found = x.reshape(len(x), -1), found.reshape(len(found), -1)
        bad = np.flatnonzero(~np.isfinite(found).all(axis=0))
        if np.isinf(found[:, bad]).any() and float(np.abs(x[:, bad]).max(axis=0).min()) > 1:
            raise Overflow(f"'{self.name}' overflows or grows faster than the Gaussian decays")
        if np.isfinite(found[0, bad]).all():
            raise SpecError(f"the slope of '{self.name}' is not finite at {self._place(x[:, bad[0]])}")
        raise self.not_finite(x[:, bad[0]])


def _switches(node: Node) -> Iterable[Node]:
    """Each expression whose sign selects a branch, those that only conditions have in them included."""
    found: dict[Node, None] = {}
    stack, seen = [node], set()
    while stack:
        part = stack.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        stack.extend(part.parts)
        if isinstance(part, Compare):
            found[Binary("-", part.left, part.right)] = None
        elif isinstance(part, Call) and part.function in ("abs", "sign"):
            found[part.arguments[0]] = None
    return found
