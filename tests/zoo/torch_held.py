"""PyTorch loops as people write them that once were judged wrongly: mistakes not seen, and health taken for illness."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from tests.zoo.torch_run import Batch, Run, adam, digits, line, mlp, simple


@dataclass
class Loop:
    """A model and a loop of its own: what is done in a step gives the loss."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    step: Callable[[], torch.Tensor]
    steps: int = 200

    def train(self) -> None:
        for _ in range(self.steps):
            self.optimizer.zero_grad()
            self.step().backward()
            self.optimizer.step()


def blobs(classes: int, width: int = 10, n: int = 900, apart: float = 1.5) -> Batch:
    """Normal clouds around drawn centres."""
    draw = torch.Generator().manual_seed(0)
    centres, y = torch.randn(classes, width, generator=draw), torch.randint(0, classes, (n,), generator=draw)
    return apart * centres[y] + torch.randn(n, width, generator=draw), y


def waves(n: int = 800) -> Batch:
    """One of three frequencies under noise, at any phase."""
    draw = torch.Generator().manual_seed(0)
    y = torch.randint(0, 3, (n,), generator=draw)
    phase = 1.5 * (y + 1)[:, None] * torch.linspace(0, 6.28, 40) + 6 * torch.rand(n, 1, generator=draw)
    return torch.sin(phase)[:, None] + 0.6 * torch.randn(n, 1, 40, generator=draw), y


class _Apart(nn.Module):
    """A body whose gradients are lost on the way, and a head."""

    def __init__(self, body: nn.Module, head: nn.Module, between: Callable[[nn.Module, torch.Tensor], torch.Tensor]):
        super().__init__()
        self.body, self.head, self.between = body, head, between

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.between(self.body, x))


@torch.no_grad()
def _unrecorded(body: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return body(x)


def encoder_without_gradients() -> Run:
    body = nn.Sequential(
        nn.Conv1d(1, 4, 5), nn.ReLU(), nn.MaxPool1d(3), nn.Conv1d(4, 2, 5), nn.ReLU(), nn.AdaptiveAvgPool1d(1)
    )
    model = _Apart(nn.Sequential(body, nn.Flatten()), nn.Linear(2, 3), _unrecorded)
    return simple(model, waves(), nn.CrossEntropyLoss(), rate=5e-3)


def through_numpy() -> Run:
    x, y = line()
    model = _Apart(nn.Linear(4, 3), nn.Linear(3, 1), lambda body, x: torch.from_numpy(body(x).detach().numpy()).relu())
    return simple(model, (x, y), nn.MSELoss(), rate=1e-3, steps=150)


def loss_made_anew() -> Run:
    return simple(
        mlp(4, 16, 1), line(), lambda out, y: torch.tensor(F.mse_loss(out, y).item(), requires_grad=True), steps=60
    )


def optimiser_of_another_model() -> Run:
    x, y = blobs(3)
    return Run(mlp(10, 16, 3), adam(mlp(10, 16, 3)), (x, y), nn.CrossEntropyLoss(), steps=60)


def softmax_across_the_batch() -> Run:
    return simple(mlp(10, 32, 20), blobs(20), lambda out, y: F.nll_loss(out.log_softmax(0), y), batch=4)


def square_maximised() -> Run:
    return simple(mlp(4, 16, 1), line(), lambda out, y: -((out - y) ** 2).sum(1).mean(), steps=100)


def sorted_by_class() -> Loop:
    x, y = blobs(6, 12, 1200)
    x, y, model = x[y.argsort()], y.sort()[0], mlp(12, 64, 6)
    batches = iter(list(torch.arange(1200).split(10)) * 6)

    def step() -> torch.Tensor:
        rows = next(batches)
        return F.cross_entropy(model(x[rows]), y[rows])

    return Loop(model, torch.optim.SGD(model.parameters(), 0.05, momentum=0.9), step, 480)


def features_lost() -> Run:
    _, y = blobs(2)
    return simple(mlp(8, 16, 2), (torch.zeros(len(y), 8), y), nn.CrossEntropyLoss(), steps=150)


class _Last(nn.Module):
    """The last answer of a recurrent layer."""

    def __init__(self, recurrent: nn.Module, units: int, answers: int):
        super().__init__()
        self.recurrent, self.out = recurrent, nn.Linear(units, answers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.recurrent(x)[0][:, -1])


def recurrent_weights_too_large() -> Run:
    x = torch.randn(300, 60, 3)
    rnn = nn.RNN(3, 32, nonlinearity="relu", batch_first=True)
    nn.init.normal_(cast(torch.Tensor, rnn.weight_hh_l0), 0, 0.6)
    model = _Last(rnn, 32, 1)
    sgd = torch.optim.SGD(model.parameters(), 1e-2)
    return Run(model, sgd, (x, 5 * x[:, :, 0].mean(1, keepdim=True)), nn.MSELoss(), steps=20)


def rare_class_and_plain_descent() -> Run:
    draw = torch.Generator().manual_seed(0)
    y = (torch.rand(2500, generator=draw) < 0.03).long()
    x = torch.randn(2500, 8, generator=draw) + 1.6 * y[:, None] * (torch.arange(8) < 2)
    model = mlp(8, 16, 2)
    return Run(model, torch.optim.SGD(model.parameters(), 0.01), (x, y), nn.CrossEntropyLoss(), batch=64)


def viewed_for_transposed() -> Run:
    words = torch.randint(0, 4, (500, 6))

    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.names, self.net = nn.Embedding(4, 16), mlp(16, 32, 4)

        def forward(self, words: torch.Tensor) -> torch.Tensor:
            return self.net(self.names(words)).view(len(words), 4, 6)

    return simple(Tagger(), (words, words), nn.CrossEntropyLoss(), steps=100)


def quantiles() -> Run:
    q = torch.tensor([0.1, 0.5, 0.9])
    pinball = lambda out, y: torch.maximum(q * (y - out), (q - 1) * (y - out)).mean()  # noqa: E731
    return simple(mlp(4, 64, 3), line(), pinball, rate=5e-3, steps=500)


def kernels_of_all_pairs() -> Loop:
    model = mlp(2, 32, 2)

    def near(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.exp(-((a[:, None] - b[None]) ** 2).sum(-1)).mean()

    def step() -> torch.Tensor:
        real, made = torch.randn(64, 2) * 0.4 + 1, model(torch.randn(64, 2))
        return near(made, made) - 2 * near(made, real) + near(real, real)

    return Loop(model, adam(model), step)


def gradient_penalty() -> Loop:
    model = mlp(2, 32, 1)

    def step() -> torch.Tensor:
        real, made = torch.randn(64, 2) * 0.5 + 2, torch.randn(64, 2)
        mixed = (real + torch.rand(64, 1) * (made - real)).requires_grad_()
        (slope,) = torch.autograd.grad(model(mixed).sum(), mixed, create_graph=True)
        return model(made).mean() - model(real).mean() + 10 * ((slope.norm(dim=1) - 1) ** 2).mean()

    return Loop(model, adam(model, 1e-3), step)


def two_losses_in_one() -> Run:
    def with_dice(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        p, y = out.sigmoid()[:, 0], (y > 4).float()
        dice = 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)
        return F.binary_cross_entropy_with_logits(out[:, 0], y) + dice

    return simple(mlp(64, 64, 1), digits(), with_dice, rate=3e-3)


def slow_copy_as_target() -> Loop:
    centres = torch.randn(30, 16)
    online, predictor = mlp(16, 64, 16), mlp(16, 32, 16)
    model = nn.ModuleList([online, predictor, copy.deepcopy(online)])

    def step() -> torch.Tensor:
        x = centres[torch.randint(0, 30, (64,))]
        with torch.no_grad():
            target = model[2](x + 0.4 * torch.randn_like(x))
            for slow, fast in zip(model[2].parameters(), online.parameters(), strict=True):
                slow.lerp_(fast, 0.02)
        answer = predictor(online(x + 0.4 * torch.randn_like(x)))
        return 2 - 2 * F.cosine_similarity(answer, target).mean()

    return Loop(model, adam(model, 1e-3), step)


def features_kept_by_no_grad() -> Run:
    return simple(
        _Apart(nn.Linear(10, 256), nn.Linear(256, 3), _unrecorded), blobs(3, apart=2.0), nn.CrossEntropyLoss()
    )


def nodes_of_a_graph() -> Loop:
    y = torch.randint(0, 3, (150,))
    near = (torch.rand(150, 150) < torch.where(y[:, None] == y[None], 0.12, 0.01)).float()
    near = ((near + near.T + torch.eye(150)) > 0).float()
    near /= near.sum(1, keepdim=True)
    x, model = torch.randn(150, 8) + 0.7 * F.one_hot(y, 8), nn.ModuleList([nn.Linear(8, 16), nn.Linear(16, 3)])
    step = lambda: F.cross_entropy(near @ model[1](torch.relu(near @ model[0](x))), y)  # noqa: E731
    return Loop(model, adam(model), step, 120)


HELD_SICK: dict[Callable[[], Any], tuple[str, ...]] = {
    encoder_without_gradients: ("graph-detached",),
    through_numpy: ("graph-detached",),
    loss_made_anew: ("graph-detached",),
    optimiser_of_another_model: ("parameters-not-optimized",),
    softmax_across_the_batch: ("output-activation",),
    square_maximised: ("loss-sign",),
    sorted_by_class: ("data-unshuffled",),
    features_lost: ("labels-unpaired",),
    recurrent_weights_too_large: ("init-large",),
    rare_class_and_plain_descent: ("class-imbalance",),
    viewed_for_transposed: ("loss-target",),
}
HELD_HEALTHY: tuple[Callable[[], Any], ...] = (
    quantiles, kernels_of_all_pairs, gradient_penalty, two_losses_in_one, slow_copy_as_target, features_kept_by_no_grad,
    nodes_of_a_graph,
)  # fmt: skip
