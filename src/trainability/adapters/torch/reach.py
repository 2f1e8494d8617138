"""Which parameters a pass or an optimiser reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set

import torch

from trainability.adapters.torch.layers import traced_layers
from trainability.adapters.torch.look import Look, parameters_in
from trainability.adapters.torch.trace import Trace, leading_to


def held_by(optimizer: torch.optim.Optimizer) -> dict[int, torch.nn.Parameter]:
    """The parameters that an optimiser holds, by id."""
    return {id(p): p for group in optimizer.param_groups for p in group["params"]}


def belongs_to(tensors: Iterable[torch.Tensor], parameters: Set[int]) -> bool:
    """Whether one of the tensors was made with one of the parameters (ids), as far as its graph says."""
    waiting = [tensor.grad_fn for tensor in tensors if tensor.grad_fn is not None]
    known = set(waiting)
    while waiting:
        function = waiting.pop()
        if id(getattr(function, "variable", None)) in parameters:
            return True
        following = {one for one, _ in function.next_functions if one is not None} - known
        known |= following
        waiting += following
    return False


def trained_another(look: Look, parameters: Set[int], held: Mapping[int, torch.nn.Parameter]) -> bool:
    """Whether a pass trained parameters of another model, none of them `held`, and this one only made its targets.

    Args:
        parameters: ids of this model's.
    """
    found = {id(t): t for operation in look.operations for t in parameters_in(operation)}
    trained = {key for key, t in found.items() if isinstance(t, torch.nn.Parameter) and t.grad is not None}
    return bool(trained - parameters) and not held.keys() & (trained - parameters)


def unrecorded(trace: Trace, names: Mapping[int, str]) -> Iterator[torch.Tensor]:
    """Weights of layers that were called where no gradient is recorded, or whose answers left PyTorch.

    Args:
        names: id of a parameter to its name in the model.
    """
    used = dict(trace.unrecorded)
    for tensor in trace.left:
        before = traced_layers(leading_to(tensor, trace.operations), names)
        used.update((id(layer.weight), layer.weight) for layer in before)
    return (weight for key, weight in used.items() if key in names and weight.dim() > 1)
