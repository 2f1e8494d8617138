"""What is done to a loss on its way to what is minimised: whether it is negated, and whether something is added."""

from __future__ import annotations

from typing import Final

import torch

from trainability.adapters.torch.trace import Operation

NEGLIGIBLE: Final = 0.1
"""Share of the whole that may be added to a loss without it counting as another."""
_POWERS: Final = ("pow", "pow_", "__pow__", "float_power")
_EVEN: Final = ("square", "square_", "abs", "abs_", "absolute", "__abs__", "norm", "linalg_norm", "linalg_vector_norm")
_LINEAR: Final = frozenset({
    "add", "iadd", "radd", "sub", "isub", "rsub", "mul", "imul", "rmul", "div", "truediv", "itruediv", "neg", "sum",
    "mean", "view", "reshape", "flatten", "squeeze", "unsqueeze", "to", "float", "double", "half",
})  # fmt: skip


def negated(operations: list[Operation], loss: Operation) -> bool:
    """Whether the loss's sign was turned on the way to what is minimised."""
    carried, turned = {id(loss.output)}, False
    for operation in operations[operations.index(loss) + 1 :]:
        tensors = [id(tensor) for tensor in operation.tensors()]
        if carried.isdisjoint(tensors):  # of what is added to it
            continue
        turned ^= _turns(operation, first=not carried.isdisjoint(tensors[:1]))
        carried.add(id(operation.output))
    return turned


def negated_square(operations: list[Operation], difference: Operation) -> bool:
    """Whether what grows with a difference's size is negated, and only added up and multiplied by numbers besides."""
    carried, squared, turned = {id(difference.output)}, False, False
    for operation in operations[operations.index(difference) + 1 :]:
        tensors = [id(tensor) for tensor in operation.tensors()]
        if carried.isdisjoint(tensors):
            continue
        carried.add(id(operation.output))
        if not squared:
            power = operation.name in _POWERS and operation.arguments[-1] in (2, 4)
            itself = operation.name in ("mul", "__mul__") and len(tensors) == 2 and tensors[0] == tensors[1]
            squared = power or itself or operation.name in _EVEN
            continue
        plus = operation.name.strip("_") in ("add", "iadd", "radd", "sub", "isub", "rsub")
        if operation.name.strip("_") not in _LINEAR or (len(tensors) > 1 and not plus):
            return False
        turned ^= _turns(operation, first=not carried.isdisjoint(tensors[:1]))
    return squared and turned


def added_to(operations: list[Operation], loss: Operation) -> bool:
    """Whether something else that is trained, and no small part of it, is added to the loss on its way.

    A penalty on weights is nothing else: the best constant answer needs none.
    """
    carried = {id(loss.output): loss.output}
    penalties = _of_weights_alone(operations)
    for operation in operations[operations.index(loss) + 1 :]:
        tensors = list(operation.tensors())
        mine = [tensor for tensor in tensors if id(tensor) in carried]
        if not mine:
            continue
        output = operation.output
        other = any(t.requires_grad and id(t) not in carried and id(t) not in penalties for t in tensors)
        if other and output.numel() == mine[0].numel() == 1:
            whole, part = float(output.detach()), float(mine[0].detach())
            if not abs(whole - part) <= NEGLIGIBLE * abs(whole):
                return True
        carried[id(output)] = output
    return False


def _of_weights_alone(operations: list[Operation]) -> set[int]:
    """Ids of what was made from parameters and numbers, and nothing else."""
    found: set[int] = set()
    for operation in operations:
        tensors = list(operation.tensors())
        if tensors and all(isinstance(t, torch.nn.Parameter) or id(t) in found for t in tensors):
            found.add(id(operation.output))
    return found


def _turns(operation: Operation, first: bool) -> bool:
    """Whether the operation changes the sign of its first input, or of the other."""
    name = operation.name.strip("_")
    if name in ("sub", "isub", "rsub"):
        return first == (name == "rsub")
    negative = any(isinstance(value, int | float) and value < 0 for value in operation.arguments)
    return name == "neg" or (name in ("mul", "imul", "rmul", "div", "truediv", "itruediv") and negative)
