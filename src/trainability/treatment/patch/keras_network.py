"""Where a Keras source says what its model is: activations, output and loss, normalisation, first weights."""

from __future__ import annotations

import ast
from typing import Final

from trainability.core.errors import UsageError
from trainability.treatment.patch.calls import after, argument, before, given, taken_out
from trainability.treatment.patch.hidden import before_activation, flat
from trainability.treatment.patch.names import followed, path_of, written_beside
from trainability.treatment.patch.network import Item
from trainability.treatment.patch.numbers import literal
from trainability.treatment.patch.places import Training
from trainability.treatment.patch.source import Edit, NoPlace, Source

FITTING: Final = {
    "binary_crossentropy": "sigmoid", "categorical_crossentropy": "softmax",
    "sparse_categorical_crossentropy": "softmax",
}  # fmt: skip
"""Losses to the activation whose answers they take; of all others it takes the targets to say what fits."""


def activation(at: Training, value: str) -> list[Edit]:
    """Every hidden activation, and one for every hidden layer that has none."""
    found, bare = at.hidden()
    edits = [_swapped(at.source, item, value) for item in found]
    return flat(edits + [_given(at, item, value) for item in bare])


def _given(at: Training, layer: Item, value: str) -> list[Edit]:
    assert isinstance(layer.node, ast.Call)
    return given(at.source, layer.node, None, "activation", f'"{value}"')


def _swapped(source: Source, item: Item, value: str) -> list[Edit]:
    node = item.node
    if item.function:
        assert isinstance(node, ast.Call)
        if len(node.args) + len(node.keywords) > 1:
            raise NoPlace("an activation has settings of its own")
        shown, edits = written_beside(source, node.func, f"keras.activations.{value}")
        return [*edits, Edit(source.start(node.func), source.end(node.func), shown)]
    if isinstance(node, ast.Call):
        shown, edits = written_beside(source, node.func, "keras.layers.Activation")
        return [*edits, Edit(source.start(node), source.end(node), f'{shown}("{value}")')]
    quote = source.segment(node)[0] if isinstance(node, ast.Constant) else '"'
    return [Edit(source.start(node), source.end(node), f"{quote}{value}{quote}")]


def output(at: Training, value: str) -> list[Edit]:
    """The last activation becomes the one whose answers the loss takes; what reads them reads probabilities as before.

    Raises:
        NoPlace: loss and units do not tell what the targets are.
    """
    stands = at.field("loss") if at.function is not None else argument(at.compiled, 1, "loss")
    if stands is None or at.network.output is None or len(at.network.last) > 1:
        raise NoPlace("which loss fits depends on the targets")
    name, logits = _loss(at, followed(at.source, stands))
    layer, last = at.network.output, at.network.last
    assert isinstance(layer.node, ast.Call)
    units = literal(argument(layer.node, 0, "units")) if layer.name == "Dense" else None
    one_of_classes = name != "binary_crossentropy" and units == 1
    if units is None or (name == "binary_crossentropy" and units != 1):
        raise NoPlace("which loss fits depends on the targets")
    edits: list[Edit] = []
    if one_of_classes:  # a softmax over one unit is 1 whatever it gets
        if not isinstance(stands, ast.Constant):
            raise NoPlace("one output unit cannot tell classes apart by this loss")
        edits.append(Edit(at.source.start(stands), at.source.end(stands), '"binary_crossentropy"'))
        name = "binary_crossentropy"
    wanted = "linear" if logits else FITTING[name]
    if [item.name for item in last] == [wanted] or (wanted == "linear" and not last):
        return edits
    if any(item.node in {hidden.node for hidden in at.network.hidden} for item in last):
        raise NoPlace("the same activation is a hidden one and the last")
    return edits + (_swapped(at.source, last[0], wanted) if last else _given(at, layer, wanted))


def _loss(at: Training, loss: ast.expr) -> tuple[str, bool]:
    """The loss as a string names it, and whether it takes logits."""
    if isinstance(loss, ast.Constant) and loss.value in FITTING:
        return str(loss.value), False
    path = path_of(at.source, loss.func) if isinstance(loss, ast.Call) else None
    known = {f"keras.losses.{''.join(w.title() for w in name.split('_'))}": name for name in FITTING}
    if path not in known or not isinstance(loss, ast.Call):
        raise NoPlace("which loss fits depends on the targets")
    said = argument(loss, 0, "from_logits")
    return known[path], isinstance(said, ast.Constant) and said.value is True


def normalize(at: Training, value: str) -> list[Edit]:
    """A layer of normalisation before every hidden activation, which becomes a layer of its own."""
    edits: list[Edit] = []
    for layer, item in before_activation(at):
        assert isinstance(layer.node, ast.Call)
        if layer.container is None or item.container is None or item.function:
            raise NoPlace("a hidden layer stands where nothing can be put behind it")
        name = "BatchNormalization()" if value == "batch" else "LayerNormalization()"
        if value == "layer" and layer.name != "Dense":
            name = "GroupNormalization(1)"
        shown, more = written_beside(at.source, layer.node.func, f"keras.layers.{name.partition('(')[0]}")
        edits += more
        shown += name[name.index("(") :]
        if item is layer or (layer.container, layer.index) == (item.container, item.index):
            if item is not layer:
                edits += taken_out(at.source, layer.node, item.node)
                own, more = written_beside(at.source, layer.node.func, "keras.layers.Activation")
                edits += more
                shown += f", {own}({at.source.segment(item.node)})"
            edits += after(at.source, layer.container, layer.index, shown)
        else:
            edits += before(at.source, item.container, item.index, shown)
    return edits


def initialize(at: Training, value: str) -> list[Edit]:
    """``kernel_initializer`` of every layer, and ``bias_initializer`` where theory draws biases."""
    return initializers(at, "keras", "kernel_initializer", "bias_initializer")


def initializers(at: Training, library: str, kernel: str, bias: str) -> list[Edit]:
    """Initialisers at the critical gain, a new one for every layer."""
    from trainability.theory.phases import recommended

    hidden, _ = at.hidden()
    name = hidden[0].name if hidden else "linear"
    try:
        biased = recommended(name).sigma_b > 0
    except UsageError as error:
        raise NoPlace(str(error)) from None
    edits: list[Edit] = []
    for layer in at.network.layers:
        if not isinstance(layer.node, ast.Call):
            raise NoPlace("a layer is not made where it is seen")
        function, more = written_beside(at.source, layer.node.func, "trainability.init_")
        edits += more + given(at.source, layer.node, None, kernel, f'{function}("{library}", activation="{name}")')
        if biased:
            text = f'{function}("{library}", activation="{name}", part="bias")'
            edits += given(at.source, layer.node, None, bias, text)
    return edits


def wiring(at: Training, value: str) -> list[Edit]:
    """``trainable = False`` becomes True."""
    said = [
        node.value
        for node in ast.walk(at.source.tree)
        if (isinstance(node, ast.keyword) and node.arg == "trainable")
        or (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Attribute)
            and node.targets[0].attr == "trainable"
        )
    ]
    edits = [
        Edit(at.source.start(node), at.source.end(node), "True")
        for node in said
        if isinstance(node, ast.Constant) and node.value is False
    ]
    if not edits:
        raise NoPlace("what keeps parameters from training is not seen")
    return edits
