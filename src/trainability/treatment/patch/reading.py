"""Reading a model's modules from the expression that makes it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from trainability.treatment.patch.calls import Container
from trainability.treatment.patch.names import definition, only_value, path_of, scope_of
from trainability.treatment.patch.network import Item, Kind
from trainability.treatment.patch.source import Node, NoPlace, Source
from trainability.treatment.patch.vocabulary import Vocabulary

_LOOPS = (ast.For, ast.While, ast.AsyncFor)


@dataclass(frozen=True, eq=False)
class Own:
    """A model of a class of the source."""

    definition: ast.ClassDef


@dataclass(frozen=True, eq=False)
class Functional:
    """``keras.Model(inputs, outputs)``."""

    call: ast.Call


Module: TypeAlias = "Item | Own | Functional | tuple[Module, ...]"
"""A tuple is applied one after the other, or looked up in. What is made in a loop is in it twice."""


class Reader:
    """Reads modules of one source.

    Args:
        private: whether a class or function of the source serves this model alone.

    Raises:
        NoPlace: something on the way is not understood.
    """

    def __init__(self, source: Source, words: Vocabulary, private: Callable[[ast.ClassDef | ast.FunctionDef], bool]):
        self.source, self.words, self.private = source, words, private
        self._made: dict[ast.expr, Module] = {}

    def module(self, node: ast.expr, container: Container | None = None, index: int = 0) -> Module:
        """The module that an expression makes."""
        if node not in self._made:
            self._made[node] = ()  # a name that stands for itself
            self._made[node] = self._module(node, container, index)
        return self._made[node]

    def unknown(self, node: Node) -> NoPlace:
        return NoPlace(f"'{' '.join(self.source.segment(node).split())[:40]}' is not understood")

    def _module(self, node: ast.expr, container: Container | None, index: int) -> Module:
        function = self.words.functions.get(path_of(self.source, node) or "")
        if function:
            return Item("activation", node, function, container, index)
        if isinstance(node, ast.Name):
            return self._named(node)
        if isinstance(node, ast.List | ast.Tuple):
            return self._list(node)
        if isinstance(node, ast.ListComp | ast.GeneratorExp):
            made = self.module(node.elt)
            return (made, made)
        if isinstance(node, ast.Call):
            return self._call(node, container, index)
        raise self.unknown(node)

    def _list(self, node: ast.List | ast.Tuple) -> Module:
        container = node if isinstance(node, ast.List) else None
        return tuple(self._element(element, container, i) for i, element in enumerate(node.elts))

    def _element(self, node: ast.expr, container: Container | None, index: int) -> Module:
        if isinstance(node, ast.Starred):
            return self.module(node.value)
        if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[0], ast.Constant):
            return self.module(node.elts[1])  # of an OrderedDict
        return self.module(node, container, index)

    def _call(self, node: ast.Call, container: Container | None, index: int) -> Module:
        path, words = path_of(self.source, node.func) or "", self.words
        if path in words.sequential:
            return tuple(self._element(part, node, i) for i, part in enumerate(node.args))
        if path in ("torch.nn.ModuleList", "flax.nnx.List", "collections.OrderedDict") and len(node.args) == 1:
            return self.module(node.args[0])
        if path in ("keras.Model", "keras.models.Model") and node.args + node.keywords:
            return Functional(node)
        if path in words.layers:
            item = Item("layer", node, path.rpartition(".")[2], container, index)
            return (item, *self._activation_of(node, container, index))
        kinds: list[tuple[Any, Kind]] = [
            (words.dropouts, "dropout"), (words.passing | words.joining, "passing"), (words.reshaping, "reshaping"),
        ]  # fmt: skip
        for known, kind in kinds:
            if path in known:
                return Item(kind, node, path.rpartition(".")[2], container, index)
        if path in words.activations:
            return Item("activation", node, words.activations[path], container, index)
        if path == "keras.layers.Activation" and node.args:
            return self._by_name(node.args[0], container, index)
        if path in ("keras.Input", "keras.layers.Input"):
            return ()
        if path in ("torch.compile", "torch.nn.DataParallel") and node.args:
            return self.module(node.args[0])
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("to", "cuda", "cpu", "float", "double", "train"):
            return self.module(node.func.value)
        return self._of_source(node)

    def _of_source(self, node: ast.Call) -> Module:
        """A class of the source, or a function of it that ends in one ``return``."""
        if isinstance(node.func, ast.Name):
            found = definition(self.source, node.func)[1]
            made = found[0] if len(found) == 1 else None
            if isinstance(made, ast.ClassDef | ast.FunctionDef) and not self.private(made):
                raise NoPlace(f"'{made.name}' makes more than this model")
            if isinstance(made, ast.ClassDef):
                return Own(made)
            if isinstance(made, ast.FunctionDef):
                inside = [n for n in ast.walk(made) if isinstance(n, ast.Return)]
                returns = [n for n in inside if scope_of(self.source, n) is made]
                if len(returns) == 1 and returns[0].value is not None:
                    return self.module(returns[0].value)
        raise self.unknown(node)

    def _activation_of(self, node: ast.Call, container: Container | None, index: int) -> tuple[Item, ...]:
        """A Keras layer's own activation; None and ``linear`` are none."""
        for keyword in node.keywords:
            if keyword.arg == "activation":
                return self._by_name(keyword.value, container, index)
            if keyword.arg is None:
                raise self.unknown(node)
        path = path_of(self.source, node.func)
        if path == "keras.layers.Dense" and len(node.args) > 1:
            return self._by_name(node.args[1], container, index)
        if path != "keras.layers.Dense" and len(node.args) > 6:
            raise NoPlace("an activation may be among a layer's positional arguments")
        return ()

    def _by_name(self, value: ast.expr, container: Container | None, index: int) -> tuple[Item, ...]:
        if isinstance(value, ast.Constant) and value.value in (None, "linear"):
            return ()
        path = path_of(self.source, value) or ""
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            path = f"keras.activations.{value.value}"
        if path not in self.words.functions:
            raise self.unknown(value)
        return (Item("activation", value, self.words.functions[path], container, index),)

    def _named(self, node: ast.Name) -> Module:
        """What a name was given once, with what was added to it since."""
        scope, found = definition(self.source, node)
        first: ast.expr | None = only_value(self.source, node)
        around = [self.source.parents[one] for one in found]
        added = [one for one in around if isinstance(one, ast.AugAssign)]
        if first is None and added and len(found) == len(added) + 1:
            statement = next(one for one in around if one not in added)
            first = statement.value if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
        if first is None:
            raise self.unknown(node)
        parts = self.module(first)
        grown: list[tuple[int, ast.AST, ast.expr]] = [(one.lineno, one, one.value) for one in added]
        for call in ast.walk(scope):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args):
                continue
            owner = call.func.value
            if isinstance(owner, ast.Name) and owner.id == node.id and call.func.attr in ("append", "extend", "add"):
                grown.append((call.lineno, call, call.args[0]))
        for _, where, value in sorted(grown, key=lambda one: one[0]):
            more = self.module(value)
            parts = (parts, more, more) if self._repeated(where, scope) else (parts, more)
        return parts

    def _repeated(self, node: ast.AST, scope: ast.AST) -> bool:
        """Whether it is in a loop. NoPlace where it is under a condition."""
        looped = False
        while node is not scope:
            if isinstance(node, ast.If):
                raise NoPlace("a part of the model is added under a condition")
            looped |= isinstance(node, _LOOPS)
            node = self.source.parents[node]
        return looped
