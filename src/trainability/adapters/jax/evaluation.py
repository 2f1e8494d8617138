"""A traced program evaluated with its gradient: compiled once for all looks at the same program."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jax
import numpy as np

from trainability.adapters.jax.layers import TracedLayer
from trainability.adapters.jax.names import ACROSS, ACTIVATIONS
from trainability.adapters.jax.trace import Program, run

GRID: Final = np.linspace(-12.0, 12.0, 4801)
"""Where the largest slope of an activation is looked for."""


@dataclass(eq=False)
class Evaluated:
    """What one evaluation gave, by numbers of the program.

    Attributes:
        values: of arguments, constants and every operation's output.
        weights: gradients of the answer by the parameters that were asked for.
        answers: gradients of the answer by the layers' outputs.
        slopes: φ′ at every layer's pre-activation, of its shape, by the layer's output; and on a wide grid.
    """

    values: dict[int, Any]
    weights: dict[int, Any]
    answers: dict[int, Any]
    slopes: dict[int, tuple[Any, Any]]


def evaluate(
    made: Program, layers: Sequence[TracedLayer], wanted: Collection[int], kept: dict[Any, Callable[..., Any]]
) -> Evaluated:
    """Evaluate a program with its gradient by `wanted`; `kept` holds what was compiled, for the next time."""
    key = (made.text, tuple(sorted(wanted)))
    if key not in kept:
        kept[key] = jax.jit(_program(made, layers))
    values = {n: value for n, value in made.values.items() if n not in made.literals}
    weights = {n: values.pop(n) for n in wanted}
    root, outputs, gradients, answers, slopes = kept[key](weights, values)
    known = made.values | {operation.output: value for operation, value in zip(made.operations, outputs, strict=True)}
    places = [layer.output for layer in layers if layer.activation]
    return Evaluated({**known, made.root: root}, gradients, answers, dict(zip(places, slopes, strict=True)))


def _program(made: Program, layers: Sequence[TracedLayer]) -> Callable[..., Any]:
    # What is compiled may not hold the first batch: only literals stay in it.
    literals = {n: made.values[n] for n in made.literals}
    equations, operations, root = made.equations, [operation.output for operation in made.operations], made.root
    outputs = {layer.output for layer in layers if layer.output in made.floating}
    like = {n: (made.shapes[n], made.dtypes[n]) for n in outputs}

    def answer(weights: dict[int, Any], nudges: dict[int, Any], given: dict[int, Any]) -> tuple[Any, dict[int, Any]]:
        values = literals | given | weights
        run(equations, values, nudges)
        return values[root].reshape(()), values

    def program(weights: dict[int, Any], given: dict[int, Any]) -> tuple[Any, ...]:
        nudges = {n: jax.numpy.zeros(shape, dtype) for n, (shape, dtype) in like.items()}
        taken = jax.value_and_grad(answer, argnums=(0, 1), has_aux=True)(weights, nudges, given)
        (value, values), (gradients, answers) = taken
        slopes = [_slopes(layer, values) for layer in layers if layer.activation]
        return value, [values[n] for n in operations], gradients, answers, slopes

    return program


def _slopes(layer: TracedLayer, values: dict[int, Any]) -> tuple[Any, Any]:
    """φ′ at a layer's pre-activations and on a wide grid; NaN where the activation mixes units.

    What was traced wants the shape that it had, so the grid goes through it in sheets of that shape.
    """
    activation, pre = layer.activation, values[layer.pre]
    assert activation is not None
    if ACTIVATIONS[activation.name] in ACROSS:
        return jax.numpy.full_like(values[layer.answer], jax.numpy.nan), jax.numpy.full(1, jax.numpy.nan)

    def function(x: Any) -> Any:
        inside = {n: values[n] for n in activation.inputs} | {layer.pre: x}
        run(activation.equations, inside)
        return inside[activation.output]

    def slope(x: Any) -> Any:
        return jax.jvp(function, (x,), (jax.numpy.ones_like(x),))[1]

    sheets = np.resize(GRID, (-(-GRID.size // pre.size), *pre.shape))
    return slope(pre), jax.vmap(slope)(jax.numpy.asarray(sheets, pre.dtype))
