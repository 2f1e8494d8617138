"""Where the loss is in a traced forward pass, and what it got."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from trainability.adapters.loss import LossSeen
from trainability.adapters.torch.by_hand import by_hand
from trainability.adapters.torch.names import ACTIVATIONS, LOSSES, PASSING
from trainability.adapters.torch.trace import Operation


def see_loss(seen: LossSeen, root: torch.Tensor, operations: list[Operation]) -> np.ndarray | None:
    """Find the loss at the end of the operations that lead to `root`, and take in what it got; answers the targets."""
    made = next((op for op in reversed(operations) if op.name in LOSSES), None)
    if made:
        output, target = arguments(made.arguments, made.keywords)
        seen.name, seen.kind = LOSSES[made.name]
        seen.reduction = str(made.keywords.get("reduction", "mean"))
        seen.decreasing = not _negated(operations, made)
    else:
        found = by_hand(operations)
        output, target = (found.output, found.target) if found else (None, None)
        seen.name, seen.kind = (found.name, found.kind) if found else ("custom", "unknown")
        seen.reduction = "sum" if operations and operations[-1].name == "sum" else "mean"
        logarithmic = found is not None and found.kind != "regression"  # logarithms of probabilities are at most 0
        seen.decreasing = not (logarithmic and root.numel() == 1 and float(root.detach()) < 0)
    seen.alone = sum(op.name in LOSSES for op in operations) <= 1
    if output is None:
        return None
    made_by = last_activation(output, operations)
    seen.last = ACTIVATIONS[made_by.name] if made_by else None
    wanted = None if target is None else target.detach().to("cpu", torch.float64).numpy()
    seen.add(
        output.detach().to("cpu", torch.float64).numpy(),
        wanted,
        labels=target is not None and not target.is_floating_point() and seen.kind != "binary",
        axis=1 if output.dim() > 1 else -1,
    )
    return wanted


def arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Output and target among what a loss function was called with."""
    named = [kwargs.get(name) for name in ("input", "target")]
    given = [*args[:2], *(value for value in named if value is not None)]
    tensors = [value for value in given if isinstance(value, torch.Tensor)]
    return (tensors[0] if tensors else None), (tensors[1] if len(tensors) > 1 else None)


def _negated(operations: list[Operation], loss: Operation) -> bool:
    """Whether the loss's sign was turned on the way to what is minimised."""
    carried, turned = {id(loss.output)}, False
    for operation in operations[operations.index(loss) + 1 :]:
        tensors = [id(tensor) for tensor in operation.tensors()]
        if carried.isdisjoint(tensors):  # of what is added to it
            continue
        turned ^= _turns(operation, first=not carried.isdisjoint(tensors[:1]))
        carried.add(id(operation.output))
    return turned


def _turns(operation: Operation, first: bool) -> bool:
    """Whether the operation changes the sign of its first input, or of the other."""
    name = operation.name.strip("_")
    if name in ("sub", "isub", "rsub"):
        return first == (name == "rsub")
    negative = any(isinstance(value, int | float) and value < 0 for value in operation.arguments)
    return name == "neg" or (name in ("mul", "imul", "rmul", "div", "truediv", "itruediv") and negative)


def last_activation(output: torch.Tensor, operations: list[Operation]) -> Operation | None:
    """The activation that made `output`, through what only reshapes."""
    wanted = id(output)
    for operation in reversed(operations):
        if id(operation.output) != wanted:
            continue
        if operation.name in ACTIVATIONS:
            return operation
        first = next(operation.tensors(), None)
        if operation.name not in PASSING or operation.name in ("add", "add_", "__add__") or first is None:
            return None
        wanted = id(first)
    return None
