"""Following a tensor through a model's code, statement by statement, without running it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from trainability.treatment.patch.names import followed, path_of, scope_of
from trainability.treatment.patch.network import Item, Network, Value, joined
from trainability.treatment.patch.reading import Functional, Module, Own, Reader
from trainability.treatment.patch.source import NoPlace, Source
from trainability.treatment.patch.vocabulary import METHODS_PASSING, METHODS_RESHAPING, Vocabulary

Names: TypeAlias = "dict[str, Value | Module]"


def network_of(
    source: Source, words: Vocabulary, model: ast.expr, private: Callable[[ast.ClassDef | ast.FunctionDef], bool]
) -> Network:
    """What the model that an expression makes does with its input.

    Args:
        private: whether a class or function of the source serves this model alone.

    Raises:
        NoPlace: something on the way is not understood.
    """
    running = _Running(Reader(source, words, private))
    running.network.end(running.through(running.reader.module(model), Value()))
    return running.network


class _Running:
    def __init__(self, reader: Reader):
        self.reader, self.network = reader, Network()
        self.source, self.words = reader.source, reader.words
        self.own: list[ast.ClassDef] = []

    def through(self, module: Module, value: Value) -> Value:
        """A tensor goes through a module."""
        if isinstance(module, Item):
            return self.network.apply(module, value)
        if isinstance(module, tuple):
            for part in module:
                value = self.through(part, value)
            return value
        if isinstance(module, Functional):
            return self._functional(module.call)
        return self._own(module, value)

    def _functional(self, call: ast.Call) -> Value:
        """Every layer is applied where the code does so; the model's answer is that of its second argument."""
        output = next((k.value for k in call.keywords if k.arg == "outputs"), call.args[1] if call.args[1:] else None)
        scope = scope_of(self.source, call)
        if output is None or isinstance(scope, ast.Lambda):
            raise self.reader.unknown(call)
        names: Names = {}
        for statement in scope.body:
            if statement is self.source.statement(call):
                break
            inside = [] if isinstance(statement, ast.FunctionDef | ast.ClassDef) else ast.walk(statement)
            if not any(isinstance(node, ast.expr) and self._makes_tensor(node) for node in inside):
                continue
            if self.run([statement], names) is not None:
                raise self.reader.unknown(statement)
        return self.tensor(output, names)

    def _makes_tensor(self, node: ast.expr) -> bool:
        """``Dense(8)(x)`` or ``Input(…)``, or what combines such."""
        if not isinstance(node, ast.Call):
            return False
        path = path_of(self.source, node.func) or ""
        joins = path in self.words.joining and path.rpartition(".")[2][0].islower()
        return isinstance(node.func, ast.Call) or path in self.words.fresh or joins

    def _own(self, module: Own, value: Value) -> Value:
        if module.definition in self.own:
            raise NoPlace(f"the class '{module.definition.name}' holds itself")
        forward = [n for n in module.definition.body if isinstance(n, ast.FunctionDef) and n.name == self.words.forward]
        if len(forward) != 1 or not forward[0].args.args[1:]:
            raise NoPlace(f"the class '{module.definition.name}' has no '{self.words.forward}' of its own")
        arguments = [a.arg for a in forward[0].args.args]
        names: Names = dict.fromkeys(arguments[2:], Value())
        names[arguments[1]] = value
        self.own.append(module.definition)
        answer = self.run(forward[0].body, names)
        self.own.pop()
        if answer is None:
            raise NoPlace(f"'{module.definition.name}.{self.words.forward}' returns nothing")
        return answer

    def run(self, body: list[ast.stmt], names: Names) -> Value | None:
        """Statements, up to the first ``return``."""
        for statement in body:
            if isinstance(statement, ast.Return) and statement.value is not None:
                return self.tensor(statement.value, names)
            if isinstance(statement, ast.Assign):
                self._assign(statement.targets, self._value(statement.value, names), names)
            elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
                both = [self.tensor(ast.copy_location(ast.Name(statement.target.id), statement), names)]
                names[statement.target.id] = joined([*both, self.tensor(statement.value, names)])
            elif isinstance(statement, ast.For):
                self._loop(statement, names)
            elif isinstance(statement, ast.If):
                before = len(self.network.layers) + len(self.network.pairs)
                if self.run([*statement.body, *statement.orelse], dict(names)) is not None:
                    raise NoPlace("the model's answer depends on a condition")
                if len(self.network.layers) + len(self.network.pairs) != before:
                    raise NoPlace("a part of the model is used under a condition")
            elif not isinstance(statement, ast.Assert | ast.Pass) and not _documentation(statement):
                raise self.reader.unknown(statement)
        return None

    def _loop(self, loop: ast.For, names: Names) -> None:
        over = self._value(loop.iter, names)
        modules = over if isinstance(over, tuple) else (over, over)
        for module in modules:  # a range counts as two rounds
            self._assign([loop.target], module, names)
            if self.run(loop.body, names) is not None:
                raise self.reader.unknown(loop)

    def _assign(self, targets: list[ast.expr], value: Value | Module, names: Names) -> None:
        for target in targets:
            for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                if not isinstance(name, ast.Name):
                    raise self.reader.unknown(target)
                names[name.id] = value

    def _value(self, node: ast.expr, names: Names) -> Value | Module:
        """A tensor, or a module where it is one of the model's own."""
        module = self._held(node, names)
        return self.tensor(node, names) if module is None else module

    def tensor(self, node: ast.expr, names: Names) -> Value:
        """What is known of the tensor that an expression gives."""
        if isinstance(node, ast.Name):
            value = names.get(node.id, Value())
            if not isinstance(value, Value):
                raise self.reader.unknown(node)
            return value
        if isinstance(node, ast.Constant):
            return Value()
        if isinstance(node, ast.BinOp):
            return joined([self.tensor(node.left, names), self.tensor(node.right, names)])
        if isinstance(node, ast.UnaryOp):
            return self.tensor(node.operand, names)
        if isinstance(node, ast.Subscript | ast.Attribute):
            return self.tensor(node.value, names)
        if isinstance(node, ast.List | ast.Tuple):
            return joined([self.tensor(part, names) for part in node.elts])
        if isinstance(node, ast.Call):
            return self._call(node, names)
        raise self.reader.unknown(node)

    def _call(self, node: ast.Call, names: Names) -> Value:
        held = self._held(node.func, names)
        if held is not None and node.args:
            return self.through(held, joined([self.tensor(one, names) for one in node.args]))
        path, words = path_of(self.source, node.func) or "", self.words
        first = node.args[0] if node.args else None
        if path in words.functions and first:
            return self.network.apply(
                Item("activation", node, words.functions[path], function=True), self.tensor(first, names)
            )
        if path in words.passing and first:
            return self.tensor(first, names)
        if path in words.reshaping and first:
            return self.network.apply(Item("reshaping", node, ""), self.tensor(first, names))
        if path in words.joining:
            return joined([self.tensor(one, names) for one in node.args])
        counts = isinstance(node.func, ast.Name) and node.func.id in ("range", "len")
        if path in words.fresh or (counts and not path):
            return Value()
        if not path and isinstance(node.func, ast.Attribute):
            return self._method(node, node.func, names)
        raise self.reader.unknown(node)

    def _method(self, node: ast.Call, function: ast.Attribute, names: Names) -> Value:
        if function.attr in ("size", "dim", "numel"):
            return Value()
        value = self.tensor(function.value, names)
        if function.attr in self.words.methods:
            return self.network.apply(Item("activation", node, self.words.methods[function.attr], function=True), value)
        if function.attr in METHODS_PASSING:
            return value
        if function.attr in METHODS_RESHAPING:
            return self.network.apply(Item("reshaping", node, ""), value)
        raise self.reader.unknown(node)

    def _held(self, node: ast.expr, names: Names) -> Module | None:
        """The module behind ``self.layer``, ``self.layers[0]``, a loop's name, or ``Dense(8)``; None for none."""
        if isinstance(node, ast.Name) and node.id in names:
            value = names[node.id]
            return None if isinstance(value, Value) else value
        if isinstance(node, ast.Name) and self.words.forward == "call":
            made = followed(self.source, node)
            return None if made is node else self._held(made, names)
        if isinstance(node, ast.Call) and self.words.forward == "call" and path_of(self.source, node.func):
            return None if self._makes_tensor(node) else self.reader.module(node)
        if isinstance(node, ast.Subscript):
            whole = self._held(node.value, names)
            return None if whole is None else self._part(node, whole)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id not in names:
            return self._attribute(node.attr) if self.own and path_of(self.source, node) is None else None
        return None

    def _part(self, node: ast.Subscript, whole: Module) -> Module:
        parts = whole if isinstance(whole, tuple) else ()
        text = self.source.segment(node.slice).replace(" ", "")
        if text.lstrip("-").isdigit() and -len(parts) <= int(text) < len(parts):
            return parts[int(text)]
        if text == ":-1":
            return parts[:-1]
        if parts and all(part is parts[0] for part in parts):
            return parts[0]
        raise self.reader.unknown(node)

    def _attribute(self, name: str) -> Module | None:
        """What the class gives its attribute, in one place; None where it is no module."""
        found = [
            value
            for statement in ast.walk(self.own[-1])
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            for part, value in _pairs(target, statement.value)
            if isinstance(part, ast.Attribute) and part.attr == name
        ]
        if not found:
            return None
        if len(found) > 1:
            raise NoPlace(f"'{name}' is made in several places")
        if not isinstance(found[0], ast.Call | ast.List | ast.ListComp):
            return None
        return _looped_over(self.reader.module(found[0]))


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """``a, b = 1, 2`` as two assignments."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        return list(zip(target.elts, value.elts, strict=True))
    return [(target, value)]


def _looped_over(module: Module) -> Module:
    """Modules of a plain list are called by the forward pass itself: nothing can be put between them in the list."""
    if isinstance(module, tuple):
        return tuple(_looped_over(part) for part in module)
    return (
        replace(module, container=None)
        if isinstance(module, Item) and isinstance(module.container, ast.List)
        else module
    )


def _documentation(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
