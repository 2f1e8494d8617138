"""From an activation's formula and its derivative to a small program of vector operations (native/formula.hpp).

Equal parts of the two formulas are computed once; parts that do not depend on x are computed once for a group of
trials; numbers are folded here.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass
from typing import Final

from trainability.activations import Activation
from trainability.activations.functions import expression_of, variables_of
from trainability.core.expression import (
    Binary,
    Call,
    Compare,
    Name,
    Negate,
    Node,
    Where,
    constant,
    differentiate,
    lower,
    names,
)

WRITTEN_OUT: Final = frozenset({"identity", "relu", "leaky_relu", "sigmoid", "tanh", "elu", "silu", "gelu"})
"""Elementwise activations that the kernel has by name, though it could take their formulas."""

SIMPLEX: Final = frozenset({"softmax", "softmin", "log_softmax", "sparsemax"})
"""Activations across the units of a layer that the kernel has by name."""

# The numbers of native/formula.hpp's enum Operation.
_OPERATIONS: Final = {
    name: number
    for number, name in enumerate((
        "+", "-", "*", "/", "**", "whole_power", "negate", "<", "<=", ">", ">=", "==", "!=", "select", "exp", "expm1",
        "log", "log1p", "log2", "sqrt", "abs", "sign", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arctan",
        "arcsinh", "erf", "erfc", "sigmoid", "softplus",
    ))
}  # fmt: skip
_LARGEST_WHOLE_POWER = 64  # as core.expression.evaluation has it


@dataclass(frozen=True)
class Formula:
    """The arguments of the kernel's class of that name, in order; see native/formula.hpp."""

    name: str
    pieces: int
    parameters: int
    learned: tuple[int, ...] = ()
    drawn: tuple[int, ...] = ()
    constants: tuple[float, ...] = ()
    code: tuple[tuple[int, int, int, int, int], ...] = ()
    fixed: int = 0
    registers: int = 1
    value: int = 0
    slopes: tuple[int, ...] = ()


@functools.cache
def formula_of(activation: Activation, pieces: int = 1, *, hidden: bool = True, written_out: bool = True) -> Formula:
    """The program of an activation.

    Args:
        pieces: pre-activations of a unit.
        hidden: whether it is that of hidden layers; the last layer's has nothing that is learned.
        written_out: whether an activation that the kernel has by name is called by it.
    """
    own = tuple(p.name for p in activation.parameters)
    if activation.name in SIMPLEX or (written_out and activation.name in WRITTEN_OUT):
        return Formula(activation.name, 1, len(own), registers=1 + len(own))
    learned = activation.learned if hidden else ()
    variables = variables_of(pieces)
    node = expression_of(activation, pieces)
    slopes = [differentiate(node, name) for name in (*variables, *learned)]
    drawn = activation.random or ()
    compiler = _Compiler((*variables, *own, *drawn[:1]), frozenset({*variables, *learned, *drawn[:1]}))
    formula = compiler.compile(lower(node, variables), slopes)
    places = {name: i for i, name in enumerate(own)}
    return dataclasses.replace(
        formula,
        pieces=pieces,
        parameters=len(own),
        learned=tuple(places[name] for name in learned),
        drawn=tuple(places[name] for name in drawn[1:]),
    )


class _Compiler:
    """Values are numbered as they are met, those with a name first; −1 − i is constant i until all are known."""

    def __init__(self, named: tuple[str, ...], varying: frozenset[str]):
        self.named = named
        self.varying = {named.index(name) for name in varying}
        self.constants: dict[float, int] = {}
        self.known: dict[tuple[int, int, int, int], int] = {}

    def compile(self, value: Node, slopes: list[Node]) -> Formula:
        answer, *by = (self.place(node) for node in (value, *slopes))
        first = len(self.named)  # of the constants
        code = list(self.known.items())
        code.sort(key=lambda item: item[1] in self.varying)  # stable: what does not vary comes first
        fixed = sum(place not in self.varying for place in self.known.values())

        def register(place: int) -> int:
            if place < 0:
                return first - 1 - place
            return place if place < first else place + len(self.constants)

        whole = _OPERATIONS["whole_power"]
        return Formula(
            name="",
            pieces=1,
            parameters=0,
            constants=tuple(self.constants),
            code=tuple(
                (op, register(target), register(a), b if op == whole else register(b), register(c))
                for (op, a, b, c), target in code
            ),
            fixed=fixed,
            registers=first + len(self.constants) + len(self.known),
            value=register(answer),
            slopes=tuple(register(place) for place in by),
        )

    def place(self, node: Node) -> int:
        """Where the value of `node` will be."""
        if not isinstance(node, Compare | Where) and not names(node):
            return self.number(constant(node, {}))
        match node:
            case Name(name=name):
                return self.named.index(name)
            case Negate(operand=operand):
                return self.step("negate", operand)
            case Binary(operator="**", left=left, right=right) if (power := _whole(right)) is not None:
                return self.emit(_OPERATIONS["whole_power"], self.place(left), power, 0)
            case Binary() | Compare():
                return self.step(node.operator, node.left, node.right)
            case Where(condition=condition, then=then, otherwise=otherwise):
                return self.step("select", condition, then, otherwise)
            case Call(function=function, arguments=arguments):
                return self.step(function, *arguments)
        raise TypeError(f"not a lowered formula: {node!r}")

    def number(self, value: float) -> int:
        return -1 - self.constants.setdefault(value, len(self.constants))

    def step(self, operation: str, *parts: Node) -> int:
        places = [self.place(part) for part in parts]
        a, b, c = (*places, *[0] * (3 - len(places)))
        if len(places) < 3:
            c = a
        return self.emit(_OPERATIONS[operation], a, b if len(places) > 1 else a, c)

    def emit(self, operation: int, a: int, b: int, c: int) -> int:
        whole = operation == _OPERATIONS["whole_power"]
        c = a if whole else c
        key = (operation, a, b, c)
        if key not in self.known:
            place = len(self.named) + len(self.known)
            self.known[key] = place
            if {a, c} & self.varying or (not whole and b in self.varying):
                self.varying.add(place)
        return self.known[key]


def _whole(node: Node) -> int | None:
    """The exponent if it is a small whole number."""
    if names(node) or isinstance(node, Compare | Where):
        return None
    value = constant(node, {})
    return int(value) if math.isfinite(value) and value.is_integer() and abs(value) <= _LARGEST_WHOLE_POWER else None
