"""One forward pass as a list of operations, with their tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from trainability.adapters.torch.names import ACTIVATIONS, LOSSES

if TYPE_CHECKING:
    from trainability.adapters.torch.evaluations import Evaluations


@dataclass(eq=False)
class Operation:
    """A call of a torch function.

    Attributes:
        name: the function's short name.
        function: the function itself, with `arguments` and `keywords` as it was called.
        output: the first tensor that came out.
        before: what an activation got, where it wrote its answer over it.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    output: torch.Tensor
    before: torch.Tensor | None = None

    def tensors(self) -> Iterator[torch.Tensor]:
        """The tensors that went in, also those in lists."""
        for value in (*self.arguments, *self.keywords.values()):
            if isinstance(value, torch.Tensor):
                yield value
            elif isinstance(value, list | tuple):
                yield from (part for part in value if isinstance(part, torch.Tensor))

    @property
    def input(self) -> torch.Tensor:
        """What an activation got."""
        return self.before if self.before is not None else next(self.tensors())


class Trace(TorchFunctionMode):
    """While it is entered and `recording`, every torch function that Python calls is written down, and done as ever.

    Losses that are not for training go to `evaluations` instead.
    """

    def __init__(self, evaluations: Evaluations | None = None) -> None:
        super().__init__()
        self.evaluations = evaluations
        self.recording = False
        self.operations: list[Operation] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in LOSSES and self.evaluations is not None and self.evaluations.evaluating:
            value = func(*args, **kwargs)
            self.evaluations.loss(args, kwargs, value)
            if not self.recording or not torch.is_grad_enabled():
                return value
            self.operations.append(Operation(name, func, args, kwargs, value))
            return value
        if not self.recording or not torch.is_grad_enabled():
            return func(*args, **kwargs)
        if name == "__get__":  # a property, such as .data
            name = getattr(getattr(func, "__self__", None), "__name__", name)
        written_over = (
            name in ACTIVATIONS
            and bool(args)
            and (name.endswith("_") or kwargs.get("inplace") or any(a is True for a in args))
        )
        before = args[0].detach().clone() if written_over and isinstance(args[0], torch.Tensor) else None
        result = func(*args, **kwargs)
        output = result[0] if isinstance(result, tuple) and result else result
        if isinstance(output, torch.Tensor):
            self.operations.append(Operation(name, func, args, kwargs, output, before))
        return result


def leading_to(root: torch.Tensor, operations: Sequence[Operation]) -> list[Operation]:
    """The operations that `root` was computed by, in their order.

    An operation that writes over its input gives back the same tensor: whatever made that one earlier belongs to them.
    """
    wanted, found = {id(root)}, []
    for operation in reversed(operations):
        if id(operation.output) in wanted:
            found.append(operation)
            wanted.update(id(tensor) for tensor in operation.tensors())
    return found[::-1]
