"""From a user's text to an activation: a name of the catalogue, or ``expr:`` and a formula."""

from __future__ import annotations

import functools
from typing import Final

from trainability.activations.base import Activation
from trainability.activations.functions import expression_of, is_elementwise
from trainability.core import expression
from trainability.core.catalogue import Catalogue, Choice
from trainability.core.errors import FormulaError, SpecError
from trainability.core.expression import LONGEST, Macro

ACTIVATIONS: Final[Catalogue[Activation]] = Catalogue("activation", "trainability.activations", Activation)

FORMULA_PREFIX: Final = "expr:"
_MOST_PIECES = 8


@functools.cache
def macros() -> dict[str, Macro]:
    """The catalogue's elementwise activations as functions for formulas: ``silu(x)``, ``elu(x, 0.5)``."""
    found = {}
    for entry in ACTIVATIONS:
        if is_elementwise(entry) and not entry.by_hand:
            macro = _macro(entry)
            found |= dict.fromkeys((entry.name, *entry.aliases), macro)
    return found


def _macro(entry: Activation) -> Macro:
    node = expression_of(entry, 1)
    if entry.random:
        name, low, high = entry.random
        node = expression.substitute(node, {name: expression.parse(f"({low} + {high}) / 2", (low, high))})
    defaults = ((p.name, expression.number(p.default)) for p in entry.parameters)
    return Macro(node, (("x", None), *defaults))


def choose(text: str) -> Choice[Activation]:
    """The activation that `text` names: ``relu``, ``leaky_relu:0.01``, or ``expr:where(x > 0, x, 0.1*x)``.

    A formula may use ``x``, or ``x1`` to ``x8`` for a unit of several pre-activations, the constants ``pi``
    and ``e``, the functions of the grammar and every elementwise activation of the catalogue.

    Raises:
        UnknownName: no activation has that name.
        SpecError: a parameter is out of range.
        FormulaError: the formula is not one, or x does not occur in it.
    """
    text = text.strip()
    if text[: len(FORMULA_PREFIX)].lower() == FORMULA_PREFIX:
        return Choice(_typed(text[len(FORMULA_PREFIX) :].strip()))
    if "(" in text or "*" in text:
        raise FormulaError(f"'{text}' is not the name of an activation; write 'expr:{text}' for a formula")
    choice = ACTIVATIONS.choose(text)
    if choice.entry.ordered:
        low, high = choice.entry.ordered
        if choice.named[low] > choice.named[high]:
            raise SpecError(
                f"activation '{text}': {low} must not exceed {high}, "
                f"got {choice.named[low]:g} and {choice.named[high]:g}"
            )
    return choice


@functools.lru_cache(maxsize=256)
def _typed(formula: str) -> Activation:
    several = tuple(f"x{i + 1}" for i in range(_MOST_PIECES))
    node = expression.parse(formula, ("x", *several), macros())
    used = expression.names(node)
    if not used:
        raise FormulaError(f"x does not occur in the formula '{formula}'; its output is a constant")
    if "x" in used and len(used) > 1:
        raise FormulaError(
            f"the formula '{formula}' mixes x with {', '.join(sorted(used - {'x'}))}; use x alone, or x1, x2, …"
        )
    pieces = 1 if used == {"x"} else max(int(name[1:]) for name in used)
    if pieces == 1 and used != {"x"}:
        node = expression.substitute(node, {"x1": expression.Name("x")})
    text = expression.unparse(node)
    if len(text) > LONGEST:  # the name must be a formula that can be chosen again
        raise FormulaError(
            f"the formula has {len(text)} characters once its activations are written out, "
            f"at most {LONGEST} are allowed"
        )
    return Activation(
        name=FORMULA_PREFIX + text,
        summary="A formula of your own.",
        formula=text,
        pieces=pieces,
        across_units=bool(expression.calls(node) & expression.REDUCTIONS),
    )
