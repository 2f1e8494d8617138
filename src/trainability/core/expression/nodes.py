"""The syntax tree of a formula: frozen nodes, made by the parser and by the derivative.

Node
├── Number(value)                     a finite number, never negative: a minus sign is a Negate
├── Name(name)                        a variable, a parameter, or a constant (pi, e)
├── Negate(operand)
├── Binary(operator, left, right)     + - * / **
├── Compare(operator, left, right)    < <= > >= == !=, a condition: only `where` takes it
├── Where(condition, then, otherwise)
└── Call(function, arguments)         a function of functions.py, under its canonical name
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

CONSTANTS: dict[str, float] = {"pi": math.pi, "e": math.e}
COMPLEMENT = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}


@dataclass(frozen=True)
class Node:
    """A formula or a part of one; `size` counts its nodes as a tree, `depth` its levels."""

    size: int = field(init=False, repr=False, compare=False)
    depth: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", 1 + sum(part.size for part in self.parts))
        object.__setattr__(self, "depth", 1 + max((part.depth for part in self.parts), default=0))

    @property
    def parts(self) -> tuple[Node, ...]:
        """The nodes right below this one."""
        return ()

    def with_parts(self, parts: tuple[Node, ...]) -> Node:
        """This node with other nodes below it."""
        return self


@dataclass(frozen=True)
class Number(Node):
    value: float


@dataclass(frozen=True)
class Name(Node):
    name: str


@dataclass(frozen=True)
class Negate(Node):
    operand: Node

    @property
    def parts(self) -> tuple[Node, ...]:
        return (self.operand,)

    def with_parts(self, parts: tuple[Node, ...]) -> Node:
        return Negate(*parts)


@dataclass(frozen=True)
class Binary(Node):
    operator: str
    left: Node
    right: Node

    @property
    def parts(self) -> tuple[Node, ...]:
        return (self.left, self.right)

    def with_parts(self, parts: tuple[Node, ...]) -> Node:
        return Binary(self.operator, *parts)


@dataclass(frozen=True)
class Compare(Node):
    operator: str
    left: Node
    right: Node

    @property
    def parts(self) -> tuple[Node, ...]:
        return (self.left, self.right)

    def with_parts(self, parts: tuple[Node, ...]) -> Node:
        return Compare(self.operator, *parts)

    @property
    def complement(self) -> Compare:
        """The opposite condition (the same for every pair of numbers that has no NaN)."""
        return Compare(COMPLEMENT[self.operator], self.left, self.right)


@dataclass(frozen=True)
class Where(Node):
    """`witnesses`: for each branch a safe value of the variables, None if it needs none (see guards.py)."""

    condition: Compare
    then: Node
    otherwise: Node
    witnesses: tuple[float | None, float | None] = field(default=(None, None), repr=False, compare=False)

    @property
    def parts(self) -> tuple[Node, ...]:
        return (self.condition, self.then, self.otherwise)

    def with_parts(self, parts: tuple[Node, ...]) -> Node:
        condition, then, otherwise = parts
        assert isinstance(condition, Compare)
        return Where(condition, then, otherwise, self.witnesses)


@dataclass(frozen=True)
class Call(Node):
    function: str
    arguments: tuple[Node, ...]

    @property
    def parts(self) -> tuple[Node, ...]:
        return self.arguments

    def with_parts(self, parts: tuple[Node, ...]) -> Node:
        return Call(self.function, parts)


def names(node: Node) -> frozenset[str]:
    """The names that occur in `node`, constants excepted."""
    found: set[str] = set()
    seen: set[int] = set()
    stack = [node]
    while stack:
        part = stack.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, Name) and part.name not in CONSTANTS:
            found.add(part.name)
        stack.extend(part.parts)
    return frozenset(found)


def calls(node: Node) -> frozenset[str]:
    """The functions that `node` calls."""
    own = {node.function} if isinstance(node, Call) else set()
    return frozenset(own.union(*(calls(part) for part in node.parts)))


def transform(node: Node, change: Callable[[Node], Node]) -> Node:
    """`node` rebuilt from its leaves up, each rebuilt node passed through `change`."""
    parts = tuple(transform(part, change) for part in node.parts)
    same = all(new is old for new, old in zip(parts, node.parts, strict=True))
    return change(node if same else node.with_parts(parts))


def substitute(node: Node, values: Mapping[str, Node]) -> Node:
    """`node` with names replaced by other formulas."""
    return transform(node, lambda part: values.get(part.name, part) if isinstance(part, Name) else part)


def number(value: float) -> Node:
    """The node of a finite number of either sign."""
    return Negate(Number(-value)) if value < 0 else Number(abs(float(value)))
