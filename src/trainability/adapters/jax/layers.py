"""The layers of a traced forward pass, and what each answered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from trainability.adapters.jax.names import ACTIVATIONS, LAYERS, PASSING, RESHAPING
from trainability.adapters.jax.trace import Equation, Operation, Program
from trainability.adapters.layer import SeenLayer, thin
from trainability.core.chart import LayerInfo

_KERNELS: Final = ("kernel", "weight", "embedding", "w")
"""Last parts of a parameter's path that say nothing of its layer."""


@dataclass(eq=False)
class TracedLayer:
    """A layer of one forward pass.

    Attributes:
        parameter: path of its weight.
        output: the number of what the layer's product, convolution or recursion answered.
        chain: what was done to the weight's shape on its way into the operation.
        free: the dimensions of the weight that count units, there.
        pre, answer: numbers of what came before and after its activation.
        pre_units, answer_units: the dimensions that count units, there.
    """

    name: str
    parameter: str
    kind: str
    equation: Equation
    output: int
    chain: list[Equation]
    weight: int
    free: tuple[int, ...]
    activation: Operation | None
    pre: int
    answer: int
    pre_units: tuple[int, ...]
    answer_units: tuple[int, ...]

    @property
    def activation_name(self) -> str | None:
        return ACTIVATIONS[self.activation.name] if self.activation else None

    def matrix(self, weight: Any) -> np.ndarray:
        """The parameter, or its gradient, as (units, weights of a unit) in float64."""
        shaped = np.asarray(weight)
        for equation in self.chain:
            shaped = _reshaped(equation, shaped)
        moved = np.moveaxis(shaped.astype(float), self.free, range(len(self.free)))
        return moved.reshape(math.prod(moved.shape[: len(self.free)]), -1)


def layer_name(path: str) -> str:
    """A layer's name, from the path of its weight: ``net.0.kernel`` is of ``net.0``."""
    head, dot, last = path.replace("/", ".").rpartition(".")
    return path[: len(head)] if dot and last in _KERNELS else path


def traced_layers(made: Program, loss: Operation | None = None) -> list[TracedLayer]:
    """The layers among the operations of a program; `loss` is what its loss is made by, which is no activation."""
    producers = {n: equation for equation in made.equations for n in equation.outputs}
    paths = {number: name for name, number in made.parameters.items()}
    layers = []
    for place, operation in enumerate(made.operations):
        equation = operation.single
        if equation is None or equation.primitive.name not in LAYERS:
            continue
        found = _weight(equation, made, producers, paths)
        if found is None:
            continue
        which, path, chain = found
        free, units = _units(equation, which, operation.output, made)
        pre, activation, pre_units = _following(made, place, operation.output, units)
        if activation is loss:
            activation = None
        if activation is None:
            answer, pre_units = _with_bias(made, place, operation.output, units)
            pre = answer
        else:
            answer = activation.output
        layers.append(
            TracedLayer(
                name=layer_name(path), parameter=path, kind=equation.kind or LAYERS[equation.primitive.name],
                equation=equation,
                output=operation.output, chain=chain, weight=equation.inputs[which], free=free, activation=activation,
                pre=pre, answer=answer, pre_units=pre_units,
                answer_units=pre_units if len(made.shapes[pre]) == len(made.shapes[answer]) else (-1,),
            )
        )  # fmt: skip
    return layers


def _weight(
    equation: Equation, made: Program, producers: Mapping[int, Equation], paths: Mapping[int, str]
) -> tuple[int, str, list[Equation]] | None:
    """Which input is a parameter of two dimensions or more, its path, and how it was reshaped on the way."""
    found = []
    for which, number in enumerate(equation.inputs):
        chain: list[Equation] = []
        while number in producers and producers[number].primitive.name in RESHAPING:
            chain.insert(0, producers[number])
            number = chain[0].inputs[0]
        if number in paths and len(made.shapes[number]) >= 2:
            found.append((which, paths[number], chain))
    # Of several the largest, as a recursion has them; the last of equal ones, as a product of weights.
    return max(found, key=lambda one: (math.prod(made.shapes[made.parameters[one[1]]]), one[0]), default=None)


def _units(equation: Equation, which: int, output: int, made: Program) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The dimensions that count units, in the weight and in the answer."""
    params = equation.params
    if "units" in params:  # as traces of others than JAX have them
        return params["units"][which]
    weight = len(made.shapes[equation.inputs[which]])
    if equation.primitive.name == "conv_general_dilated":
        numbers = params["dimension_numbers"]
        return ((numbers.rhs_spec if which == 1 else numbers.lhs_spec)[0],), (numbers.out_spec[1],)
    if equation.primitive.name != "dot_general":
        return (weight - 1,), (max(0, len(made.shapes[output]) - 1),)
    contracted, batched = params["dimension_numbers"]
    free = [i for i in range(weight) if i not in contracted[which] and i not in batched[which]]
    other = len(made.shapes[equation.inputs[1 - which]]) - len(contracted[1 - which]) - len(batched[which])
    start = len(batched[which]) + (other if which == 1 else 0)
    units = (*range(len(batched[which])), *range(start, start + len(free)))
    if not units:  # a weight that is wholly summed over: one unit
        return (), ()
    return (*batched[which], *free), units


def _following(
    made: Program, place: int, output: int, units: tuple[int, ...]
) -> tuple[int, Operation | None, tuple[int, ...]]:
    """The activation that the answer goes through before anything else is done to it, and what it gets."""
    carried = output
    for operation in made.operations[place + 1 :]:
        if carried not in operation.inputs:
            continue
        if operation.name in ACTIVATIONS:
            return carried, operation, units
        if operation.name not in PASSING:
            break
        units = _moved(operation, made, units)
        carried = operation.output
    return carried, None, units


def _with_bias(made: Program, place: int, output: int, units: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """The answer with its bias, where the next thing done to it is that one is added."""
    carried = output
    biases = made.reached(made.parameters.values()) - made.reached(made.data)
    for operation in made.operations[place + 1 :]:
        if carried not in operation.inputs:
            continue
        if operation.name in ("add", "add_any") and all(n == carried or n in biases for n in operation.inputs):
            return operation.output, units
        if operation.name not in RESHAPING:
            break
        units = _moved(operation, made, units)
        carried = operation.output
    return output, units


def _moved(operation: Operation, made: Program, units: tuple[int, ...]) -> tuple[int, ...]:
    """Where the units' dimensions are after an operation: the last one, where they cannot be followed."""
    equation = operation.single
    if equation is not None and equation.primitive.name == "transpose":
        return tuple(list(equation.params["permutation"]).index(unit) for unit in units)
    before, after = made.shapes[operation.inputs[0]], made.shapes[operation.output]
    return units if len(before) == len(after) else (max(0, len(after) - 1),)


def samples(values: Any, units: tuple[int, ...]) -> np.ndarray:
    """Answers as a float64 matrix (samples, units), both thinned evenly."""
    array = np.asarray(values)
    if not array.ndim:
        return array.reshape(1, 1).astype(float)
    units = tuple(unit for unit in units if unit < array.ndim) or (array.ndim - 1,)  # vmap moves them
    moved = np.moveaxis(array, units, range(-len(units), 0))
    rows = moved.reshape(-1, math.prod(moved.shape[moved.ndim - len(units) :]))
    return rows[thin(*rows.shape)].astype(float)


def _reshaped(equation: Equation, array: np.ndarray) -> np.ndarray:
    """In NumPy, what one of `names.RESHAPING` does to an array; types are left alone."""
    name, params = equation.primitive.name, equation.params
    if name == "transpose":
        return array.transpose(params["permutation"])
    if name == "slice":
        strides = params["strides"] or [1] * array.ndim
        cut = zip(params["start_indices"], params["limit_indices"], strides, strict=True)
        return array[tuple(slice(*one) for one in cut)]
    if name == "broadcast_in_dim":
        shape = [1] * len(params["shape"])
        for place, size in zip(params["broadcast_dimensions"], array.shape, strict=True):
            shape[place] = size
        return np.broadcast_to(array.reshape(shape), params["shape"])
    if name == "reshape":
        return array.reshape(params["new_sizes"])
    return array.squeeze(params["dimensions"]) if name == "squeeze" else array


def seen(
    layer: TracedLayer,
    values: Mapping[int, Any],
    weights: Sequence[Any],
    gradients: Sequence[Any],
    slopes: tuple[Any, Any] | None,
    trained: bool,
) -> SeenLayer:
    """The layer after its backward pass, in NumPy.

    Args:
        values: number to value, of the whole program.
        weights: the parameter after and before the update; the second is None where there was none.
        gradients: of the loss by the parameter and by the layer's answer; None where none came.
        slopes: φ′ at the pre-activations and on a wide grid; None where there is no activation.
    """
    after, before = weights
    gradient, answer_gradient = gradients
    matrix = layer.matrix(after)
    pre = samples(values[layer.pre], layer.pre_units)
    return SeenLayer(
        info=LayerInfo(
            name=layer.name, kind=layer.kind, fan_in=matrix.shape[1], units=len(matrix), weights=matrix.size,
            activation=layer.activation_name, trained=trained,
        ),
        pre_activation=pre,
        activation=samples(values[layer.answer], layer.answer_units),
        slope=np.ones(pre.shape) if slopes is None else samples(slopes[0], layer.pre_units),
        largest_slope=1.0 if slopes is None else _largest(slopes[1]),
        gradient=None if gradient is None else layer.matrix(gradient),
        answer_gradient=None if answer_gradient is None else np.asarray(answer_gradient).astype(float),
        weight=matrix,
        before=None if before is None else layer.matrix(before),
    )  # fmt: skip


def _largest(slopes: Any) -> float:
    """The largest of the slopes; 0 where there is none."""
    return float(np.nan_to_num(np.abs(np.asarray(slopes).astype(float)), nan=0.0).max())
