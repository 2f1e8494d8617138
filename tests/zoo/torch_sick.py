"""PyTorch's silent mistakes: each case trains a few lines' network in a way that is wrong somewhere."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from tests.zoo.torch_run import Run, adam, binary_cross_entropy, circles, digits, line, mlp, simple


def double_softmax() -> Run:
    return simple(mlp(64, 32, 10, last=nn.Softmax(-1)), digits(), nn.CrossEntropyLoss())


def double_sigmoid() -> Run:
    x, y = circles()
    return simple(mlp(2, 32, 1, last=nn.Sigmoid()), (x, y[:, None].float()), nn.BCEWithLogitsLoss())


def no_zero_grad() -> Run:
    return simple(mlp(2, 32, 2), circles(), nn.CrossEntropyLoss(), zero=False)


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
    return simple(_PlainList(), circles(), nn.CrossEntropyLoss())


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


def head_replaced_in_between() -> Run:
    made = simple(mlp(64, 32, 10), digits(), nn.CrossEntropyLoss())

    def another_task(step: int) -> None:
        if step == 100:
            made.model.requires_grad_(False)
            made.model[2] = nn.Linear(32, 10)  # pyright: ignore[reportIndexIssue]

    made.every_step = another_task
    return made


def eval_left_on() -> Run:
    model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10))
    return simple(model.eval(), digits(), nn.CrossEntropyLoss())


def detached() -> Run:
    model = mlp(2, 16, 16, 2)
    return simple(
        model,
        circles(),
        nn.CrossEntropyLoss(),
        forward=lambda m, x: m[2:](m[:2](x).detach()),  # pyright: ignore
    )


def data_in_forward() -> Run:
    model = mlp(2, 16, 16, 2)
    return simple(model, circles(), nn.CrossEntropyLoss(), forward=lambda m, x: m[2:](m[:2](x).data))  # pyright: ignore


def broadcast() -> Run:
    x, y = line()
    return simple(mlp(4, 32, 1), (x, y[:, 0]), nn.MSELoss())


def broadcast_by_hand() -> Run:
    x, y = line()
    return simple(mlp(4, 32, 1), (x, y[:, 0]), lambda a, b: ((a - b) ** 2).mean())


def broadcast_in_a_logarithm() -> Run:
    x, y = circles()
    return simple(mlp(2, 32, 32, 1, last=nn.Sigmoid()), (x, y.float()), binary_cross_entropy)


def logarithms_of_the_wrong_sign() -> Run:
    x, y = circles()
    loss = lambda p, y: -binary_cross_entropy(p, y)  # noqa: E731
    return simple(mlp(2, 32, 32, 1, last=nn.Sigmoid()), (x, y[:, None].float()), loss)


def raw_images() -> Run:
    x, y = digits(16 / 255)
    model = mlp(64, 32, 32, 10, activation=nn.Sigmoid)
    return Run(model, torch.optim.SGD(model.parameters(), 0.1), (x, y), nn.CrossEntropyLoss())


def twelve_sigmoids() -> Run:
    return simple(mlp(2, *[16] * 12, 2, activation=nn.Sigmoid), circles(), nn.CrossEntropyLoss())


class _Exp(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.exp(x)


def eight_exponentials() -> Run:
    return simple(mlp(2, *[16] * 8, 2, activation=_Exp), circles(), nn.CrossEntropyLoss())


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
    return simple(mlp(4, 64, 64, 1), (x, 3000 + 800 * y), nn.MSELoss(), rate=1e-3)


def softmax_output_for_a_regression() -> Run:
    return simple(mlp(4, 64, 1, last=nn.Softmax(-1)), line(), nn.MSELoss())


def decay_too_strong() -> Run:
    model = mlp(64, 64, 10)
    return Run(model, torch.optim.Adam(model.parameters(), 1e-2, weight_decay=1.0), digits(), nn.CrossEntropyLoss())


def penalty_by_hand() -> Run:
    model = mlp(64, 64, 10)

    def penalized(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(scores, labels) + 0.5 * sum((p**2).sum() for p in model.parameters())

    return simple(model, digits(), penalized)


def negated() -> Run:
    return simple(mlp(2, 32, 2), circles(), lambda a, b: -F.cross_entropy(a, b))


def zeros() -> Run:
    model = mlp(2, 32, 32, 2, activation=nn.Tanh)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.1)
    return simple(model, circles(), nn.CrossEntropyLoss())


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
    return simple(model, (x, y[:, None].float()), nn.BCELoss())
