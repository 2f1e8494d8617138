"""PyTorch as its tutorials have it: one network, autograd, an optimiser of `torch.optim`, a Python loop."""

from __future__ import annotations

import numpy as np

from bench import measurement
from bench.measurement import COMPARED, Check, Measurement, Setting
from bench.works import Work

NAME = "PyTorch loop"
SLOW_START = False
SETTINGS = (Setting(1, 1), Setting(1, 2))


class _Trainer:
    compile_seconds = 0.0

    def __init__(self, work: Work, setting: Setting, first: int):
        import torch
        from torch import nn

        torch.set_flush_denormal(True)
        self.threads = setting.threads
        self.x, self.y = (torch.from_numpy(a) for a in work.rows)
        self.batches = work.batches(1, first) if work.batch else None
        layers: list[nn.Module] = []
        for (a, b), (w, _) in zip(work.widths, work.initial(1, first), strict=True):
            linear = nn.Linear(a, b)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(w[0].T.copy()))
                linear.bias.zero_()
            layers += [linear, nn.ReLU()]
        self.model = nn.Sequential(*layers[:-1])
        self.loss = nn.BCEWithLogitsLoss() if self.y.shape[1] == 1 else nn.CrossEntropyLoss()
        optimizer = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[work.optimizer]
        self.optimizer = optimizer(self.model.parameters(), lr=work.lr)

    def advance(self, steps: int) -> int:
        import torch

        torch.set_num_threads(self.threads)
        x, y = self.x, self.y
        for _ in range(steps):
            if self.batches:
                chosen = torch.from_numpy(next(self.batches)[0])
                x, y = self.x[chosen], self.y[chosen]
            self.optimizer.zero_grad()
            self.loss(self.model(x), y).backward()
            self.optimizer.step()
        return steps

    def outputs(self) -> np.ndarray:
        return self.model(self.x).detach().numpy()[None]


def measure(seconds: float, work: Work) -> Measurement:
    """One network at a time, with the better of one and two threads."""
    return measurement.measure(_Trainer, SETTINGS, seconds, work)


def check(work: Work) -> Check:
    """A few networks, one after another."""
    return measurement.check(_Trainer, work, COMPARED)
