"""Losses of the watched model that are computed and not trained on: its evaluations."""

from __future__ import annotations

from typing import Any

import torch

from trainability.adapters.torch.loss import arguments
from trainability.adapters.validation import ValidationSeen


class Evaluations:
    """Losses between updates, without gradients or in evaluation mode, after a call of `model` of that kind."""

    def __init__(self, model: torch.nn.Module, seen: ValidationSeen):
        self._model, self._seen = model, seen
        self._inputs: torch.Tensor | None = None
        self._called = False
        self._losses: list[torch.Tensor] = []

    @property
    def evaluating(self) -> bool:
        """Whether a loss that is computed now may be one of an evaluation."""
        return not torch.is_grad_enabled() or not self._model.training

    def called(self, _module: torch.nn.Module, given: tuple[Any, ...], _output: Any) -> None:
        """The forward hook of the model."""
        if self.evaluating:
            self._called = True
            self._inputs = next((x for x in given if isinstance(x, torch.Tensor) and x.is_floating_point()), None)

    def loss(self, args: tuple[Any, ...], kwargs: dict[str, Any], value: Any) -> None:
        """A loss was computed while `evaluating`."""
        if not self._called or not isinstance(value, torch.Tensor):
            return
        self._losses.append(value.mean())
        target = arguments(args, kwargs)[1]
        if self._seen.wants_data and target is not None:
            self._seen.see(
                None if self._inputs is None else self._inputs.detach().cpu().numpy(),
                target.detach().cpu().numpy(),
                labels=not target.is_floating_point(),
            )

    def trained_on(self) -> None:
        """A backward pass begins: if the last loss has a gradient, it was made for that."""
        if self._losses and self._losses[-1].requires_grad:
            self._losses.pop()

    def close(self, step: int) -> None:
        """An evaluation ends, if there was one: what follows is training."""
        if self._losses:
            self._seen.add(step, [float(loss.detach()) for loss in self._losses])
            self._losses = []
        self._called, self._inputs = False, None
