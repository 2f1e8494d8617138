"""Where a source says what is trained: the recipe, the optimiser, the model, the loss, the loop."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from trainability.treatment.patch.calls import argument
from trainability.treatment.patch.names import followed, path_of, scope_of
from trainability.treatment.patch.network import Item, Network
from trainability.treatment.patch.running import network_of
from trainability.treatment.patch.source import NoPlace, Source
from trainability.treatment.patch.vocabulary import ACROSS, VOCABULARIES, Framework

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

    def calls(self, path: str) -> list[ast.Call]:
        """Every call of what has this full path."""
        every = [node for node in ast.walk(self.source.tree) if isinstance(node, ast.Call)]
        return [node for node in every if path_of(self.source, node.func) == path]

    def methods(self, name: str) -> list[ast.Call]:
        """Every call ``something.name(…)``."""
        every = [node for node in ast.walk(self.source.tree) if isinstance(node, ast.Call)]
        return [node for node in every if isinstance(node.func, ast.Attribute) and node.func.attr == name]

    @property
    def body(self) -> ast.FunctionDef:
        """The recipe's function."""
        found = [n for n in self.source.tree.body if isinstance(n, ast.FunctionDef) and n.name == self.function]
        if len(found) != 1:
            raise NoPlace(f"'{self.function}' is not one function of this file")
        return found[0]

    @property
    def recipe(self) -> ast.Call:
        """``Recipe(…)`` in the recipe's function."""
        inside = set(ast.walk(self.body))
        found = [call for call in self.calls("trainability.Recipe") if call in inside]
        found += [call for call in self.calls("trainability.core.recipe.Recipe") if call in inside]
        return only(found, f"calls of Recipe in '{self.function}'")

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
        found = [node for node in ast.walk(where) if isinstance(node, ast.Call) and self._optimizes(node)]
        return only(found, "optimisers")

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
            self._network = network_of(self.source, VOCABULARIES[self.framework], self.model, self.private)
        return self._network

    def private(self, definition: ast.ClassDef | ast.FunctionDef) -> bool:
        """Whether a class or function serves this recipe alone; all of a script's serve its one model."""
        if self.function is None:
            return True
        own: set[ast.AST] = {self.body}
        definitions = [n for n in self.source.tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)]
        for _ in definitions:  # what only serves what is its own is its own too
            own |= {one for one in definitions if self._only_in(one, own)}
        return definition in own or not isinstance(self.source.parents[definition], ast.Module)

    def _only_in(self, definition: ast.ClassDef | ast.FunctionDef, own: set[ast.AST]) -> bool:
        names = [n for n in ast.walk(self.source.tree) if isinstance(n, ast.Name) and n.id == definition.name]
        return bool(names) and all(self._outermost(name) in own | {definition} for name in names)

    def _outermost(self, node: ast.AST) -> ast.AST:
        while not isinstance(self.source.parents[node], ast.Module):
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
