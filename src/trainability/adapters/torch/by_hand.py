"""Losses that are written by hand: what they compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch

from trainability.adapters.torch.trace import Operation
from trainability.core.chart import LossKind

_MINUS: Final = ("sub", "__sub__", "rsub", "__rsub__")
_GUARDS: Final = ("add", "__add__", "__radd__", "clamp", "clip", "clamp_min", "maximum")
"""What keeps a logarithm from 0."""
_RETELLING: Final = (
    "one_hot", "float", "double", "long", "to", "unsqueeze", "view", "reshape", "where", "lt", *_MINUS,
)  # fmt: skip
"""What a target goes through: the number of a class as a row of one 1, or from the end if negative, y as 1 − y."""

_MEETING: Final = ("mul", "__mul__", "__rmul__", "__getitem__", "gather", "take_along_dim")


@dataclass(frozen=True, eq=False)
class ByHand:
    """Name and kind as in `core.chart.LossFacts`; the tensors that are compared, and by which operation."""

    name: str
    kind: LossKind
    output: torch.Tensor
    target: torch.Tensor
    place: Operation


def by_hand(operations: list[Operation]) -> ByHand | None:
    """The last logarithm of a probability that meets a target, or the last difference of an answer and a target."""
    # Some answer with what they were given, as ``y.float()`` does for floats: such a tensor was made before.
    made = {id(one.output): one for one in operations if all(one.output is not given for given in one.tensors())}
    for place, operation in reversed(list(enumerate(operations))):
        if operation.name in ("log", "log_softmax"):
            target = _met(operations[place + 1 :], operation, made)
            if target is not None:
                return _logarithmic(operation, target, operations, made)
        tensors = list(operation.tensors()) if operation.name in _MINUS else []
        trained = [tensor for tensor in tensors if tensor.requires_grad]
        fixed = [tensor for tensor in tensors if not tensor.requires_grad]
        if len(trained) == 1 and len(fixed) == 1 and fixed[0].dim() > 0:
            return ByHand("custom", "regression", trained[0], fixed[0], operation)
    return None


def _logarithmic(
    operation: Operation, target: torch.Tensor, operations: list[Operation], made: dict[int, Operation]
) -> ByHand:
    if operation.name == "log_softmax":
        return ByHand("cross_entropy", "classes", operation.input, target, operation)
    probability, _ = _inside(operation, made)
    others = [_inside(one, made) for one in operations if one.name == "log"]
    if any(one is probability and turned for one, turned in others):
        return ByHand("bce", "binary", probability, target, operation)
    return ByHand("probabilities_cross_entropy", "classes", probability, target, operation)


def _inside(logarithm: Operation, made: dict[int, Operation]) -> tuple[torch.Tensor, bool]:
    """p of ``log(p + 1e-7)``, and of ``log(1 - p)``; whether it was the latter."""
    inside, turned = logarithm.input, False
    while (operation := made.get(id(inside))) is not None and operation.name in (*_GUARDS, *_MINUS):
        tensors = [tensor for tensor in operation.tensors() if tensor.requires_grad]
        if len(tensors) != 1 or any(tensor.dim() > 0 for tensor in operation.tensors() if tensor is not tensors[0]):
            break
        inside, turned = tensors[0], turned ^ (operation.name in _MINUS)
    return inside, turned


def _met(later: list[Operation], operation: Operation, made: dict[int, Operation]) -> torch.Tensor | None:
    """The data that logarithms are multiplied with or picked by, as handed in; nothing else may weigh them."""
    carried, found = {id(operation.output)}, None
    for one in later:
        tensors = list(one.tensors())
        if carried.isdisjoint(map(id, tensors)):
            continue
        carried.add(id(one.output))
        data = [tensor for tensor in tensors if not tensor.requires_grad and tensor.dim() > 0]
        if data and (found is not None or one.name not in _MEETING):
            return None
        found = _told(data[-1], made) if data else found
    return found


def _told(target: torch.Tensor, made: dict[int, Operation]) -> torch.Tensor:
    while (operation := made.get(id(target))) is not None and operation.name in _RETELLING:
        target = operation.input
    return target
