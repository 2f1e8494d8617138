"""What a loss was before it was scaled on its way to the backward pass."""

from __future__ import annotations

import contextlib
import math
import weakref
from collections.abc import Callable
from typing import Any, Final

import torch

_SCALED: Final = frozenset({"MulBackward0", "DivBackward0"})


class LossValue:
    """Follows the last loss that was computed, and the factor of a ``torch.amp.GradScaler``."""

    def __init__(self) -> None:
        self._loss: Callable[[], torch.Tensor | None] = lambda: None
        self._scaled: Callable[[], torch.Tensor | None] = lambda: None
        self._scale: torch.Tensor | None = None

    def computed(self, value: Any) -> None:
        """A loss function answered this."""
        if isinstance(value, torch.Tensor):
            self._loss = weakref.ref(value)

    @contextlib.contextmanager
    def watching_scalers(self) -> Any:
        """Note by which factor a scaler multiplies."""
        original = torch.amp.GradScaler.scale

        def scale(scaler: torch.amp.GradScaler, outputs: Any) -> Any:
            scaled = original(scaler, outputs)
            if isinstance(outputs, torch.Tensor) and scaler.is_enabled():
                self._scaled, self._scale = weakref.ref(scaled), scaler._scale
            return scaled

        torch.amp.GradScaler.scale = scale  # pyright: ignore[reportAttributeAccessIssue]
        try:
            yield
        finally:
            torch.amp.GradScaler.scale = original

    def scale(self, root: torch.Tensor) -> float:
        """The scaler's factor in `root`, 1 without one."""
        return float(self._scale) if self._scale is not None and self._scaled() is root else 1.0

    def of(self, root: torch.Tensor) -> float:
        """The loss that `root`, a scalar, is a multiple of, as for gradients that are added up over several batches."""
        loss = self._loss()
        function = root.grad_fn
        while loss is not None and loss.numel() == 1 and function is not None:
            if function is loss.grad_fn:
                return math.copysign(float(loss.detach()), float(root.detach()))
            following = [one for one, _ in function.next_functions if one is not None]
            if function.name() not in _SCALED or len(following) != 1:
                break
            function = following[0]
        return float(root.detach()) / self.scale(root)
