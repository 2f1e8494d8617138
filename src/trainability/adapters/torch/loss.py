"""Where the loss is in a traced forward pass, and what it got."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from trainability.adapters.loss import LossSeen
from trainability.adapters.torch.names import ACTIVATIONS, LOSSES, PASSING
from trainability.adapters.torch.trace import Operation


def see_loss(seen: LossSeen, root: torch.Tensor, operations: list[Operation]) -> np.ndarray | None:
    """Find the loss at the end of the operations that lead to `root`, and take in what it got; answers the targets."""
    made = next((op for op in reversed(operations) if op.name in LOSSES), None)
    output, target = arguments(made.arguments, made.keywords) if made else _difference(operations)
    if made:
        seen.name, seen.kind = LOSSES[made.name]
        seen.reduction = str(made.keywords.get("reduction", "mean"))
    else:
        seen.reduction = "sum" if operations and operations[-1].name == "sum" else "mean"
        seen.kind = "regression" if target is not None else "unknown"
    seen.decreasing = not _negated(operations, made)
    if output is None:
        return None
    made_by = last_activation(output, operations)
    seen.last = ACTIVATIONS[made_by.name] if made_by else None
    wanted = None if target is None else target.detach().to("cpu", torch.float64).numpy()
    seen.add(
        output.detach().to("cpu", torch.float64).numpy(),
        wanted,
        labels=target is not None and not target.is_floating_point(),
        axis=1 if output.dim() > 1 else -1,
    )
    return wanted


def arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Output and target among what a loss function was called with."""
    named = [kwargs.get(name) for name in ("input", "target")]
    given = [*args[:2], *(value for value in named if value is not None)]
    tensors = [value for value in given if isinstance(value, torch.Tensor)]
    return (tensors[0] if tensors else None), (tensors[1] if len(tensors) > 1 else None)


def _difference(operations: list[Operation]) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Output and target of a loss written by hand: the last difference of a trained and an untrained tensor."""
    for operation in reversed(operations):
        if operation.name in ("sub", "__sub__", "__rsub__", "rsub"):
            tensors = list(operation.tensors())
            trained = [t for t in tensors if t.requires_grad]
            fixed = [t for t in tensors if not t.requires_grad]
            if len(trained) == 1 and len(fixed) == 1 and fixed[0].dim() > 0:
                return trained[0], fixed[0]
    return None, None


def _negated(operations: list[Operation], loss: Operation | None) -> bool:
    """Whether the loss's sign was turned on the way to what is minimised."""
    after = operations[operations.index(loss) + 1 :] if loss else operations[-3:]
    turned = sum(operation.name in ("neg", "__neg__") for operation in after)
    return bool(loss) and turned % 2 == 1


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
