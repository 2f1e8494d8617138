"""PyTorch as its tutorials have it: one network, autograd, `torch.optim.Adam`, a Python loop."""

from __future__ import annotations

import numpy as np

from bench import measurement
from bench.measurement import COMPARED, Check, Measurement, Setting
from bench.works import WORKS, Work

NAME = "PyTorch loop"
SLOW_START = False
SETTINGS = (Setting(1, 1), Setting(1, 2))


class _Trainer:
    compile_seconds = 0.0

    def __init__(self, work: Work, setting: Setting, first: int):
        import torch
        from torch import nn

        self.threads = setting.threads
        self.x, y = (torch.from_numpy(a) for a in work.rows)
        self.y = y[:, None]
        layers: list[nn.Module] = []
        for (a, b), (w, _) in zip(work.widths, work.initial(1, first), strict=True):
            linear = nn.Linear(a, b)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(w[0].T.copy()))
                linear.bias.zero_()
            layers += [linear, nn.ReLU()]
        self.model = nn.Sequential(*layers[:-1])
        self.loss = nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=work.lr)

    def advance(self, steps: int) -> int:
        import torch

        torch.set_num_threads(self.threads)
        for _ in range(steps):
            self.optimizer.zero_grad()
            self.loss(self.model(self.x), self.y).backward()
            self.optimizer.step()
        return steps

    def logits(self) -> np.ndarray:
        return self.model(self.x).detach().numpy().T


def measure(seconds: float, work: Work = WORKS[0]) -> Measurement:
    """One network at a time, with the better of one and two threads."""
    return measurement.measure(_Trainer, SETTINGS, seconds, work)


def check(work: Work = WORKS[0]) -> Check:
    """A few networks, one after another."""
    return measurement.check(_Trainer, COMPARED, work, together=False)
