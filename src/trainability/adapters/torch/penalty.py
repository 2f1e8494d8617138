"""Whether the weights enter a loss by their own size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import torch

from trainability.adapters.torch.trace import Operation

SIZES: Final = frozenset({"pow", "__pow__", "square", "abs", "__abs__", "norm", "vector_norm", "matrix_norm", "dist"})
SAME: Final = frozenset({"view", "reshape", "flatten", "ravel", "cat", "stack", "concatenate"})


def penalized(operations: Iterable[Operation]) -> bool:
    """Whether operations that lead to a loss square a matrix of weights, or take its numbers' absolute values."""
    weights: set[int] = set()

    def is_weight(tensor: torch.Tensor) -> bool:
        return id(tensor) in weights or (isinstance(tensor, torch.nn.Parameter) and tensor.ndim > 1)

    for operation in operations:
        met = [tensor for tensor in operation.tensors() if is_weight(tensor)]
        squared = operation.name in ("mul", "__mul__", "multiply") and len(met) == 2 and met[0] is met[1]
        if met and (operation.name in SIZES or squared or operation.name.removeprefix("linalg_") in SIZES):
            return True
        if met and operation.name in SAME:
            weights.add(id(operation.output))
    return False
