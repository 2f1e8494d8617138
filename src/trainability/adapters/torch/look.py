"""One pass that is looked at, from its inputs to its loss."""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch

from trainability.adapters.torch.layers import TracedLayer
from trainability.adapters.torch.names import LOSSES
from trainability.adapters.torch.trace import Operation
from trainability.core.chart import Origin

MOST: Final = 10_000
"""Things in a list that is searched for layers."""


@dataclass
class Look:
    """A forward pass whose backward pass begins.

    Attributes:
        root: what the backward pass begins at.
        operations: what led to it.
        layers: the layers among them.
        scale: what a gradient scaler multiplied the loss by.
    """

    root: torch.Tensor
    operations: list[Operation]
    layers: list[TracedLayer]
    scale: float

    def inputs(self, parameters: Set[int], buffers: Set[int]) -> np.ndarray | None:
        """What the first parameter meets: the model's input after whatever was done to it without parameters.

        Args:
            parameters, buffers: ids of the model's own tensors.
        """
        own = parameters | buffers
        for operation in self.operations:
            if not any(id(tensor) in parameters for tensor in parameters_in(operation)):
                continue
            fed = [tensor for tensor in operation.tensors() if id(tensor) not in own and tensor.dim() > 0]
            fed = [tensor for tensor in fed if tensor._base is None or id(tensor._base) not in own]
            if fed and not fed[0].requires_grad:
                return fed[0].detach().to("cpu", torch.float64).numpy() if fed[0].is_floating_point() else None
        return None

    def first_bad(self, parameters: Set[int], step: int) -> Origin:
        """The first operation that answers something that is not finite."""
        name = "inputs"
        by_operation = {id(layer.operation): layer.name for layer in self.layers}
        for operation in self.operations:
            name = by_operation.get(id(operation), name)
            if not operation.output.is_floating_point() or torch.isfinite(operation.output.detach()).all():
                continue
            tensors = [t.detach() for t in operation.tensors() if t.is_floating_point() and t.numel()]
            bad = [t for t in tensors if not torch.isfinite(t).all()]
            largest = max((float(t.abs().nan_to_num(0, 0, 0).max()) for t in tensors), default=math.nan)
            weights = bad and any(id(p) in parameters for p in parameters_in(operation))
            direction = "weights" if weights else "inputs" if bad and name == "inputs" else "forward"
            if operation.name in LOSSES and direction == "forward":
                direction = "loss"
            return Origin(name, step, direction, largest)
        return Origin(name, step, "loss", math.nan)


def parameters_in(operation: Operation) -> list[torch.Tensor]:
    """The tensors that went in, and what they are views of: a transposed weight is a view of the weight."""
    return [one for tensor in operation.tensors() for one in (tensor, tensor._base) if one is not None]


def hidden_parameters(model: torch.nn.Module) -> set[int]:
    """Ids of the parameters that the model has in plain lists and dicts, too, where PyTorch does not look for them."""
    found: set[int] = set()
    known: set[int] = set()
    waiting: list[Any] = [value for module in model.modules() for value in vars(module).values()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, torch.nn.Parameter):
            found.add(id(value))
        elif isinstance(value, torch.nn.Module):
            found |= {id(p) for p in value.parameters()}
        elif isinstance(value, list | tuple | dict) and id(value) not in known and len(value) <= MOST:
            known.add(id(value))
            waiting += value.values() if isinstance(value, dict) else value
    return found
