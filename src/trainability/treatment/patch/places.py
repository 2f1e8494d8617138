"""Where a source says what is trained: the recipe, the optimiser, the model, the loss, the loop."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from trainability.adapters.framework import Framework
from trainability.treatment.patch.calls import argument
from trainability.treatment.patch.names import definition, followed, path_of, scope_of
from trainability.treatment.patch.network import Item, Network
from trainability.treatment.patch.running import network_of
from trainability.treatment.patch.source import NoPlace, Source
from trainability.treatment.patch.vocabulary import ACROSS, VOCABULARIES

FIELDS: Final = ("model", "loss", "optimizer", "train", "validation", "epochs", "batch_size", "metric")
"""Of `trainability.Recipe`, in their order."""
OPTAX: Final = frozenset({
    "adam", "adamw", "sgd", "rmsprop", "adagrad", "nadam", "nadamw", "lion", "lamb", "lars", "radam", "adamax",
    "adamaxw", "adabelief", "adafactor", "adadelta", "yogi", "novograd", "amsgrad", "adan", "fromage", "sm3",
})  # fmt: skip
"""Optimisers of optax; its other functions make losses, schedules and parts."""


class Training:
    """The places of one source, each looked up when it is asked for.

    Args:
        function: the recipe's name, where the source is that of a recipe.

    Raises:
        NoPlace: by its methods: there is none, or there are several.
    """

    def __init__(self, source: Source, framework: Framework, function: str | None):
        self.source, self.function = source, function
        self.framework: Framework = framework
        self._network: Network | None = None
        self._own: set[ast.AST] = set()

    def calls(self, path: str) -> list[ast.Call]:
        """Every call of what has this full path."""
        every = [node for node in ast.walk(self.source.tree) if isinstance(node, ast.Call)]
        return [node for node in every if path_of(self.source, node.func) == path]

    def methods(self, name: str) -> list[ast.Call]:
        """Every call ``something.name(…)``."""
        every = [node for node in ast.walk(self.source.tree) if isinstance(node, ast.Call)]
        return [node for node in every if isinstance(node.func, ast.Attribute) and node.func.attr == name]

    def trainings(self) -> list[ast.Call]:
        """Calls of ``backward``, and of functions of the source that call it."""
        found = self.methods("backward")
        defined = [node for node in self.source.tree.body if isinstance(node, ast.FunctionDef)]
        names = {one.name for one in defined if not set(found).isdisjoint(ast.walk(one))}
        every = [node for node in ast.walk(self.source.tree) if isinstance(node, ast.Call)]
        return found + [call for call in every if isinstance(call.func, ast.Name) and call.func.id in names]

    @property
    def body(self) -> ast.FunctionDef:
        """The recipe's function."""
        found = [n for n in self.source.tree.body if isinstance(n, ast.FunctionDef) and n.name == self.function]
        if len(found) != 1:
            raise NoPlace(f"'{self.function}' is not one function of this file")
        return found[0]

    @property
    def recipe(self) -> ast.Call:
        """``Recipe(…)`` in the recipe's function, or in the function whose answer that one returns."""
        calls = [*self.calls("trainability.Recipe"), *self.calls("trainability.core.recipe.Recipe")]
        returned = self._helper(self._returned)
        for where in (self.body, *([returned] if returned else [])):
            inside = set(ast.walk(where))
            found = [call for call in calls if call in inside]
            if found:
                return only(found, f"calls of Recipe in '{self.function}'")
        raise NoPlace(f"there is no call of Recipe in '{self.function}'")

    @property
    def _returned(self) -> ast.AST:
        """What the recipe's function returns in its one ``return``, else the function."""
        returns = [node.value for node in ast.walk(self.body) if isinstance(node, ast.Return)]
        return (returns[0] if len(returns) == 1 else None) or self.body

    def field(self, name: str) -> ast.expr:
        """What the recipe is given for one of `FIELDS`."""
        value = argument(self.recipe, FIELDS.index(name), name)
        if value is None:
            raise NoPlace(f"the recipe's {name} is not given by name or place")
        return value

    @property
    def optimizer(self) -> ast.Call:
        """The call that makes the optimiser; Keras' may be a string and is looked up elsewhere."""
        where: ast.AST = self.source.tree
        if self.function is not None:
            where = followed(self.source, self.field("optimizer"))
            helper = self._helper(where)
            where = where if helper is None else helper
        found = [node for node in ast.walk(where) if isinstance(node, ast.Call) and self._optimizes(node)]
        return only(found, "optimisers")

    def _helper(self, call: ast.AST) -> ast.FunctionDef | None:
        """The function of the source that is called."""
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            found = definition(self.source, call.func)[1]
            if len(found) == 1 and isinstance(found[0], ast.FunctionDef):
                return found[0]
        return None

    def handed(self, node: ast.expr) -> ast.expr:
        """The node, or what this recipe hands over for it where it is the argument of a function of the source.

        Raises:
            NoPlace: it stands in what serves other recipes too.
        """
        if self.function is not None:
            for call in (followed(self.source, self.field("optimizer")), self._returned):
                helper = self._helper(call)
                names = [a.arg for a in helper.args.args] if helper else []
                inside = isinstance(node, ast.Name) and definition(self.source, node)[0] is helper
                if isinstance(call, ast.Call) and isinstance(node, ast.Name) and inside and node.id in names:
                    node = argument(call, names.index(node.id), node.id) or node
        self.own(node)
        return node

    def own(self, node: ast.AST) -> None:
        """NoPlace where the node is part of what serves other recipes too."""
        if not self.owns(node):
            raise NoPlace("the place serves other recipes too")

    def _optimizes(self, call: ast.Call) -> bool:
        home, _, name = (path_of(self.source, call.func) or "").rpartition(".")
        return home == "torch.optim" if self.framework == "torch" else home == "optax" and name in OPTAX

    @property
    def model(self) -> ast.expr:
        """The expression that is the model, as a name where it has one."""
        if self.function is not None:
            return self.field("model")
        if self.framework == "keras":
            assert isinstance(self.compiled.func, ast.Attribute)
            return self.compiled.func.value
        if self.framework == "torch":
            held = parameters_of(self.source, argument(self.optimizer, 0, "params"))
            if held is not None:
                return held
        if self.framework == "flax":
            made = only(self.calls("flax.nnx.Optimizer"), "optimisers of NNX")
            return argument(made, 0, "model") or made
        raise NoPlace("which model the optimiser trains is not seen")

    @property
    def network(self) -> Network:
        """What the model does."""
        if self._network is None:
            self._network = network_of(self.source, VOCABULARIES[self.framework], self.model, self.owns)
        return self._network

    def owns(self, node: ast.AST) -> bool:
        """Whether a place serves this recipe alone; all of a script serves its one model."""
        outermost = self._outermost(node)
        if self.function is None or not isinstance(outermost, ast.ClassDef | ast.FunctionDef):
            return True
        if not self._own:
            self._own.add(self.body)
            users = self._users()
            for _ in users:  # what only serves what is its own is its own too
                self._own |= {one for one, by in users.items() if by and by <= self._own | {one}}
        return outermost in self._own

    def _users(self) -> dict[ast.AST, set[ast.AST]]:
        """Functions and classes of the module to the statements of it that name them."""
        by_name: dict[str, set[ast.AST]] = {}
        for node in ast.walk(self.source.tree):
            if isinstance(node, ast.Name):
                by_name.setdefault(node.id, set()).add(self._outermost(node))
        body = self.source.tree.body
        return {one: by_name.get(one.name, set()) for one in body if isinstance(one, ast.ClassDef | ast.FunctionDef)}

    def _outermost(self, node: ast.AST) -> ast.AST:
        while not isinstance(self.source.parents.get(node, self.source.tree), ast.Module):
            node = self.source.parents[node]
        return node

    def hidden(self) -> tuple[list[Item], list[Item]]:
        """Activations of hidden layers, and hidden layers that have none.

        Raises:
            NoPlace: there are neither, or one of them is also the output's.
        """
        network = self.network
        found = [item for item in network.hidden if item.name not in ACROSS]
        ends = {id(item.node) for item in (*network.last, *([network.output] if network.output else []))}
        if any(id(item.node) in ends for item in (*found, *network.bare)):
            raise NoPlace("the same module is a hidden one and the last")
        if not found and not network.bare:
            raise NoPlace("the model has no hidden layer")
        return found, network.bare

    @property
    def compiled(self) -> ast.Call:
        """``model.compile(…)`` of a Keras script."""
        found = [call for call in self.methods("compile") if path_of(self.source, call.func) is None]
        return only(found, "calls of compile")

    def visible(self, node: ast.expr, place: ast.AST) -> bool:
        """Whether a name means the same at another place: in the same function or in the module."""
        scope = scope_of(self.source, node)
        return isinstance(node, ast.Name) and scope is scope_of(self.source, place)


def parameters_of(source: Source, held: ast.expr | None) -> ast.expr | None:
    """``model`` where an optimiser holds ``model.parameters()``."""
    held = None if held is None else followed(source, held)
    if isinstance(held, ast.Call) and isinstance(held.func, ast.Name) and held.func.id == "list" and held.args:
        held = held.args[0]
    if isinstance(held, ast.Call) and isinstance(held.func, ast.Attribute) and held.func.attr == "parameters":
        return held.func.value
    return None


def only(found: Sequence[ast.Call], what: str) -> ast.Call:
    """The one that there is."""
    if len(found) != 1:
        raise NoPlace(f"there are {len(found)} {what}" if found else f"there are no {what}")
    return found[0]
