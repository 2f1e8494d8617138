"""What the zoo's PyTorch runs are made of: the loop, data, and small networks."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tests.zoo import data

Batch = tuple[torch.Tensor, torch.Tensor]
DATA = Path(__file__).parents[3] / "shared" / "data"
CARS, IMAGES, LABELS = "auto-mpg.csv", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
"""Data that lie beside the checkout; what needs them is left out where they do not."""


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
    table = np.genfromtxt(DATA / CARS, delimiter=",", skip_header=1)
    table = table[np.isfinite(table).all(axis=1)]
    if scaled:
        table = (table - table.min(axis=0)) / np.ptp(table, axis=0)
    return torch.tensor(table[:, 1:], dtype=torch.float32), torch.tensor(table[:, :1], dtype=torch.float32)


def images(scale: float = 255.0) -> Batch:
    """MNIST's test images, flat, pixels from 0 to 255 / scale."""
    with gzip.open(DATA / IMAGES) as pixels, gzip.open(DATA / LABELS) as labels:
        x = np.frombuffer(pixels.read(), np.uint8, offset=16).reshape(-1, 784).copy()
        y = np.frombuffer(labels.read(), np.uint8, offset=8).astype(int)
    return torch.tensor(x / scale, dtype=torch.float32), torch.tensor(y)


def needs(name: str) -> Callable[[Callable[[], Run]], Callable[[], Run]]:
    """Mark a case that needs a file of `DATA`."""

    def mark(case: Callable[[], Run]) -> Callable[[], Run]:
        case.needs = name  # pyright: ignore[reportFunctionMemberAccess]
        return case

    return mark


def missing_data(case: Callable[[], Run]) -> str | None:
    """The file that a case needs and that is not there."""
    name = getattr(case, "needs", None)
    return name if name is not None and not (DATA / name).is_file() else None
