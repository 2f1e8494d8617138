"""A Flax model whose layers and activations are changed from outside, wherever its code calls them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
from flax import nnx

from trainability.adapters.jax.layers import TracedLayer, traced_layers
from trainability.adapters.jax.loss import last_activation
from trainability.adapters.jax.names import ACROSS
from trainability.adapters.jax.trace import Operation, Program, program, run
from trainability.core.errors import SpecError


@dataclass(frozen=True, eq=False)
class Forward:
    """A model's forward pass, as a program.

    Attributes:
        hidden: the layers before the output layer, units last.
        last: the activation that the answer goes through, or None.
        own: path to variable, of the model's arrays that are no parameters: the program answers them after the output.
    """

    program: Program
    hidden: tuple[TracedLayer, ...]
    last: Operation | None
    own: dict[tuple[Any, ...], nnx.Variable]

    def shape(self, layer: TracedLayer) -> tuple[int, ...]:
        """Of what comes before a layer's activation."""
        return self.program.shapes[layer.pre]


def forward(model: nnx.Module, inputs: Any) -> Forward:
    """Trace a model's call; the model stays as it is.

    Raises:
        SpecError: it does not answer one array.
    """
    graph, state = nnx.split(model)
    leaves = nnx.to_flat_state(state)
    variables = {path: leaf for path, leaf in leaves if isinstance(leaf, nnx.Variable)}
    own = {path: leaf for path, leaf in variables.items() if not isinstance(leaf, nnx.Param)}
    parameters = {_name(path): leaf.get_value() for path, leaf in variables.items() if path not in own}

    def answer(given: dict[str, Any], inputs: Any, *others: Any) -> Any:
        values = dict(zip(own, others, strict=True)) | {path: given[_name(path)] for path in variables.keys() - own}
        new = [(path, leaf.replace(values[path]) if path in values else leaf) for path, leaf in leaves]
        copy: Any = nnx.merge(graph, nnx.from_flat_state(new))
        output = copy(inputs)
        if not isinstance(output, jax.Array):
            raise SpecError(f"a recipe's model answers one array, got {type(output).__name__}")
        after = dict(nnx.to_flat_state(nnx.state(copy)))
        return output, [after[path].get_value() for path in own]

    made = program(answer, parameters, [inputs, *(leaf.get_value() for leaf in own.values())], {})
    last = last_activation(made.root, made)
    hidden = tuple(
        layer for layer in traced_layers(made)[:-1]
        if layer.kind in ("linear", "convolution") and layer.activation_name not in ACROSS
        and (layer.activation is None or layer.activation is not last)
        and layer.pre_units in ((-1,), (len(made.shapes[layer.pre]) - 1,))
    )  # fmt: skip
    return Forward(made, hidden, last, own)


def _name(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))


class Change(nnx.Module):
    """What is changed at one hidden layer: `before` its activation, `instead` of it, and `after` it."""

    def __init__(self) -> None:
        self.before = nnx.List([])
        self.instead: Callable[[Any], Any] | None = None
        self.after = nnx.List([])


class Rewired(nnx.Module):
    """`model` with changes at its hidden layers, which are told by their order in the forward pass.

    The forward pass is traced anew in each call (which happens while it is compiled) and evaluated with the changes, so
    that it does not matter whether an activation is a module, an attribute or a function that the code calls.

    Args:
        changes: one for each of `Forward.hidden`.
        bare: whether the output activation is left out.
    """

    def __init__(self, model: nnx.Module, changes: Sequence[Change], bare: bool):
        self.model, self.bare = model, bare
        self.changes = nnx.List(changes)

    def __call__(self, inputs: Any) -> Any:
        made = forward(self.model, inputs)
        values = dict(made.program.values)
        changed = list(zip(made.hidden, self.changes, strict=True))
        swapped = {id(layer.activation): (layer, change) for layer, change in changed if layer.activation is not None}
        after = {layer.answer: change.after for layer, change in changed}
        for operation in made.program.operations:
            run(operation.equations, values)
            if operation is made.last and self.bare:
                values[operation.output] = values[operation.inputs[0]]
            if id(operation) in swapped:
                layer, change = swapped[id(operation)]
                _activate(values, operation, layer.pre, change)
            for function in after.get(operation.output, ()):
                values[operation.output] = function(values[operation.output])
        output, *others = (values[number] for number in made.program.answers)
        new = [(path, leaf.replace(value)) for (path, leaf), value in zip(made.own.items(), others, strict=True)]
        nnx.update(self.model, nnx.from_flat_state(new))
        return output


def _activate(values: dict[int, Any], operation: Operation, pre: int, change: Change) -> None:
    """Do an activation once more, as it is changed; what was done before and is not used is not compiled."""
    if change.instead is None and not len(change.before):
        return
    given = values[pre]
    for function in change.before:
        given = function(given)
    if change.instead is not None:
        values[operation.output] = change.instead(given)
        return
    inside = values | {pre: given}
    run(operation.equations, inside)
    values |= {number: inside[number] for equation in operation.equations for number in equation.outputs}
