"""PyTorch without a compiler, as fast as we could make it: all networks of a block in each operation.

`torch.baddbmm` over the networks, derivatives by hand into one flat gradient, and the fused Adam on one flat parameter.
Derivatives by hand took about half the time that autograd took.
"""

from __future__ import annotations

import numpy as np

from bench import measurement
from bench.measurement import Check, Measurement, Setting
from bench.works import WORKS, Work

NAME = "PyTorch batched"
SLOW_START = False
SETTINGS = tuple(Setting(block, threads) for block in (256, 1024, 4096, 16384) for threads in (1, 2))


class _Trainer:
    compile_seconds = 0.0

    def __init__(self, work: Work, setting: Setting, first: int):
        import torch

        n = setting.block
        self.threads = setting.threads
        x, y = (torch.from_numpy(a) for a in work.rows)
        self.y = y[None, :, None]
        size = sum((a + 1) * b for a, b in work.widths) * n
        self.flat, gradient = torch.nn.Parameter(torch.zeros(size)), torch.zeros(size)
        self.flat.grad = gradient
        self.weights, self.biases = _views(self.flat.data, work, n)
        self.weight_gradients, self.bias_gradients = _views(gradient, work, n)
        for weight, (w, _) in zip(self.weights, work.initial(n, first), strict=True):
            weight.copy_(torch.from_numpy(w))
        # What each layer takes in, and the derivative of the loss by what it puts out.
        self.inputs = [x.expand(n, *x.shape).contiguous()]
        self.inputs += [torch.empty(n, len(x), b) for _, b in work.widths]
        self.deltas = [torch.empty_like(a) for a in self.inputs[1:]]
        self.optimizer = torch.optim.Adam([self.flat], lr=work.lr, fused=True)

    def forward(self) -> None:
        import torch

        last = len(self.weights) - 1
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            out = torch.baddbmm(bias, self.inputs[i], weight, out=self.inputs[i + 1])
            if i < last:
                out.relu_()

    def backward(self) -> None:
        import torch

        relu_backward = torch.ops.aten.threshold_backward.grad_input
        torch.sigmoid(self.inputs[-1], out=self.deltas[-1]).sub_(self.y).div_(self.y.shape[1])
        for i in reversed(range(len(self.weights))):
            inputs, delta = self.inputs[i], self.deltas[i]
            torch.bmm(inputs.mT, delta, out=self.weight_gradients[i])
            torch.sum(delta, 1, keepdim=True, out=self.bias_gradients[i])
            if i:
                below = torch.bmm(delta, self.weights[i].mT, out=self.deltas[i - 1])
                relu_backward(below, inputs, 0, grad_input=below)

    def advance(self, steps: int) -> int:
        import torch

        torch.set_num_threads(self.threads)
        with torch.no_grad():
            for _ in range(steps):
                self.forward()
                self.backward()
                self.optimizer.step()
        return steps

    def logits(self) -> np.ndarray:
        import torch

        with torch.no_grad():
            self.forward()
        return self.inputs[-1][:, :, 0].numpy().copy()


def _views(flat, work: Work, n: int):
    """The weights (networks, fan_in, fan_out) and biases (networks, 1, fan_out) of every layer inside a flat tensor."""
    weights, biases, place = [], [], 0
    for a, b in work.widths:
        weights.append(flat[place : place + n * a * b].view(n, a, b))
        place += n * a * b
        biases.append(flat[place : place + n * b].view(n, 1, b))
        place += n * b
    return weights, biases


def measure(seconds: float, work: Work = WORKS[0]) -> Measurement:
    """Blocks of the best size, with the better of one and two threads."""
    return measurement.measure(_Trainer, SETTINGS, seconds, work)


def check(work: Work = WORKS[0]) -> Check:
    """One block."""
    return measurement.check(_Trainer, 256, work)
