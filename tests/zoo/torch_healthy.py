"""Runs that learn, some of them in unusual ways: nothing may be said of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tests.zoo.torch_healthy_loops import LOOPS
from tests.zoo.torch_held import HELD_HEALTHY
from tests.zoo.torch_run import Run, adam, binary_cross_entropy, circles, digits, line, mlp, simple


def relu_mlp() -> Run:
    return simple(mlp(64, 64, 64, 10), digits(), nn.CrossEntropyLoss(), rate=3e-3)


def tanh_mlp() -> Run:
    return simple(mlp(2, 32, 32, 2, activation=nn.Tanh), circles(), nn.CrossEntropyLoss())


def sigmoid_mlp() -> Run:
    return simple(mlp(64, 64, 10, activation=nn.Sigmoid), digits(), nn.CrossEntropyLoss(), rate=1e-2)


def gelu_regression() -> Run:
    return simple(mlp(4, 64, 64, 1, activation=nn.GELU), line(), nn.MSELoss(), steps=600)


def linear_probe() -> Run:
    return simple(mlp(64, 10), digits(), nn.CrossEntropyLoss(), rate=3e-2)


def frozen_on_purpose() -> Run:
    """Random features under a trained head, which suffices for the digits."""
    torch.manual_seed(0)
    model = mlp(64, 512, 10)
    for parameter in model[0].parameters():
        parameter.requires_grad_(False)
    return Run(model, torch.optim.Adam(model[2].parameters(), 1e-2), digits(), nn.CrossEntropyLoss())


def large_rate_that_works() -> Run:
    model = mlp(64, 64, 10)
    return Run(model, torch.optim.SGD(model.parameters(), 0.8), digits(), nn.CrossEntropyLoss(), steps=500)


def small_rate_that_works() -> Run:
    return simple(mlp(64, 256, 10), digits(), nn.CrossEntropyLoss(), rate=3e-4, steps=1500)


def small_batches() -> Run:
    return simple(mlp(64, 64, 10), digits(), nn.CrossEntropyLoss(), rate=1e-3, batch=4, steps=3000)


def unscaled_but_learning() -> Run:
    return simple(mlp(64, 64, 10), digits(1.0), nn.CrossEntropyLoss(), rate=1e-3, steps=600)


def normalised() -> Run:
    model = nn.Sequential(
        nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(inplace=True), nn.Dropout(0.3), nn.Linear(64, 64),
        nn.LayerNorm(64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    return simple(model, digits(), nn.CrossEntropyLoss(), rate=3e-3)


def convolution() -> Run:
    model = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip
    return simple(model, digits(), nn.CrossEntropyLoss(), rate=5e-3)


class _Residual(nn.Module):
    def __init__(self, width: int, blocks: int):
        super().__init__()
        self.into = nn.Linear(64, width)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width)) for _ in range(blocks))
        self.out = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.into(x)
        for block in self.blocks:
            x = torch.relu(x + block(x))
        return self.out(x)


def residual() -> Run:
    return simple(_Residual(32, 6), digits(), nn.CrossEntropyLoss(), rate=3e-3)


class _Attention(nn.Module):
    """A transformer block over the rows of a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.into = nn.Linear(8, 32)
        self.block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.out = nn.Linear(32 * 8, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.block(self.into(x.reshape(-1, 8, 8))).flatten(1))


def transformer() -> Run:
    return simple(_Attention(), digits(), nn.CrossEntropyLoss(), rate=3e-3)


class _Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRU(8, 48, batch_first=True)
        self.out = nn.Linear(48, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.cell(x.reshape(-1, 8, 8))[0][:, -1])


def recurrent() -> Run:
    return simple(_Recurrent(), digits(), nn.CrossEntropyLoss(), rate=1e-2, steps=500)


def autoencoder() -> Run:
    x, _ = digits()
    return simple(mlp(64, 48, 24, 48, 64), (x, x), nn.MSELoss(), rate=3e-3, steps=800)


def logits_of_one_unit() -> Run:
    x, y = circles()
    return simple(mlp(2, 32, 32, 1), (x, y[:, None].float()), nn.BCEWithLogitsLoss())


def probabilities_with_bce() -> Run:
    x, y = circles()
    return simple(mlp(2, 32, 32, 1, last=nn.Sigmoid()), (x, y[:, None].float()), nn.BCELoss())


def probabilities_by_hand() -> Run:
    x, y = circles()
    return simple(mlp(2, 32, 32, 1, last=nn.Sigmoid()), (x, y[:, None].float()), binary_cross_entropy)


def log_softmax_with_nll() -> Run:
    return simple(mlp(64, 64, 10, last=nn.LogSoftmax(-1)), digits(), nn.NLLLoss(), rate=3e-3)


def imbalanced_but_learning() -> Run:
    x, y = digits()
    rare = torch.cat([torch.nonzero(y != 3)[:, 0], torch.nonzero(y == 3)[:60, 0]])
    return simple(mlp(64, 64, 2), (x[rare], (y[rare] == 3).long()), nn.CrossEntropyLoss(), rate=3e-3, steps=600)


def deep_selu() -> Run:
    model = mlp(64, *[48] * 6, 10, activation=nn.SELU)
    for module in model:
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
    return simple(model, digits(), nn.CrossEntropyLoss(), rate=1e-3, steps=500)


def weight_decay() -> Run:
    model = mlp(64, 64, 10)
    return Run(model, torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=0.05), digits(), nn.CrossEntropyLoss())


def cosine_schedule() -> Run:
    model = mlp(64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.3, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 300)
    return Run(model, optimizer, digits(), nn.CrossEntropyLoss(), every_step=lambda step: schedule.step())


def summed_with_a_small_rate() -> Run:
    return simple(mlp(64, 64, 10), digits(), nn.CrossEntropyLoss(reduction="sum"), rate=3e-3)


def another_head() -> Run:
    made = simple(mlp(64, 64, 64, 10), digits(), nn.CrossEntropyLoss(), rate=3e-3, steps=500)

    def another_task(step: int) -> None:
        if step == 200:
            made.model.requires_grad_(False)
            made.model[4] = nn.Linear(64, 10)  # pyright: ignore[reportIndexIssue]
            made.optimizer = adam(made.model[4])  # pyright: ignore[reportIndexIssue]

    made.every_step = another_task
    return made


def clipped() -> Run:
    made = simple(mlp(64, 64, 10), digits(), nn.CrossEntropyLoss(), rate=3e-3)
    made.every_step = lambda step: nn.utils.clip_grad_norm_(made.model.parameters(), 1.0)
    return made


def by_hand() -> Run:
    def cross_entropy(scores: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return -torch.log_softmax(scores, -1)[torch.arange(len(y)), y].mean()

    return simple(mlp(64, 64, 10), digits(), cross_entropy, rate=3e-3)


def mae_regression() -> Run:
    return simple(mlp(4, 64, 64, 1), line(), nn.L1Loss(), rate=3e-3, steps=900)


def leaky() -> Run:
    return simple(mlp(64, 32, 32, 32, 10, activation=lambda: nn.LeakyReLU(0.1)), digits(), nn.CrossEntropyLoss(), 3e-3)


def high_dropout_that_works() -> Run:
    model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 10))
    return simple(model, digits(), nn.CrossEntropyLoss(), rate=3e-3)


def maxout() -> Run:
    class Maxout(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.unflatten(-1, (-1, 2)).amax(-1)

    model = nn.Sequential(nn.Linear(64, 64), Maxout(), nn.Linear(32, 10))
    return simple(model, digits(), nn.CrossEntropyLoss(), rate=3e-3)


HEALTHY: tuple[Callable[[], Any], ...] = (
    relu_mlp, tanh_mlp, sigmoid_mlp, gelu_regression, linear_probe, frozen_on_purpose, large_rate_that_works,
    small_rate_that_works, small_batches, unscaled_but_learning, normalised, convolution, residual, transformer,
    recurrent, autoencoder, logits_of_one_unit, probabilities_with_bce, probabilities_by_hand, log_softmax_with_nll,
    imbalanced_but_learning, deep_selu, weight_decay, cosine_schedule, summed_with_a_small_rate, clipped, by_hand,
    mae_regression, leaky, high_dropout_that_works, maxout, another_head, *LOOPS, *HELD_HEALTHY,
)  # fmt: skip
