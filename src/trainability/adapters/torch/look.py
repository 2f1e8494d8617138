"""One pass that is looked at, from its inputs to its loss."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch

from trainability.adapters import origin
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
                given = fed[0].detach().cpu()
                return given.double().numpy() if given.is_floating_point() else _names(given)
        return None

    def first_bad(self, parameters: Set[int], step: int) -> Origin:
        """Where something that is not finite was first answered."""
        names = {id(layer.operation): layer.name for layer in self.layers}
        tensors = {id(t): t for op in self.operations for t in (*op.tensors(), op.output) if t.is_floating_point()}
        known = [op for op in self.operations if id(op.output) in tensors]
        given = [tuple(id(t) for t in op.tensors() if id(t) in tensors) for op in known]
        done = [
            origin.Done(op.name, names.get(id(op)), id(op.output), inputs)
            for op, inputs in zip(known, given, strict=True)
        ]
        weights = {key for key, t in tensors.items() if {key, id(t._base)} & parameters}
        value = lambda key: tensors[key].detach().double().cpu().numpy()  # noqa: E731
        return origin.first_bad(done, value, weights, LOSSES.keys(), step)


def _names(given: torch.Tensor) -> np.ndarray | None:
    """Whole numbers as they are; None for what is neither."""
    return None if given.dtype == torch.bool or given.is_complex() else given.numpy()


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
