"""Gradients between backward passes and updates: whose they are, whether they were zeroed, whether they are finite."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import torch

_State: TypeAlias = tuple[tuple[int, int] | None, ...]


class Gradients:
    """Follows the gradients of a few parameters: the first, the middle and the last that ask for one."""

    def __init__(self, parameters: Sequence[torch.nn.Parameter]):
        self._parameters = list(parameters)
        self._probes = _spread([p for p in parameters if p.requires_grad])
        self._seen: _State = ()
        self._alive: list[torch.Tensor | None] = []  # an id is one tensor's as long as that lives
        self._updated = False
        self._zeroed = True

    def _state(self) -> _State:
        self._alive = [p.grad for p in self._probes]
        return tuple(None if gradient is None else (id(gradient), gradient._version) for gradient in self._alive)

    def _note(self) -> None:
        self._seen = self._state()

    def before_backward(self) -> bool:
        """Whether the gradients so far were thrown away since the last backward pass or update."""
        before = self._seen
        kept = self._alive  # until they are compared
        self._note()
        fresh = self._seen != before or all(gradient is None for gradient in self._alive)
        del kept
        self._zeroed |= fresh
        return fresh

    def after_backward(self) -> bool:
        """Whether the backward pass brought any gradient."""
        before = self._seen
        kept = self._alive  # until they are compared
        self._note()
        if all(gradient is None or not p.requires_grad for p, gradient in zip(self._probes, self._alive, strict=True)):
            known = [p for p in self._parameters if p.grad is not None]
            probes = _spread([p for p in known if p.requires_grad] or known)
            self._zeroed |= list(map(id, probes)) != list(map(id, self._probes))  # of others it is not known
            self._probes = probes
            self._note()
        del kept
        return self._seen != before and any(gradient is not None for gradient in self._alive)

    def add(self, parameter: torch.nn.Parameter) -> None:
        """One that the model has got since."""
        self._parameters.append(parameter)

    def before_update(self) -> bool:
        """Whether gradients of the update before are still among those that are used now."""
        return self._updated and not self._zeroed

    def after_update(self) -> None:
        """From here on, gradients that are there are old ones."""
        self._updated, self._zeroed = True, False
        self._note()

    def finite(self) -> bool:
        """Whether the first of the followed gradients is finite: what goes wrong on the way back arrives there."""
        first = next((p.grad for p in self._probes if p.grad is not None), None)
        return first is None or first.is_sparse or math.isfinite(float(first.sum()))


def _spread(parameters: Sequence[torch.nn.Parameter]) -> list[torch.nn.Parameter]:
    """The first, the middle and the last."""
    return [parameters[i] for i in sorted({0, len(parameters) // 2, len(parameters) - 1})] if parameters else []
