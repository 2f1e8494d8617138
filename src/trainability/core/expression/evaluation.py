"""The value of a formula, with NumPy or with JAX: one evaluator over two tables of functions.

Under `jax.grad` a plain ``where(x > 0, x, expm1(x))`` has a NaN slope at x = 1e4: the branch not taken
overflows, and 0 * inf is NaN. So each branch is evaluated at a safe value of the variables (its *witness*,
see guards.py) wherever it is not taken.
"""

from __future__ import annotations

import functools
import importlib
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainability.core.expression.functions import FUNCTIONS, REDUCTIONS
from trainability.core.expression.lowering import lower
from trainability.core.expression.nodes import (
    CONSTANTS,
    Binary,
    Call,
    Compare,
    Name,
    Negate,
    Node,
    Number,
    Where,
    transform,
)

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_LARGEST_WHOLE_POWER = 64


def softplus(u: Any) -> Any:
    """ln(1 + e^u) without overflow, with NumPy."""
    return np.logaddexp(u, 0.0)


def absolute(u: Any) -> Any:
    """|u| with JAX; the derivative at 0 is 0, where that of jax.numpy.abs is 1."""
    import jax.numpy as jnp

    return u * jnp.sign(u)


@dataclass(frozen=True)
class Library:
    """The array functions that the evaluator needs."""

    where: Callable[..., Any]
    asarray: Callable[..., Any]
    broadcast: Callable[..., Any]
    functions: Mapping[str, Callable[..., Any]]


class _Functions(dict[str, Callable[..., Any]]):
    """A library's functions, each looked up when it is first called: importing all of them takes longer than a run."""

    def __init__(self, paths: Mapping[str, str]):
        super().__init__()
        self._paths = paths

    def __missing__(self, name: str) -> Callable[..., Any]:
        module, _, attribute = self._paths[name].rpartition(".")
        self[name] = getattr(importlib.import_module(module), attribute)
        return self[name]


@functools.cache
def numpy_library() -> Library:
    """NumPy and SciPy."""
    table = _Functions({name: f.numpy for name, f in FUNCTIONS.items() if f.numpy})
    return Library(np.where, np.asarray, np.broadcast_to, table)


@functools.cache
def jax_library() -> Library:
    """jax.numpy, jax.nn and jax.scipy."""
    import jax.numpy as jnp

    table = _Functions({name: f.jax for name, f in FUNCTIONS.items() if f.jax})
    return Library(jnp.where, jnp.asarray, jnp.broadcast_to, table)


def evaluate(
    node: Node, values: Mapping[str, Any], library: Library | None = None, variables: tuple[str, ...] = ("x",),
    lowered: bool = False,
) -> Any:  # fmt: skip
    """The value of `node`, an array of the shape and dtype of the variables.

    Args:
        node: the formula; for gradients under JAX, first pass it through `guard`.
        values: a floating-point array of one shape for each variable, and for each other name a Python float
            or an array of the same dtype that broadcasts against the variables (of equal rank, or a scalar).
        library: `numpy_library()` (default) or `jax_library()`.
        variables: the names that a branch may replace by its witness.
        lowered: whether `node` is known to be lowered for these variables.
    """
    library = library or numpy_library()
    like = values[variables[0]]
    evaluation = _Evaluation(library, values, variables)
    with np.errstate(all="ignore"):
        result = evaluation.value(node if lowered else lower(node, variables))
        return library.broadcast(library.asarray(result, dtype=like.dtype), like.shape)


def evaluator(
    nodes: Sequence[Node], variables: tuple[str, ...] = ("x",), library: Library | None = None
) -> Callable[[Mapping[str, Any]], list[Any]]:
    """What evaluates several formulas at once, and often: parts that they share are evaluated once.

    Args:
        nodes, variables, library: as of `evaluate`.

    Returns:
        A function of what `evaluate` takes as `values`.
    """
    library, shared = library or numpy_library(), {}
    lowered = [transform(lower(node, variables), lambda part: shared.setdefault(part, part)) for node in nodes]

    def values_of(values: Mapping[str, Any]) -> list[Any]:
        like = values[variables[0]]
        evaluation = _Evaluation(library, values, variables)
        with np.errstate(all="ignore"):
            found = [library.asarray(evaluation.value(node), dtype=like.dtype) for node in lowered]
        return [library.broadcast(value, like.shape) for value in found]

    return values_of


def constant(node: Node, values: Mapping[str, float]) -> float:
    """The value of `node`, all of whose names are given as Python floats."""
    with np.errstate(all="ignore"):
        return float(_Evaluation(numpy_library(), values, ()).value(lower(node, ())))


def _is_scalar(value: Any) -> bool:
    return isinstance(value, int | float)


class _Evaluation:
    """One evaluation under one assignment of the variables; each guarded branch is one of its own.

    Parts that hold no array stay Python floats, which neither library lets widen a float32.
    """

    def __init__(self, library: Library, values: Mapping[str, Any], variables: tuple[str, ...]):
        self.library = library
        self.values = values
        self.variables = variables
        self.known: dict[int, Any] = {}

    def value(self, node: Node) -> Any:
        key = id(node)  # lowering shares nodes; a shared node is evaluated once
        if key not in self.known:
            self.known[key] = self.fresh(node)
        return self.known[key]

    def fresh(self, node: Node) -> Any:
        match node:
            case Number(value=value):
                return value
            case Name(name=name):
                return CONSTANTS[name] if name in CONSTANTS else self.values[name]
            case Negate(operand=operand):
                return -self.value(operand)
            case Binary() | Compare():
                return self.operated(node.operator, self.value(node.left), self.value(node.right))
            case Where():
                return self.chosen(node)
            case Call():
                return self.called(node)
        raise TypeError(f"not a formula: {node!r}")

    def operated(self, sign: str, left: Any, right: Any) -> Any:
        if _is_scalar(left) and _is_scalar(right):
            result = _OPERATORS[sign](np.float64(left), np.float64(right))
            return bool(result) if isinstance(result, np.bool_) else float(result)
        whole = isinstance(right, float) and right.is_integer() and abs(right) <= _LARGEST_WHOLE_POWER
        if sign == "**" and whole:
            right = int(right)  # a product: exact, and its derivative holds at and below 0
        return _OPERATORS[sign](left, right)

    def called(self, node: Call) -> Any:
        function = self.library.functions[node.function]
        if node.function in REDUCTIONS:
            like = self.values[self.variables[0]]
            argument = self.library.asarray(self.value(node.arguments[0]), dtype=like.dtype)
            return function(self.library.broadcast(argument, like.shape), axis=-1, keepdims=True)
        arguments = [self.value(argument) for argument in node.arguments]
        if all(map(_is_scalar, arguments)):
            return float(numpy_library().functions[node.function](*map(np.float64, arguments)))
        return function(*arguments)

    def chosen(self, node: Where) -> Any:
        condition = self.value(node.condition)
        if isinstance(condition, bool):
            return self.value(node.then if condition else node.otherwise)
        then = self.branch(node.then, condition, node.witnesses[0], taken=True)
        otherwise = self.branch(node.otherwise, condition, node.witnesses[1], taken=False)
        return self.library.where(condition, self.array(then), self.array(otherwise))

    def branch(self, node: Node, condition: Any, witness: float | None, taken: bool) -> Any:
        if witness is None:
            return self.value(node)
        safe = self.array(witness)
        values = dict(self.values)
        for name in self.variables:
            value = self.values[name]
            values[name] = self.library.where(condition, *((value, safe) if taken else (safe, value)))
        return _Evaluation(self.library, values, self.variables).value(node)

    def array(self, value: Any) -> Any:
        dtype = self.values[self.variables[0]].dtype
        return self.library.asarray(value, dtype=dtype) if _is_scalar(value) else value


def is_finite(node: Node, values: Mapping[str, float]) -> bool:
    """Whether `node` is finite, and far from overflow in float32, at `values`."""
    value = constant(node, values)
    return math.isfinite(value) and abs(value) < 1e6
