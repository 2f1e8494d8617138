"""More of PyTorch's silent mistakes as recipes, and MNIST at a rate of 3."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits, make_circles
from torch import nn

from tests.zoo.files import IMAGES, images, needs
from tests.zoo.torch_recipes import _adam, _mlp, _split
from trainability import Recipe


def _digits(scale: float = 16.0, shuffled: bool = False) -> tuple[Any, Any]:
    x, y = load_digits(return_X_y=True)
    y = np.random.default_rng(1).permutation(y) if shuffled else y
    return _split(x / scale, y, labels=True)


def _circles(columns: bool = False) -> tuple[Any, Any]:
    x, y = (np.asarray(part) for part in make_circles(1000, noise=0.1, factor=0.5, random_state=0))
    return _split(x, y[:, None].astype(float) if columns else y, labels=not columns)


@needs(IMAGES)
def images_at_a_rate_of_3(seed: int) -> Recipe:
    """i: MNIST, no activation, squared error, a rate of 3: 3,000 of the images."""
    x, y = (part[:3000] for part in images())
    train, held = _split(x, np.eye(10)[y], labels=False)
    model = _mlp((784, 64, 10), nn.Identity)
    return Recipe(model, nn.MSELoss(), torch.optim.SGD(model.parameters(), 3.0), train, held, 5, 32)


def images_to_255(seed: int) -> Recipe:
    """k: images in 0 to 255."""
    train, held = _digits(16 / 255)
    model = _mlp((64, 32, 32, 10), nn.Sigmoid)
    return Recipe(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.1), train, held, 10, 32)


def sigmoid_before_logits(seed: int) -> Recipe:
    """k: sigmoid before ``BCEWithLogitsLoss``."""
    train, held = _circles(columns=True)
    model = _mlp((2, 32, 1), nn.Tanh, nn.Sigmoid())
    return Recipe(model, nn.BCEWithLogitsLoss(), _adam(model, 1e-2), train, held, 20, 32)


def eval_left_on(seed: int) -> Recipe:
    """k: ``eval()`` left on, where only normalised layers let a gradient through."""
    train, held = _circles()
    layers: list[nn.Module] = []
    for width in (2, *[16] * 7):
        layers += [nn.Linear(width, 16), nn.BatchNorm1d(16), nn.Sigmoid()]
    model = nn.Sequential(*layers, nn.Linear(16, 2)).eval()
    return Recipe(model, nn.CrossEntropyLoss(), _adam(model, 1e-2), train, held, 20, 32)


def frozen_backbone(seed: int) -> Recipe:
    """k: a frozen backbone by accident, as it was drawn, and small."""
    train, held = _digits()
    model = _mlp((64, 64, 64, 10), nn.ReLU)
    for parameter in model[:4].parameters():
        parameter.requires_grad_(False).mul_(0.02)
    return Recipe(model, nn.CrossEntropyLoss(), _adam(model, 1e-3), train, held, 10, 32)


def head_replaced(seed: int) -> Recipe:
    """k: the optimiser was built before the head was replaced, by one that begins with zeros."""
    train, held = _digits()
    model = _mlp((64, 64, 10), nn.ReLU)
    optimizer = _adam(model, 1e-2)
    model[-1] = nn.Linear(64, 10)
    nn.init.zeros_(model[-1].weight)
    return Recipe(model, nn.CrossEntropyLoss(), optimizer, train, held, 10, 32)


class _Cut(nn.Module):
    """Six units that no gradient comes back to."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = _mlp((64, 6), nn.Tanh), _mlp((6, 32, 10), nn.Tanh)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(torch.tanh(self.before(x)).detach())


def detached(seed: int) -> Recipe:
    """k: ``.detach()`` in the forward pass: no operation takes that away."""
    train, held = _digits()
    model = _Cut()
    return Recipe(model, nn.CrossEntropyLoss(), _adam(model, 1e-2), train, held, 10, 32)


def shuffled_labels(seed: int) -> Recipe:
    """k: labels shuffled: there is nothing to learn."""
    train, held = _digits(shuffled=True)
    model = _mlp((64, 32, 10), nn.ReLU)
    return Recipe(model, nn.CrossEntropyLoss(), _adam(model, 1e-2), train, held, 10, 32)


WELL_WIRED = {
    images_at_a_rate_of_3: 0.85, images_to_255: 0.95, sigmoid_before_logits: 0.85, eval_left_on: 0.85,
    frozen_backbone: 0.95, head_replaced: 0.95,
}  # fmt: skip
"""As `torch_recipes.WELL`."""
