"""What the zoo's PyTorch runs are made of: the loop, data, and small networks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from tests.zoo import data, files

Batch = tuple[torch.Tensor, torch.Tensor]


@dataclass
class Run:
    """A model, its optimiser and the loop's parts."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    data: Batch
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    steps: int = 300
    batch: int = 32
    zero: bool = True
    validation: Batch | None = None
    every: int = 25
    forward: Callable[[nn.Module, torch.Tensor], torch.Tensor] = field(default=lambda model, x: model(x))
    every_step: Callable[[int], Any] = field(default=lambda step: None)

    def train(self) -> None:
        """The loop, as anybody writes it."""
        x, y = self.data
        order = torch.Generator().manual_seed(0)
        for step in range(self.steps):
            rows = torch.randint(0, len(x), (self.batch,), generator=order)
            if self.zero:
                self.optimizer.zero_grad()
            self.loss(self.forward(self.model, x[rows]), y[rows]).backward()
            self.optimizer.step()
            self.every_step(step)
            if self.validation is not None and step % self.every == self.every - 1:
                self.evaluate(*self.validation)

    def evaluate(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """The usual look at data that are held out, in batches."""
        self.model.eval()
        with torch.no_grad():
            for rows in torch.arange(len(x)).split(128):
                self.loss(self.model(x[rows]), y[rows])
        self.model.train()


def circles(n: int = 512) -> Batch:
    """Two rings, standardised, labels 0 and 1."""
    return tensors(data.circles(n))


def digits(scale: float = 16.0) -> Batch:
    """scikit-learn's digits, pixels from 0 to 16 / scale."""
    return tensors(data.digits(scale))


def line(n: int = 512) -> Batch:
    """A smooth regression of four standardised features, targets of deviation 1."""
    return tensors(data.line(n))


def tensors(arrays: data.Arrays) -> Batch:
    """Inputs and targets; labels as PyTorch wants them."""
    x, y = (torch.from_numpy(part) for part in arrays)
    return x, y if y.is_floating_point() else y.long()


def mlp(*widths: int, activation: Callable[[], nn.Module] = nn.ReLU, last: nn.Module | None = None) -> nn.Sequential:
    """Linear layers with an activation between them."""
    parts: list[nn.Module] = []
    for i, (a, b) in enumerate(itertools.pairwise(widths)):
        parts += [nn.Linear(a, b), activation()] if i < len(widths) - 2 else [nn.Linear(a, b)]
    return nn.Sequential(*parts, *([last] if last else []))


def adam(model: nn.Module, rate: float = 1e-2) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), rate)


def binary_cross_entropy(p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """As many write it themselves."""
    return -(y * torch.log(p + 1e-7) + (1 - y) * torch.log(1 - p + 1e-7)).mean()


def simple(model: nn.Module, data: Batch, loss: Any, rate: float = 1e-2, **more: Any) -> Run:
    """A run with Adam."""
    return Run(model, adam(model, rate), data, loss, **more)


def cars(scaled: bool = True) -> Batch:
    """Auto MPG: seven figures and the origin of 392 cars; miles per gallon."""
    return tensors(files.cars(scaled))


def images(scale: float = 255.0) -> Batch:
    """MNIST's test images, flat, pixels from 0 to 255 / scale."""
    return tensors(files.images(scale))
