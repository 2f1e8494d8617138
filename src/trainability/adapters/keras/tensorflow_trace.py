"""What TensorFlow does while it is not compiled, written down as the program that `adapters.jax` reads."""

# TensorFlow has no wheels for every machine on which types are checked.
# pyright: reportMissingImports=false

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import tensorflow as tf
from jax.extend.core import Primitive
from tensorflow.python.eager import context, execute
from tensorflow.python.framework import op_callbacks

from trainability.adapters.jax.evaluation import GRID
from trainability.adapters.jax.layers import TracedLayer
from trainability.adapters.jax.names import ACROSS, ACTIVATIONS, KINDS
from trainability.adapters.jax.trace import Equation, Program, functions_in, leading_to, operations_of
from trainability.adapters.keras.tensorflow_operations import parameters

MOST_AXES: Final = 8
_ASSIGNED: Final = frozenset({"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "VarHandleOp"})


class Trace:
    """Writes down every operation while it is `recording`; numbers stand for its tensors.

    Args:
        trained: name to variable of what a gradient is wanted of, or could be.
        own: name to variable of the model's further ones.
        data: tensors of the batch.
    """

    def __init__(self, trained: Mapping[str, Any], own: Mapping[str, Any], data: Sequence[Any]):
        self.made = Program(
            values={}, parameters={}, own={}, data=[], literals=set(), root=0, text="", shapes={}, dtypes={},
            floating=set(), answers=[],
        )  # fmt: skip
        self._numbers: dict[int, int] = {}
        self._alive: list[Any] = []  # an id is one object's as long as that lives
        for name, variable in trained.items():
            self.made.parameters[name] = self._variable(variable)
        for name, variable in own.items():
            self.made.own[self._variable(variable)] = name
        self.made.data = [self._new(tensor) for tensor in data]

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Write down what is done meanwhile, and do what would be compiled step by step, too."""
        compiled = not tf.config.functions_run_eagerly()
        op_callbacks.add_op_callback(self._done)
        tf.config.run_functions_eagerly(True)
        try:
            yield
        finally:
            tf.config.run_functions_eagerly(not compiled)
            op_callbacks.remove_op_callback(self._done)

    def program(self, loss: Any, answers: Sequence[Any]) -> Program:
        """What led to the loss, and to the model's answers."""
        made = self.made
        made.answers = [self.number(tensor) for tensor in (loss, *answers)]
        made.root = made.answers[0]
        made.equations = leading_to(made.answers, made.equations)
        made.operations = list(operations_of(made))
        return made

    def number(self, tensor: Any) -> int:
        """What stands for a tensor; for one of unknown origin, a new number: a constant, or data if it is an array."""
        if id(tensor) not in self._numbers:
            number = self._new(tensor)
            places = tensor.dtype.is_integer and tensor.shape.rank == 1 and len(tensor) <= MOST_AXES  # axes, or a shape
            if tensor.shape.rank == 0 or places:
                self.made.literals.add(number)
            else:
                self.made.data.append(number)
        return self._numbers[id(tensor)]

    def _variable(self, variable: Any) -> int:
        tensor = variable.value
        number = self._new(tf.convert_to_tensor(tensor))
        self._numbers[id(tensor.handle)] = number
        self._alive.append(tensor.handle)
        return number

    def _new(self, tensor: Any) -> int:
        made, number = self.made, len(self.made.shapes)
        self._alive.append(tensor)
        self._numbers[id(tensor)] = number
        made.shapes[number] = tuple(tensor.shape)
        made.dtypes[number] = np.dtype(tensor.dtype.as_numpy_dtype)
        made.values[number] = tensor
        if tensor.dtype.is_floating:
            made.floating.add(number)
        return number

    def _done(
        self, kind: Any, inputs: Any, attributes: Any, outputs: Any, op_name: Any = None, graph: Any = None
    ) -> None:
        """Called by TensorFlow after each operation."""
        kind = kind.decode() if isinstance(kind, bytes) else kind
        outputs = [one for one in outputs or () if hasattr(one, "numpy")]
        if graph is not None or not outputs or kind in _ASSIGNED:
            return
        if kind == "ReadVariableOp":
            known = self._numbers.get(id(inputs[0]))
            if known is None:  # of a variable that Keras does not know: no data
                self.made.own[self._new(outputs[0])] = ""
            else:
                self._numbers[id(outputs[0])] = known
                self._alive.append(outputs[0])
            return
        frames = _frames(sys._getframe(1))
        functions = functions_in(frames)
        larger = next((k for _, file in frames for pattern, k in KINDS if pattern.search(file)), None)
        given = [self.number(one) for one in inputs if one.dtype != tf.resource or id(one) in self._numbers]
        if kind == "SquaredDifference":  # a difference and its square, as it would be written by hand
            difference = self._new(inputs[0] - inputs[1])
            self._add("sub", given, [difference], functions, larger)
            self._add("square", [difference], [self._new(outputs[0])], functions, larger)
            return
        if kind == "Mean":  # a sum that is divided by how many there are, likewise
            number = math.prod(inputs[0].shape) / max(math.prod(outputs[0].shape), 1)
            count, total = (tf.constant(v, outputs[0].dtype) for v in (number, outputs[0].numpy() * number))
            total, mean = self._new(total), self._new(outputs[0])
            self._add("reduce_sum", given[:1], [total], functions, larger)
            self._add("div", [total, self.number(count)], [mean], functions, larger)
            return
        settings = dict(zip(attributes[::2], attributes[1::2], strict=True))
        name, read = parameters(kind, settings, inputs, outputs[0])
        given = given[:1] if name == "integer_pow" else given
        more = {"kind": kind, "attributes": attributes, **read}
        self._add(name, given, [self._new(one) for one in outputs], functions, larger, more)

    def _add(
        self, name: str, inputs: list[int], outputs: list[int], functions: Any, kind: str | None,
        params: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.made.equations.append(Equation(Primitive(name), params or {}, inputs, outputs, functions, kind))


def _frames(frame: Any) -> list[tuple[str, str]]:
    """Function and file of a frame and of those that it was called from, outermost first."""
    found = []
    while frame is not None:
        found.append((frame.f_code.co_name, frame.f_code.co_filename))
        frame = frame.f_back
    return found[::-1]


def slopes(layer: TracedLayer, made: Program) -> tuple[Any, Any]:
    """φ′ at a layer's pre-activations and on a wide grid; NaN where the activation mixes units."""
    activation, pre = layer.activation, made.values[layer.pre]
    assert activation is not None
    if ACTIVATIONS[activation.name] in ACROSS:
        return np.full(made.shapes[layer.answer], np.nan), np.full(1, np.nan)

    def slope(x: Any) -> np.ndarray:
        inside = {n: made.values[n] for n in activation.inputs} | {layer.pre: x}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            for equation in activation.equations:
                _again(equation, inside)
        found = tape.gradient(inside[activation.output], x)
        return np.zeros(x.shape) if found is None else np.asarray(found)

    at = slope(pre)
    alone = all(not made.shapes[n] for n in activation.inputs if n != layer.pre)
    return at, slope(tf.constant(GRID, pre.dtype)) if alone else at


def _again(equation: Equation, values: dict[int, Any]) -> None:
    """Do an operation once more, for the tape that is running."""
    kind, attributes = equation.params["kind"], equation.params["attributes"]
    inputs = [values[n] for n in equation.inputs]
    answers = execute.execute(kind, len(equation.outputs), inputs, attributes, context.context())
    execute.record_gradient(kind, inputs, attributes, answers)
    values.update(zip(equation.outputs, answers, strict=True))
