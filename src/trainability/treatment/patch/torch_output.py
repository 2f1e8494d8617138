"""Where a PyTorch source says what its output and its loss are."""

from __future__ import annotations

import ast
from typing import Final

from trainability.treatment.patch.calls import argument, removed, without
from trainability.treatment.patch.names import definition, followed, path_of, written, written_beside
from trainability.treatment.patch.network import Item
from trainability.treatment.patch.numbers import as_factor, literal
from trainability.treatment.patch.places import Training, only
from trainability.treatment.patch.source import Edit, NoPlace, Source
from trainability.treatment.patch.vocabulary import TORCH

LOSSES: Final = {
    "BCELoss": "binary", "BCEWithLogitsLoss": "binary", "CrossEntropyLoss": "classes", "NLLLoss": "classes",
    "binary_cross_entropy": "binary", "binary_cross_entropy_with_logits": "binary", "cross_entropy": "classes",
    "nll_loss": "classes",
}  # fmt: skip
"""Losses to what they are of; of all others it takes the targets to say what fits."""
OTHERS: Final = frozenset({
    "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "KLDivLoss", "PoissonNLLLoss", "SoftMarginLoss", "mse_loss",
    "l1_loss", "smooth_l1_loss", "huber_loss", "HingeEmbeddingLoss", "MultiMarginLoss", "MultiLabelSoftMarginLoss",
})  # fmt: skip
FITTING: Final = {
    "binary": ("BCEWithLogitsLoss", "binary_cross_entropy_with_logits"),
    "classes": ("CrossEntropyLoss", "cross_entropy"),
}


def output(at: Training, value: str) -> list[Edit]:
    """The last activation is taken out, and the loss is that of logits.

    Raises:
        NoPlace: loss and units do not tell whether the targets are classes, yes or no, or numbers.
    """
    named, call = _loss(at)
    name = (path_of(at.source, named) or "").rpartition(".")[2]
    task, network = LOSSES.get(name), at.network
    units = _units(network.output)
    if task is None or units is None or (task == "binary" and units != 1) or (task == "classes" and units < 2):
        raise NoPlace("which loss fits depends on the targets")
    if len(network.last) > 1 or any(item is not kept for item in network.last for kept in network.last):
        raise NoPlace("several activations follow the last layer")
    if any(id(item.node) in {id(hidden.node) for hidden in network.hidden} for item in network.last):
        raise NoPlace("the same activation is a hidden one and the last")
    edits = [edit for item in network.last for edit in _taken_out(at.source, item)]
    module, function = FITTING[task]
    wanted = f"torch.nn.{module}" if name[0].isupper() else f"torch.nn.functional.{function}"
    if path_of(at.source, named) != wanted:
        shown, more = written_beside(at.source, named, wanted)
        edits += [*more, Edit(at.source.start(named), at.source.end(named), shown)]
    return edits + ([] if call is None else without(at.source, call, "reduction"))


def _units(layer: Item | None) -> float | None:
    if layer is None or layer.name != "Linear" or not isinstance(layer.node, ast.Call):
        return None
    return literal(argument(layer.node, 1, "out_features"))


def _loss(at: Training) -> tuple[ast.expr, ast.Call | None]:
    """What names the loss, and its call; only where nothing else is done with what it is given and gives."""
    kinds = LOSSES | dict.fromkeys(OTHERS, "")
    known = {f"torch.nn.{name}" for name in kinds} | {f"torch.nn.functional.{name}" for name in kinds}
    if at.function is not None:
        loss = _body(at.source, followed(at.source, at.field("loss")))
        if path_of(at.source, loss) in known:  # loss=F.binary_cross_entropy
            return loss, None
        if not (isinstance(loss, ast.Call) and path_of(at.source, loss.func) in known):
            raise NoPlace("the loss is more than one of PyTorch's")
    else:
        every = [node for node in ast.walk(at.source.tree) if isinstance(node, ast.Call)]
        loss = only([node for node in every if path_of(at.source, node.func) in known], "losses")
    if {keyword.arg for keyword in loss.keywords} - {"reduction"} or len(loss.args) > 2:
        raise NoPlace("the loss has settings of its own")
    inside = [path_of(at.source, n.func) or getattr(n.func, "attr", "") for a in loss.args for n in ast.walk(a)
              if isinstance(n, ast.Call)]  # fmt: skip
    if any(one in TORCH.functions or one in TORCH.methods for one in inside):
        raise NoPlace("the loss has an activation of its own")
    return loss.func, loss


def _body(source: Source, loss: ast.expr) -> ast.expr:
    """What a lambda, or a function of the source that is one ``return``, gives back; else the expression."""
    if isinstance(loss, ast.Lambda):
        return loss.body
    if isinstance(loss, ast.Name):
        found = definition(source, loss)[1]
        if len(found) == 1 and isinstance(found[0], ast.FunctionDef):
            body = [statement for statement in found[0].body if not isinstance(statement, ast.Expr)]
            if len(body) == 1 and isinstance(body[0], ast.Return) and body[0].value is not None:
                return body[0].value
    return loss


def _taken_out(source: Source, item: Item) -> list[Edit]:
    node = item.node
    if not item.function:
        if item.container is not None:
            return removed(source, item.container, item.index)
        shown, edits = written(source, "torch.nn.Identity", node)
        return [*edits, Edit(source.start(node), source.end(node), f"{shown}()")]
    assert isinstance(node, ast.Call)
    if path_of(source, node.func) is None:
        assert isinstance(node.func, ast.Attribute)
        return [Edit(source.end(node.func.value), source.end(node), "")]
    if len(node.args) != 1 and not isinstance(node.args[0], ast.Name | ast.Call):
        raise NoPlace("the last activation has several arguments")
    inner = node.args[0]
    outer = source.parents[node]
    bare = isinstance(outer, ast.Return | ast.Assign) and "\n" not in source.segment(inner)
    return [Edit(source.start(node), source.end(node), source.segment(inner) if bare else as_factor(source, inner))]
