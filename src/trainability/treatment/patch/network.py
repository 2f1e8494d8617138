"""What a PyTorch or NNX model does with its input, read from the code that makes it, without running it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from trainability.treatment.patch.calls import Container

Kind: TypeAlias = Literal["layer", "activation", "passing", "reshaping", "dropout"]


@dataclass(frozen=True, eq=False)
class Item:
    """A layer, an activation or another module or function of the model.

    Attributes:
        node: the call that makes the module, the function's name, or the call of the function where it is `function`.
        name: ``Linear``; of an activation, its name in the catalogue.
        container, index: the call of ``Sequential`` or the list that it is an element of, where it is one.
        function: whether it is called where it is applied, as ``F.relu(x)``, on its first argument or as a method.
    """

    kind: Kind
    node: ast.expr
    name: str
    container: Container | None = None
    index: int = 0
    function: bool = False


@dataclass(frozen=True)
class Value:
    """A tensor on its way.

    Attributes:
        open: layers whose answer has met no activation yet.
        tail: activations since the last layer.
        reshaped: whether units may have changed their place since.
    """

    open: tuple[Item, ...] = ()
    tail: tuple[Item, ...] = ()
    reshaped: bool = False


@dataclass
class Network:
    """What was met on the way from input to output.

    Attributes:
        pairs: a layer, its activation, and whether units may have changed their place in between.
        bare: hidden layers without an activation.
        last: activations after the last layer.
    """

    layers: list[Item] = field(default_factory=list)
    pairs: list[tuple[Item, Item, bool]] = field(default_factory=list)
    bare: list[Item] = field(default_factory=list)
    dropouts: list[Item] = field(default_factory=list)
    last: tuple[Item, ...] = ()
    output: Item | None = None
    _passed: list[Item] = field(default_factory=list)

    def apply(self, item: Item, value: Value) -> Value:
        """What an item makes of a tensor."""
        if item.kind == "layer":
            _add(self.layers, [item])
            _add(self.bare, value.open)
            _add(self._passed, value.tail)
            return Value((item,))
        if item.kind == "activation":
            known = {(id(layer.node), id(act.node)) for layer, act, _ in self.pairs}
            for layer in value.open:
                if (id(layer.node), id(item.node)) not in known:
                    self.pairs.append((layer, item, value.reshaped))
            return Value((), (*value.tail, item))
        if item.kind == "dropout":
            _add(self.dropouts, [item])
        return Value(value.open, value.tail, value.reshaped or item.kind == "reshaping")

    def end(self, value: Value) -> None:
        """The tensor is the model's answer."""
        self.last = value.tail
        tail = {id(item.node) for item in value.tail}
        ends = value.open or tuple(layer for layer, activation, _ in self.pairs if id(activation.node) in tail)
        self.output = ends[0] if len(ends) == 1 else None

    @property
    def hidden(self) -> list[Item]:
        """Activations of hidden layers, each once."""
        paired = {id(activation.node) for _, activation, _ in self.pairs}
        return [item for item in self._passed if id(item.node) in paired]


def joined(values: Sequence[Value]) -> Value:
    """A sum, or whatever else is made of several tensors."""
    opened = {id(item.node): item for value in values for item in value.open}
    tail = {id(item.node): item for value in values for item in value.tail}
    return Value(tuple(opened.values()), tuple(tail.values()), any(value.reshaped for value in values))


def _add(items: list[Item], more: Sequence[Item]) -> None:
    """Each once: a loop applies the same item again."""
    seen = {id(item.node) for item in items}
    items.extend(item for item in more if id(item.node) not in seen)
