"""Edits at hidden layers that every framework shares."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Final

from trainability.treatment.patch.calls import after, argument, given
from trainability.treatment.patch.names import written_beside
from trainability.treatment.patch.network import Item
from trainability.treatment.patch.numbers import number, replaced
from trainability.treatment.patch.places import Training
from trainability.treatment.patch.source import Edit, NoPlace, Source
from trainability.treatment.patch.vocabulary import VOCABULARIES

_DROPOUTS: Final = {"torch": "torch.nn.Dropout", "keras": "keras.layers.Dropout"}
"""Those that are inserted; NNX's takes a source of random numbers."""
_FUNCTIONS: Final = ("torch.nn.functional.dropout", "torch.dropout")


def flat(edits: Iterable[list[Edit]]) -> list[Edit]:
    """All in one list."""
    return [edit for some in edits for edit in some]


def behind(source: Source, item: Item, path: str, arguments: str) -> list[Edit]:
    if item.container is None:
        raise NoPlace("a hidden layer stands where nothing can be put behind it")
    function = item.node.func if isinstance(item.node, ast.Call) else item.node
    shown, edits = written_beside(source, function, path)
    return [*edits, *after(source, item.container, item.index, f"{shown}({arguments})")]


def dropout(at: Training, value: float) -> list[Edit]:
    """The rate of every dropout of the model; where there is none, one behind every hidden activation."""
    found, text = at.network.dropouts, number(value)
    edits: list[Edit] = []
    for item in found:
        assert isinstance(item.node, ast.Call)
        name = next(iter(VOCABULARIES[at.framework].dropouts.values()))
        rate = argument(item.node, 0, name)
        edits += given(at.source, item.node, 0, name, text) if rate is None else replaced(at.source, rate, value)
    if found:
        return edits
    if any(at.calls(path) for path in _FUNCTIONS):
        raise NoPlace("dropout is called as a function here")
    if value == 0:
        return []
    if at.framework not in _DROPOUTS:
        raise NoPlace("a dropout takes a source of random numbers")
    hidden, bare = at.hidden()
    return flat(behind(at.source, item, _DROPOUTS[at.framework], text) for item in (*hidden, *bare))


def before_activation(at: Training) -> list[tuple[Item, Item]]:
    """Hidden layers with their activations; the layer itself where it has none.

    Raises:
        NoPlace: units may have changed their place in between, or an activation is that of several layers.
    """
    hidden, bare = at.hidden()
    found = {id(item.node) for item in hidden}
    places = {id(layer.node): (layer, layer) for layer in bare}
    for layer, item, reshaped in at.network.pairs:
        if id(item.node) in found:
            if reshaped or id(item.node) in places:
                raise NoPlace("how many units reach a hidden activation is not seen")
            places[id(item.node)] = (layer, item)
    return list(places.values())
