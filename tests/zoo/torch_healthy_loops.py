"""Runs that learn by loops, networks and data of other kinds: nothing may be said of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine, make_moons
from torch import nn
from torch.nn import functional as F  # noqa: N812

from tests.zoo.files import CARS, IMAGES, needs
from tests.zoo.torch_run import Batch, Run, adam, cars, circles, digits, images, line, mlp, simple


def table(x: torch.Tensor, y: torch.Tensor) -> Batch:
    """A data set of scikit-learn, inputs standardised."""
    x = torch.as_tensor(x, dtype=torch.float32)
    return (x - x.mean(0)) / x.std(0), torch.as_tensor(y)


@dataclass
class Accumulated(Run):
    """Each update follows `parts` backward passes, of an even share of the loss each."""

    parts: int = 4

    def train(self) -> None:
        x, y = self.data
        for _ in range(self.steps):
            self.optimizer.zero_grad()
            for _ in range(self.parts):
                rows = torch.randint(0, len(x), (self.batch,))
                (self.loss(self.model(x[rows]), y[rows]) / self.parts).backward()
            self.optimizer.step()


@dataclass
class Scaled(Run):
    """Half precision with a scaler of gradients."""

    scaler: torch.amp.GradScaler = field(default_factory=lambda: torch.amp.GradScaler("cpu", init_scale=2.0**20))

    def train(self) -> None:
        x, y = self.data
        for _ in range(self.steps):
            rows = torch.randint(0, len(x), (self.batch,))
            self.optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                loss = self.loss(self.model(x[rows]), y[rows])
            self.scaler.scale(loss).backward()
            self.scaler.step(self.optimizer)
            self.scaler.update()


@dataclass
class Adversarial(Run):
    """A generator, `model`, and a critic that take turns; one part's losses and gradients are none of the other's."""

    critic: nn.Module = field(default_factory=lambda: mlp(2, 32, 1))

    def train(self) -> None:
        (x, _), second = self.data, torch.optim.Adam(self.critic.parameters(), 2e-3)
        for _ in range(self.steps):
            real, noise = x[torch.randint(0, len(x), (self.batch,))], torch.randn(self.batch, 2)
            one, zero = torch.ones(self.batch, 1), torch.zeros(self.batch, 1)
            fake = self.model(noise)
            second.zero_grad()
            (self.loss(self.critic(real), one) + self.loss(self.critic(fake.detach()), zero)).backward()
            second.step()
            self.optimizer.zero_grad()
            self.loss(self.critic(fake), one).backward()
            self.optimizer.step()


@dataclass
class Halves(Run):
    """Two optimisers that hold half of the network each."""

    def train(self) -> None:
        x, y = self.data
        optimizers = [torch.optim.Adam(part.parameters(), 3e-3) for part in self.model.children()]
        for _ in range(self.steps):
            rows = torch.randint(0, len(x), (self.batch,))
            for one in optimizers:
                one.zero_grad()
            self.loss(self.model(x[rows]), y[rows]).backward()
            for one in optimizers:
                one.step()


def accumulated() -> Run:
    model = mlp(64, 64, 10)
    return Accumulated(model, adam(model, 3e-3), digits(), nn.CrossEntropyLoss(), steps=200, batch=8)


def half_precision() -> Run:
    model = mlp(64, 64, 10)
    return Scaled(model, adam(model, 3e-3), digits(), nn.CrossEntropyLoss())


def generator() -> Run:
    """The game's losses say nothing of how well it goes; they may only not be taken for an illness."""
    model = mlp(2, 32, 2)
    return Adversarial(model, adam(model, 2e-3), circles(), nn.BCEWithLogitsLoss())


def two_optimisers() -> Run:
    model = nn.Sequential(nn.Sequential(nn.Linear(64, 64), nn.ReLU()), nn.Linear(64, 10))
    return Halves(model, adam(model), digits(), nn.CrossEntropyLoss())


def one_epoch() -> Run:
    return simple(mlp(64, 128, 10), digits(), nn.CrossEntropyLoss(), rate=5e-3, steps=56)


def two_epochs_of_plain_descent() -> Run:
    model = mlp(64, 64, 10)
    return Run(model, torch.optim.SGD(model.parameters(), 0.5), digits(), nn.CrossEntropyLoss(), steps=112)


def validated() -> Run:
    x, y = digits()
    run = simple(mlp(64, 64, 10), (x[:1200], y[:1200]), nn.CrossEntropyLoss(), rate=3e-3, steps=500)
    run.validation = x[1200:], y[1200:]
    return run


def noisy_regression() -> Run:
    """Half of the variance is noise, so that no network gets far below it."""
    x, y = table(*load_diabetes(return_X_y=True))
    y = ((y - y.mean()) / y.std())[:, None].float()
    run = simple(mlp(10, 32, 1), (x[:350], y[:350]), nn.MSELoss(), rate=1e-2, steps=400)
    run.validation = x[350:], y[350:]
    return run


def noisy_moons() -> Run:
    data = table(*make_moons(1000, noise=0.35, random_state=0))
    return simple(mlp(2, 32, 32, 2), data, nn.CrossEntropyLoss(), rate=5e-3, steps=400)


def wine_with_momentum() -> Run:
    model = mlp(13, 16, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    return Run(model, optimizer, table(*load_wine(return_X_y=True)), nn.CrossEntropyLoss(), steps=150)


def tumours_of_plain_descent() -> Run:
    model = mlp(30, 16, 2, activation=nn.Tanh)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    return Run(model, optimizer, table(*load_breast_cancer(return_X_y=True)), nn.CrossEntropyLoss())


def samples_one_by_one() -> Run:
    return simple(mlp(2, 32, 2), circles(), nn.CrossEntropyLoss(), rate=3e-3, batch=1, steps=1500)


@needs(CARS)
def miles() -> Run:
    model = mlp(9, 64, 64, 1)
    for module in model:
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, weight_decay=1e-5)
    return Run(model, optimizer, cars(), nn.MSELoss(), steps=1000)


@needs(IMAGES)
def handwriting() -> Run:
    return simple(mlp(784, 64, 10), images(), nn.CrossEntropyLoss(), rate=3e-3)


class _Tied(nn.Module):
    """An autoencoder whose decoder is its encoder, transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.code = nn.Linear(64, 32)
        self.shift = nn.Parameter(torch.zeros(64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(torch.tanh(self.code(x)), self.code.weight.t(), self.shift)


def tied_weights() -> Run:
    x, _ = digits()
    return simple(_Tied(), (x, x), nn.MSELoss(), rate=3e-3, steps=500)


class _TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.label, self.parity = nn.Linear(64, 64), nn.Linear(64, 10), nn.Linear(64, 2)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.relu(self.trunk(x))
        return self.label(x), self.parity(x)


def two_heads() -> Run:
    def loss(answers: tuple[torch.Tensor, torch.Tensor], y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(answers[0], y) + F.cross_entropy(answers[1], y % 2)

    return simple(_TwoHeads(), digits(), loss, rate=3e-3, steps=400)


class _Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.out = nn.EmbeddingBag(50, 16), nn.Linear(16, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.words(x))


def embedded() -> Run:
    """Which of two words comes more often."""
    x = torch.randint(0, 50, (600, 12), generator=torch.Generator().manual_seed(0))
    y = ((x < 10).sum(1) > (x >= 40).sum(1)).long()
    return simple(_Words(), (x, y), nn.CrossEntropyLoss(), rate=2e-2)


class _Loop(nn.Module):
    """A recurrent net written as a loop over rows."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.again, self.out = nn.Linear(8, 48), nn.Linear(48, 48), nn.Linear(48, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x.new_zeros(len(x), 48)
        for row in x.reshape(-1, 8, 8).unbind(1):
            h = torch.tanh(self.into(row) + self.again(h))
        return self.out(h)


def recurrent_loop() -> Run:
    return simple(_Loop(), digits(), nn.CrossEntropyLoss(), rate=3e-3, steps=400)


def absolute_error_of_waves() -> Run:
    return simple(mlp(4, 64, 64, 1, activation=nn.SiLU), line(), nn.SmoothL1Loss(), rate=5e-3, steps=500)


LOOPS: tuple[Callable[[], Run], ...] = (
    accumulated, half_precision, generator, two_optimisers, one_epoch, two_epochs_of_plain_descent, validated,
    noisy_regression, noisy_moons, wine_with_momentum, tumours_of_plain_descent, samples_one_by_one, miles, handwriting,
    tied_weights, two_heads, embedded, recurrent_loop, absolute_error_of_waves,
)  # fmt: skip
