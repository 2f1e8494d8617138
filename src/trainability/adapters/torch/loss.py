"""Where the loss is in a traced forward pass, and what it got."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from trainability.adapters.loss import LossSeen
from trainability.adapters.torch.by_hand import by_hand
from trainability.adapters.torch.loss_way import added_to, negated, negated_square
from trainability.adapters.torch.names import ACTIVATIONS, LOSSES, PASSING
from trainability.adapters.torch.trace import Operation


def see_loss(seen: LossSeen, root: torch.Tensor, operations: list[Operation]) -> np.ndarray | None:
    """Find the loss at the end of the operations that lead to `root`, and take in what it got; answers the targets."""
    made = next((op for op in reversed(operations) if op.name in LOSSES), None)
    if made:
        output, target = arguments(made.arguments, made.keywords)
        seen.name, seen.kind = LOSSES[made.name]
        seen.reduction = str(made.keywords.get("reduction", "mean"))
        seen.decreasing = not negated(operations, made)
        place: Operation | None = made
    else:
        found = by_hand(operations)
        place = found.place if found else None
        output, target = (found.output, found.target) if found else (None, None)
        seen.name, seen.kind = (found.name, found.kind) if found else ("custom", "unknown")
        seen.reduction = "sum" if operations and operations[-1].name == "sum" else "mean"
        if place is not None and found is not None and found.kind == "regression":
            seen.decreasing = not negated_square(operations, place)
        else:  # logarithms of probabilities are at most 0
            seen.decreasing = not (found is not None and root.numel() == 1 and float(root.detach()) < 0)
    several = sum(op.name in LOSSES for op in operations) > 1
    seen.alone &= not several and not (
        place is not None and (made is not None or seen.kind != "binary") and added_to(operations, place)
    )
    if output is None:
        return None
    made_by = last_activation(output, operations)
    softmax = made_by or place  # of a loss that is written by hand, log_softmax itself
    seen.across_batch |= softmax is not None and seen.kind == "classes" and _across_batch(softmax, output)
    seen.last = ACTIVATIONS[made_by.name] if made_by else None
    seen.scrambled |= seen.kind == "classes" and _scrambled(output, operations)
    wanted = None if target is None else target.detach().to("cpu", torch.float64).numpy()
    seen.add(
        output.detach().to("cpu", torch.float64).numpy(),
        wanted,
        labels=target is not None and not target.is_floating_point() and seen.kind != "binary",
        axis=1 if output.dim() > 1 else -1,
    )
    return wanted


def see_arguments(seen: LossSeen, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Take in what a loss function of PyTorch's was called with, though it answered nothing."""
    output, target = arguments(args, kwargs)
    seen.name, seen.kind = LOSSES[name]
    if output is None or target is None:
        return
    seen.add(
        output.detach().to("cpu", torch.float64).numpy(),
        target.detach().to("cpu", torch.float64).numpy(),
        labels=not target.is_floating_point() and seen.kind != "binary",
        axis=1 if output.dim() > 1 else -1,
    )


def arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Output and target among what a loss function was called with."""
    named = [kwargs.get(name) for name in ("input", "target")]
    given = [*args[:2], *(value for value in named if value is not None)]
    tensors = [value for value in given if isinstance(value, torch.Tensor)]
    return (tensors[0] if tensors else None), (tensors[1] if len(tensors) > 1 else None)


def _across_batch(activation: Operation, output: torch.Tensor) -> bool:
    """Whether the probabilities of one sample depend on the others in the batch: they add up to 1 along it."""
    if activation.name not in ("softmax", "log_softmax") or output.dim() < 2:
        return False
    given = activation.keywords.get("dim", next(iter(activation.arguments[1:2]), None))
    return isinstance(given, int) and not isinstance(given, bool) and given % output.dim() == 0


def _scrambled(output: torch.Tensor, operations: list[Operation]) -> bool:
    """Whether a reshape exchanged dimensions of the output, such as places and classes, and none was moved."""
    for operation in reversed(operations):
        if operation.output is not output or operation.name not in ("view", "reshape"):
            continue
        before, after = (
            [size for size in shape if size > 1] for shape in (next(operation.tensors()).shape, output.shape)
        )
        return before != after and len(before) == len(after) >= 3 and sorted(before) == sorted(after)
    return False


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
