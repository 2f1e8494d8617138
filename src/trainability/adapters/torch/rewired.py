"""A model whose calls of layers and activations are changed from outside, wherever its code makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from trainability.adapters.torch.names import ACTIVATIONS, LAYERS


def is_place(name: str) -> bool:
    """Whether calls of the torch function `name` are counted as places."""
    return name in LAYERS or name in ACTIVATIONS


@dataclass
class Change:
    """What is changed at one place: `before` it on what it gets, `instead` of it, and `after` it on its answer."""

    before: list[torch.nn.Module] = field(default_factory=list)
    instead: Callable[[torch.Tensor], torch.Tensor] | None = None
    after: list[Callable[[torch.Tensor], torch.Tensor]] = field(default_factory=list)


class _Changing(TorchFunctionMode):
    """Counts the places of one forward pass and changes them."""

    def __init__(self, changes: Mapping[int, Change]):
        super().__init__()
        self.changes, self.place = changes, -1

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if not is_place(getattr(func, "__name__", "")):
            return func(*args, **kwargs)
        self.place += 1
        change = self.changes.get(self.place)
        if change is None:
            return func(*args, **kwargs)
        if change.before:
            first = args[0]
            for module in change.before:
                first = module(first)
            args = (first, *args[1:])
        answer = change.instead(args[0]) if change.instead else func(*args, **kwargs)
        for function in change.after:
            answer = function(answer)
        return answer


class Rewired(torch.nn.Module):
    """`model` with the changes made at the places of its forward pass, which are numbered as they are called.

    What a change brings with it of parameters and modes belongs to this module.
    """

    def __init__(self, model: torch.nn.Module, changes: Mapping[int, Change]):
        super().__init__()
        self.model, self.changes = model, changes
        functions = [f for change in changes.values() for f in (*change.before, change.instead, *change.after)]
        self.added = torch.nn.ModuleList([f for f in functions if isinstance(f, torch.nn.Module)])
        self.train(model.training)

    def forward(self, *inputs: Any) -> Any:
        with _Changing(self.changes):
            return self.model(*inputs)
