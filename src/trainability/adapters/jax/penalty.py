"""Whether the weights enter a loss by their own size."""

from __future__ import annotations

from typing import Final

from trainability.adapters.jax.names import RESHAPING
from trainability.adapters.jax.trace import Program

SIZES: Final = frozenset({"square", "integer_pow", "abs", "pow"})


def penalized(made: Program) -> bool:
    """Whether a matrix of weights is squared, or its numbers' absolute values taken, on the way to the loss."""
    weights = {n for n in made.parameters.values() if len(made.shapes[n]) > 1}
    for equation in made.equations:
        name, met = equation.primitive.name, [n for n in equation.inputs if n in weights]
        if met and (name in SIZES or (name == "mul" and len(met) == 2 and met[0] == met[1])):
            return True
        if met and (name in RESHAPING or name == "concatenate"):
            weights.update(equation.outputs)
    return False
