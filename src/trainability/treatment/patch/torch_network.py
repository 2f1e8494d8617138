"""Where a PyTorch source says what its model is: activations, dropout, normalisation, first weights."""

from __future__ import annotations

import ast
from typing import Final

from trainability.treatment.patch.calls import argument, before
from trainability.treatment.patch.hidden import before_activation, behind, flat
from trainability.treatment.patch.names import path_of, scope_of, written, written_beside
from trainability.treatment.patch.network import Item
from trainability.treatment.patch.places import Training
from trainability.treatment.patch.source import Edit, NoPlace, Source

CLASSES: Final = {
    "relu": "ReLU", "leaky_relu": "LeakyReLU", "elu": "ELU", "gelu": "GELU", "silu": "SiLU", "tanh": "Tanh",
    "sigmoid": "Sigmoid",
}  # fmt: skip
"""Of ``torch.nn``, with the settings that they come with."""
PLAIN_FUNCTIONS: Final = {"tanh": "torch.tanh", "sigmoid": "torch.sigmoid"}
"""Those that ``torch`` itself has; the others are of ``torch.nn.functional``."""


def activation(at: Training, value: str) -> list[Edit]:
    """Every hidden activation, and one behind every hidden layer that has none."""
    found, bare = at.hidden()
    path = f"torch.nn.{CLASSES[value]}"
    edits = [_swapped(at.source, item, value) for item in found]
    return flat(edits + [behind(at.source, item, path, "") for item in bare])


def _swapped(source: Source, item: Item, value: str) -> list[Edit]:
    node = item.node
    path = PLAIN_FUNCTIONS.get(value, f"torch.nn.functional.{value}")
    if not item.function:
        if isinstance(node, ast.Call):
            shown, edits = written_beside(source, node.func, f"torch.nn.{CLASSES[value]}")
            return [*edits, Edit(source.start(node), source.end(node), f"{shown}()")]
        shown, edits = written_beside(source, node, path)
        return [*edits, Edit(source.start(node), source.end(node), shown)]
    assert isinstance(node, ast.Call)
    if path_of(source, node.func) is None:  # a method: x.relu()
        assert isinstance(node.func, ast.Attribute)
        inner = node.func.value
        shown, edits = written(source, path, node)
        opening = Edit(source.start(node), source.start(node), f"{shown}(")
        return [*edits, opening, Edit(source.end(inner), source.end(node), ")")]
    shown, edits = written_beside(source, node.func, path)
    edits = [*edits, Edit(source.start(node.func), source.end(node.func), shown)]
    if len(node.args) + len(node.keywords) > 1:  # settings of the function that was there
        edits.append(Edit(source.end(node.args[0]), source.end(node) - 1, ""))
    return edits


def normalize(at: Training, value: str) -> list[Edit]:
    """Normalisation before every hidden activation, or behind a hidden layer that has none."""
    edits: list[Edit] = []
    for layer, item in before_activation(at):
        name, arguments = _normalization(at.source, layer, item, value)
        if item is layer:
            edits += behind(at.source, item, f"torch.nn.{name}", arguments)
        elif item.container is None or item.function:
            raise NoPlace("a hidden activation stands where nothing can be put before it")
        else:
            assert isinstance(layer.node, ast.Call)
            shown, more = written_beside(at.source, layer.node.func, f"torch.nn.{name}")
            edits += [*more, *before(at.source, item.container, item.index, f"{shown}({arguments})")]
    return edits


def _normalization(source: Source, layer: Item, item: Item, value: str) -> tuple[str, str]:
    """Class and arguments of what normalises a layer's answer."""
    assert isinstance(layer.node, ast.Call)
    units = argument(layer.node, 1, "out_features" if layer.name == "Linear" else "out_channels")
    if not isinstance(units, ast.Constant) and not (
        isinstance(units, ast.Name) and scope_of(source, units) is scope_of(source, item.node)
    ):
        raise NoPlace("how many units reach a hidden activation is not seen")
    text = source.segment(units)
    if value == "layer":
        return ("LayerNorm", text) if layer.name == "Linear" else ("GroupNorm", f"1, {text}")
    return f"BatchNorm{'1d' if layer.name == 'Linear' else layer.name[-2:]}", text


def initialize(at: Training, value: str) -> list[Edit]:
    """A line after the model is made: before the recipe's ``return``, or before the optimiser is made."""
    hidden, _ = at.hidden()
    activation = hidden[0].name if hidden else "linear"
    model = at.model
    place = at.source.statement(at.recipe if at.function is not None else at.optimizer)
    if not (isinstance(model, ast.Name) and at.visible(model, place)):
        raise NoPlace("the model has no name")
    function, edits = written(at.source, "trainability.init_", model)
    generator = ""
    if at.function is not None and at.body.args.args:
        torch, more = written(at.source, "torch.Generator", model)
        generator = f", generator={torch}().manual_seed({at.body.args.args[0].arg})"
        edits += more
    text = f'{function}("torch", {model.id}, activation="{activation}"{generator})'
    return [*edits, at.source.line_before(place, text)]
