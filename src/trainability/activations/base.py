"""What an activation is: its formula, and what must be known beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trainability.activations.closed_forms import ClosedForms
from trainability.core.catalogue import Entry


@dataclass(frozen=True)
class Peer:
    """The same function in another library.

    Attributes:
        path: the callable, such as ``torch.nn.functional.leaky_relu``.
        arguments: pairs (its keyword, our parameter).
        fixed: pairs (its keyword, the value to pass).
    """

    path: str
    arguments: tuple[tuple[str, str], ...] = ()
    fixed: tuple[tuple[str, Any], ...] = ()

    def keywords(self, values: dict[str, float]) -> dict[str, Any]:
        """The keyword arguments for our parameter `values`."""
        return {**{key: values[name] for key, name in self.arguments}, **dict(self.fixed)}


@dataclass(frozen=True)
class ByHand:
    """What the grammar cannot say: functions of (..., units) over the last axis, and their LaTeX."""

    numpy: Callable[[Any], Any]
    jax: Callable[[Any], Any]
    latex: str


@dataclass(frozen=True, kw_only=True)
class Activation(Entry):
    """An activation function.

    Attributes:
        formula: in the expression grammar, of ``x`` and the parameters; of ``x1``, ``x2``, … where a unit
            consumes several pre-activations. A function from the number of pieces to a formula where that
            number is a parameter.
        pieces: pre-activations per unit, or ``"pieces"`` where the parameter of that name says so. Of a
            layer's (..., pieces * units) pre-activations the first `units` are x1, the next x2, and so on.
        bounds: the smallest and the largest output at the default parameters (attained or not).
        across_units: whether a unit's output depends on its whole layer, as for softmax.
        learned: the parameters that are learned, one value per unit; their given value is where learning
            starts.
        random: (name, low, high): a name in the formula that is drawn per element in training, uniformly
            between the parameters `low` and `high`, and is their mean in evaluation.
        ordered: two parameters of which the first must not exceed the second.
        by_hand: replaces the formula where the grammar cannot say it.
        closed: from the parameters to expectations that are known exactly (closed_forms.py).
        jax_better: the path of a JAX function of one argument, used in place of the formula.
        torch, keras, jax: the same function elsewhere.
    """

    formula: str | Callable[[int], str] = ""
    pieces: int | str = 1
    bounds: tuple[float, float] = (-math.inf, math.inf)
    across_units: bool = False
    learned: tuple[str, ...] = ()
    random: tuple[str, str, str] | None = None
    ordered: tuple[str, str] | None = None
    by_hand: ByHand | None = None
    closed: Callable[..., ClosedForms] | None = None
    jax_better: str | None = None
    torch: Peer | None = None
    keras: Peer | None = None
    jax: Peer | None = None
