"""Where a source says what is trained: the recipe, the optimiser, the model, the loss, the loop."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from trainability.treatment.patch.calls import argument
from trainability.treatment.patch.names import followed, path_of, scope_of
from trainability.treatment.patch.network import Network
from trainability.treatment.patch.running import network_of
from trainability.treatment.patch.source import NoPlace, Source
from trainability.treatment.patch.vocabulary import VOCABULARIES, Framework

FIELDS: Final = ("model", "loss", "optimizer", "train", "validation", "epochs", "batch_size", "metric")
"""Of `trainability.Recipe`, in their order."""
_HOMES: Final = {"torch": "torch.optim.", "keras": "keras.optimizers.", "flax": "optax."}
_NO_OPTIMIZERS: Final = ("apply_updates", "chain", "clip_by_global_norm", "clip", "softmax_cross_entropy",
                  "softmax_cross_entropy_with_integer_labels", "sigmoid_binary_cross_entropy", "l2_loss",
                  "add_decayed_weights", "squared_error", "huber_loss", "scale", "apply_if_finite", "MultiSteps")  # fmt: skip


class Training:
    """The places of one source, each looked up when it is asked for.

    Args:
        function: the recipe's name, where the source is that of a recipe.

    Raises:
        NoPlace: by its methods: there is none, or there are several.
    """

    def __init__(self, source: Source, framework: Framework, function: str | None):
        self.source, self.framework, self.function = source, framework, function
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
        """The call that makes the optimiser."""
        home = _HOMES[self.framework]
        if self.function is not None:
            made = followed(self.source, self.field("optimizer"))
            if isinstance(made, ast.Call) and (path_of(self.source, made.func) or "").startswith(home):
                return made
            raise NoPlace("what makes the recipe's optimiser is not seen")
        every = [node for node in ast.walk(self.source.tree) if isinstance(node, ast.Call)]
        paths = [(path_of(self.source, node.func) or "", node) for node in every]
        found = [
            node
            for path, node in paths
            if path.startswith(home) and path.count(".") == home.count(".") and path.split(".")[-1] not in _NO_OPTIMIZERS
        ]
        return only(found, "optimisers")

    @property
    def model(self) -> ast.expr:
        """The expression that is the model, as a name where it has one."""
        if self.function is not None:
            return self.field("model")
        if self.framework == "keras":
            compiled = only(self.methods("compile"), "calls of compile")
            assert isinstance(compiled.func, ast.Attribute)
            return compiled.func.value
        if self.framework == "torch":
            held = parameters_of(self.source, argument(self.optimizer, 0, "params"))
            if held is not None:
                return held
        raise NoPlace("which model the optimiser trains is not seen")

    @property
    def network(self) -> Network:
        """What the model does."""
        if self._network is None:
            self._network = network_of(self.source, VOCABULARIES[self.framework], self.model)
        return self._network

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
