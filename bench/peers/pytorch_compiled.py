"""PyTorch with `torch.compile`, as fast as we could make it; it needs a C++ compiler.

For full batches, two classes and Adam.

One compiled function is a whole step: the matrix products written as multiply and sum with the networks along the last
axis, so that the vector instructions run over networks; derivatives and Adam by hand.
"""

from __future__ import annotations

import functools
import os
import tempfile
import time

import numpy as np

from bench import measurement
from bench.measurement import Check, Measurement, Setting
from bench.works import Work

NAME = "PyTorch compiled"
SLOW_START = True
SETTINGS = (Setting(512, 1), Setting(1024, 1), Setting(1024, 2), Setting(4096, 2))


def _forward(x, weights, biases):
    """What every layer takes in, and the logits (rows, 1, networks)."""
    import torch

    inputs = [x]
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        inputs.append(torch.relu(_linear(inputs[-1], weight, bias)))
    return inputs, _linear(inputs[-1], weights[-1], biases[-1])


def _linear(x, weight, bias):
    """x (rows, fan_in, networks), weight (fan_in, fan_out, networks), bias (fan_out, networks)."""
    return (x[:, :, None, :] * weight[None]).sum(1) + bias[None]


def _step(x, y, weights, biases, means, squares, lr, mean_scale, square_scale):
    """One step of Adam on the mean cross-entropy, in place; y is (rows, 1, 1)."""
    import torch

    inputs, logits = _forward(x, weights, biases)
    delta = (torch.sigmoid(logits) - y) / y.shape[0]
    weight_gradients, bias_gradients = [], []
    for i in reversed(range(len(weights))):
        weight_gradients.insert(0, (inputs[i][:, :, None, :] * delta[:, None]).sum(0))
        bias_gradients.insert(0, delta.sum(0))
        if i:
            delta = (delta[:, None] * weights[i][None]).sum(2) * (inputs[i] > 0)
    for p, m, v, g in zip(weights + biases, means, squares, weight_gradients + bias_gradients, strict=True):
        m.mul_(0.9).add_(g, alpha=0.1)
        v.mul_(0.999).addcmul_(g, g, value=0.001)
        p.sub_(lr * (m * mean_scale) / ((v * square_scale).sqrt() + 1e-8))


@functools.cache
def _forget_earlier_programs() -> tempfile.TemporaryDirectory[str]:
    """Compile anew in every process: programs kept on disk would hide what compiling costs."""
    directory = tempfile.TemporaryDirectory(prefix="inductor-")
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = directory.name
    return directory


class _Trainer:
    def __init__(self, work: Work, setting: Setting, first: int):
        _forget_earlier_programs()
        import torch

        torch._dynamo.config.recompile_limit = 64  # every setting is a program of its own
        self.compile_seconds = 0.0
        self.lr, self.threads = work.lr, setting.threads
        x, y = (torch.from_numpy(a) for a in work.rows)
        self.x, self.y = x[:, :, None].expand(*x.shape, setting.block).contiguous(), y[:, :, None]
        initial = work.initial(setting.block, first)
        self.weights = [torch.from_numpy(np.ascontiguousarray(np.moveaxis(w, 0, -1))) for w, _ in initial]
        self.biases = [torch.from_numpy(np.ascontiguousarray(b.T)) for _, b in initial]
        self.means = [torch.zeros_like(p) for p in self.weights + self.biases]
        self.squares = [torch.zeros_like(p) for p in self.weights + self.biases]
        self.program = torch.compile(_step, fullgraph=True, dynamic=False)
        self.taken = 0

    def advance(self, steps: int) -> int:
        import torch

        torch.set_num_threads(self.threads)
        begun = time.perf_counter()
        with torch.no_grad():
            for _ in range(steps):
                self.taken += 1
                # As tensors, because a changing Python number would be compiled anew.
                scales = (torch.tensor(1 / (1 - beta**self.taken)) for beta in (0.9, 0.999))
                self.program(self.x, self.y, self.weights, self.biases, self.means, self.squares, self.lr, *scales)
                if self.taken == 1:
                    self.compile_seconds = time.perf_counter() - begun
        return steps

    def outputs(self) -> np.ndarray:
        return _forward(self.x, self.weights, self.biases)[1].permute(2, 0, 1).numpy()


def measure(seconds: float, work: Work) -> Measurement:
    """Blocks of the best size, with the better of one and two threads."""
    return measurement.measure(_Trainer, SETTINGS, seconds, work)


def check(work: Work) -> Check:
    """One block."""
    return measurement.check(_Trainer, work)
