"""PyTorch's part of the zoo: each case trains a few lines' network under a watch.

A case is a function of a seed that builds everything and a `Run`; what it is ill with stands in `SICK`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits, make_circles
from torch import nn
from torch.nn import functional as F  # noqa: N812

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


def circles(n: int = 512) -> Batch:
    """Two rings, standardised, labels 0 and 1."""
    x, y = (np.asarray(part) for part in make_circles(n, noise=0.1, factor=0.5, random_state=0))
    x = (x - x.mean(0)) / x.std(0)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.long)


def digits(scale: float = 16.0) -> Batch:
    """scikit-learn's digits, pixels from 0 to 16 / scale."""
    x, y = load_digits(return_X_y=True)
    return torch.tensor(x / scale, dtype=torch.float32), torch.tensor(y, dtype=torch.long)


def line(n: int = 512) -> Batch:
    """A smooth regression of four standardised features, targets of deviation 1."""
    r = np.random.default_rng(0)
    x = r.standard_normal((n, 4))
    y = np.sin(x[:, 0]) + 0.5 * x[:, 1] * x[:, 2]
    return torch.tensor(x, dtype=torch.float32), torch.tensor((y / y.std())[:, None], dtype=torch.float32)


def mlp(*widths: int, activation: Callable[[], nn.Module] = nn.ReLU, last: nn.Module | None = None) -> nn.Sequential:
    """Linear layers with an activation between them."""
    parts: list[nn.Module] = []
    for i, (a, b) in enumerate(itertools.pairwise(widths)):
        parts += [nn.Linear(a, b), activation()] if i < len(widths) - 2 else [nn.Linear(a, b)]
    return nn.Sequential(*parts, *([last] if last else []))


def adam(model: nn.Module, rate: float = 1e-2) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), rate)


def _simple(model: nn.Module, data: Batch, loss: Any, rate: float = 1e-2, **more: Any) -> Run:
    return Run(model, adam(model, rate), data, loss, **more)


def double_softmax() -> Run:
    return _simple(mlp(64, 32, 10, last=nn.Softmax(-1)), digits(), nn.CrossEntropyLoss())


def double_sigmoid() -> Run:
    x, y = circles()
    return _simple(mlp(2, 32, 1, last=nn.Sigmoid()), (x, y[:, None].float()), nn.BCEWithLogitsLoss())


def no_zero_grad() -> Run:
    return _simple(mlp(2, 32, 2), circles(), nn.CrossEntropyLoss(), zero=False)


class _PlainList(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = [nn.Linear(2, 64), nn.Linear(64, 64)]
        self.out = nn.Linear(64, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.hidden:
            x = torch.tanh(layer(x) * 0.05)
        return self.out(x)


def plain_list() -> Run:
    return _simple(_PlainList(), circles(), nn.CrossEntropyLoss())


def frozen_backbone() -> Run:
    model = mlp(64, 64, 64, 10)
    for parameter in model[:4].parameters():
        parameter.requires_grad_(False).mul_(0.02)
    return Run(model, torch.optim.Adam(model[4].parameters(), 1e-3), digits(), nn.CrossEntropyLoss())


def head_replaced() -> Run:
    model = mlp(64, 64, 10)
    optimizer = adam(model)
    model[-1] = nn.Linear(64, 10)
    return Run(model, optimizer, digits(), nn.CrossEntropyLoss())


def eval_left_on() -> Run:
    model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10))
    return _simple(model.eval(), digits(), nn.CrossEntropyLoss())


def detached() -> Run:
    model = mlp(2, 16, 16, 2)
    return _simple(
        model,
        circles(),
        nn.CrossEntropyLoss(),
        forward=lambda m, x: m[2:](m[:2](x).detach()),  # pyright: ignore
    )


def data_in_forward() -> Run:
    model = mlp(2, 16, 16, 2)
    return _simple(model, circles(), nn.CrossEntropyLoss(), forward=lambda m, x: m[2:](m[:2](x).data))  # pyright: ignore


def broadcast() -> Run:
    x, y = line()
    return _simple(mlp(4, 32, 1), (x, y[:, 0]), nn.MSELoss())


def broadcast_by_hand() -> Run:
    x, y = line()
    return _simple(mlp(4, 32, 1), (x, y[:, 0]), lambda a, b: ((a - b) ** 2).mean())


def raw_images() -> Run:
    x, y = digits(16 / 255)
    model = mlp(64, 32, 32, 10, activation=nn.Sigmoid)
    return Run(model, torch.optim.SGD(model.parameters(), 0.1), (x, y), nn.CrossEntropyLoss())


def twelve_sigmoids() -> Run:
    return _simple(mlp(2, *[16] * 12, 2, activation=nn.Sigmoid), circles(), nn.CrossEntropyLoss())


class _Exp(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.exp(x)


def eight_exponentials() -> Run:
    return _simple(mlp(2, *[16] * 8, 2, activation=_Exp), circles(), nn.CrossEntropyLoss())


def tiny_weights() -> Run:
    model = mlp(2, 32, 32, 32, 32, 2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1e-3, 1e-3)
    return Run(model, torch.optim.SGD(model.parameters(), 0.05), circles(), nn.CrossEntropyLoss())


def linear_with_a_rate_of_3() -> Run:
    model = mlp(64, 64, 64, 10, activation=nn.Identity)
    x, y = digits()
    return Run(model, torch.optim.SGD(model.parameters(), 3.0), (x, F.one_hot(y).float()), nn.MSELoss())


def rate_too_low() -> Run:
    model = mlp(4, 64, 64, 1)
    return Run(model, torch.optim.Adam(model.parameters(), 1e-6), line(), nn.MSELoss())


def raw_targets() -> Run:
    x, y = line()
    return _simple(mlp(4, 64, 64, 1), (x, 3000 + 800 * y), nn.MSELoss(), rate=1e-3)


def softmax_output_for_a_regression() -> Run:
    return _simple(mlp(4, 64, 1, last=nn.Softmax(-1)), line(), nn.MSELoss())


def decay_too_strong() -> Run:
    model = mlp(64, 64, 10)
    return Run(model, torch.optim.Adam(model.parameters(), 1e-2, weight_decay=1.0), digits(), nn.CrossEntropyLoss())


def negated() -> Run:
    return _simple(mlp(2, 32, 2), circles(), lambda a, b: -F.cross_entropy(a, b))


def zeros() -> Run:
    model = mlp(2, 32, 32, 2, activation=nn.Tanh)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.1)
    return _simple(model, circles(), nn.CrossEntropyLoss())


def summed() -> Run:
    model = mlp(4, 64, 64, 1)
    return Run(model, torch.optim.SGD(model.parameters(), 0.05), line(), nn.MSELoss(reduction="sum"), batch=256)


def rate_gone() -> Run:
    model = mlp(64, 32, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    return Run(model, optimizer, digits(), nn.CrossEntropyLoss(), every_step=lambda step: schedule.step())


def one_softmax() -> Run:
    x, y = circles()
    model = mlp(2, 32, 32, 1, last=nn.Softmax(-1))
    return _simple(model, (x, y[:, None].float()), nn.BCELoss())


SICK: dict[Callable[[], Run], tuple[str, ...]] = {
    double_softmax: ("double-softmax",),
    double_sigmoid: ("double-softmax",),
    no_zero_grad: ("zero-grad-missing",),
    plain_list: ("parameters-not-optimized",),
    frozen_backbone: ("parameters-frozen",),
    head_replaced: ("parameters-not-optimized",),
    eval_left_on: ("eval-mode-in-training",),
    detached: ("graph-detached",),
    data_in_forward: ("graph-detached",),
    broadcast: ("loss-broadcast",),
    broadcast_by_hand: ("loss-broadcast",),
    raw_images: ("inputs-unscaled",),
    twelve_sigmoids: ("vanishing-gradient", "activation-saturating"),
    eight_exponentials: ("activation-explosive",),
    tiny_weights: ("init-small",),
    linear_with_a_rate_of_3: ("learning-rate-high", "activation-missing"),
    rate_too_low: ("learning-rate-low",),
    raw_targets: ("targets-unscaled",),
    softmax_output_for_a_regression: ("output-activation",),
    one_softmax: ("output-activation",),
    decay_too_strong: ("over-regularized",),
    negated: ("loss-sign",),
    zeros: ("init-symmetric",),
    summed: ("loss-reduction",),
    rate_gone: ("schedule-wrong",),
}
"""A case to the codes of which one must be among the first two findings."""
