"""PyTorch without a compiler, as fast as we could make it: all networks of a block in each operation.

`torch.baddbmm` over the networks, derivatives by hand into one flat gradient, and one optimiser on one flat parameter.
Derivatives by hand took about half the time that autograd took. Adam is fastest fused; plain SGD, which is a single
operation, without.
"""

from __future__ import annotations

import numpy as np

from bench import measurement
from bench.measurement import Check, Measurement, Setting
from bench.works import Work

NAME = "PyTorch batched"
SLOW_START = False
SETTINGS = tuple(Setting(block, threads) for threads in (1, 2) for block in (16, 64, 256, 1024, 4096, 16384))


class _Trainer:
    compile_seconds = 0.0

    def __init__(self, work: Work, setting: Setting, first: int):
        import torch

        torch.set_flush_denormal(True)  # dying networks would slow the others
        n, rows = setting.block, work.step_rows
        self.threads = setting.threads
        self.x, self.y = (torch.from_numpy(a) for a in work.rows)
        self.batches = work.batches(n, first) if work.batch else None
        size = sum((a + 1) * b for a, b in work.widths) * n
        self.flat, gradient = torch.nn.Parameter(torch.zeros(size)), torch.zeros(size)
        self.flat.grad = gradient
        self.weights, self.biases = _views(self.flat.data, work, n)
        self.weight_gradients, self.bias_gradients = _views(gradient, work, n)
        for weight, (w, _) in zip(self.weights, work.initial(n, first), strict=True):
            weight.copy_(torch.from_numpy(w))
        # What each layer takes in, and the derivative of the loss by what it puts out.
        units = [work.widths[0][0], *(b for _, b in work.widths)]
        self.inputs = [torch.empty(n, rows, b) for b in units]
        self.deltas = [torch.empty_like(a) for a in self.inputs[1:]]
        self.targets = torch.empty(n, rows, units[-1])
        if not work.batch:
            self.inputs[0].copy_(self.x)
            self.targets.copy_(self.y)
        if work.optimizer == "adam":
            self.optimizer = torch.optim.Adam([self.flat], lr=work.lr, fused=True)
        else:
            self.optimizer = torch.optim.SGD([self.flat], lr=work.lr, foreach=False)

    def take(self) -> None:
        """Gather the next batch of every network."""
        import torch

        if self.batches:
            chosen = torch.from_numpy(next(self.batches).reshape(-1))
            for source, place in ((self.x, self.inputs[0]), (self.y, self.targets)):
                torch.index_select(source, 0, chosen, out=place.view(-1, place.shape[2]))

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
        outputs, delta = self.inputs[-1], self.deltas[-1]
        if outputs.shape[2] == 1:
            torch.sigmoid(outputs, out=delta)
        else:
            torch.softmax(outputs, 2, out=delta)
        delta.sub_(self.targets).div_(outputs.shape[1])
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
                self.take()
                self.forward()
                self.backward()
                self.optimizer.step()
        return steps

    def outputs(self) -> np.ndarray:
        import torch

        with torch.no_grad():
            answer = self.x
            for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
                answer = torch.matmul(answer.relu() if i else answer, weight) + bias
        return answer.numpy()


def _views(flat, work: Work, n: int):
    """The weights (networks, fan_in, fan_out) and biases (networks, 1, fan_out) of every layer inside a flat tensor."""
    weights, biases, place = [], [], 0
    for a, b in work.widths:
        weights.append(flat[place : place + n * a * b].view(n, a, b))
        place += n * a * b
        biases.append(flat[place : place + n * b].view(n, 1, b))
        place += n * b
    return weights, biases


def measure(seconds: float, work: Work) -> Measurement:
    """Blocks of the best size, with the better of one and two threads."""
    return measurement.measure(_Trainer, SETTINGS, seconds, work)


def check(work: Work) -> Check:
    """One block."""
    return measurement.check(_Trainer, work)
