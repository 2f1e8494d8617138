"""What watching a PyTorch loop costs: a watched run over an unwatched one, by the thread's own processor time."""

from __future__ import annotations

import contextlib
import statistics
import time
from typing import Any

from bench.figure import Effort, Figure, Found

NAME = "watch"
TITLE = "a watched PyTorch loop over an unwatched one; assert_trainable"
WORKS = {"about 1 ms": (192, 3, 96, 1000), "about 50 ms": (1024, 4, 256, 400)}
"""Width, hidden layers, batch, steps."""


def run(effort: Effort) -> Found:
    """Pairs by turns, in an order that changes."""
    import torch

    torch.set_num_threads(1)
    figures, plain = [], {}
    for name, (width, depth, batch, steps) in WORKS.items():
        if effort.quick:
            steps //= 4
        pairs = []
        for turn in range(1 if effort.quick else 5):
            effort.say(f"steps of {name}, pair {turn + 1}")
            seconds = {}
            for watched in (False, True) if turn % 2 else (True, False):
                seconds[watched] = _train(width, depth, batch, steps, watched)
            pairs.append(seconds)
        step = statistics.median(pair[False] for pair in pairs) / steps * 1e3
        figures.append(
            Figure.of(f"watched ÷ unwatched, {steps} steps of {step:.2g} ms", [p[True] / p[False] for p in pairs])
        )
        plain[name] = pairs
    seconds = [_assert_trainable() for _ in range(3)]
    figures.append(Figure.of("assert_trainable, 20 layers", seconds, "s"))
    return Found(figures, {"pairs": plain, "assert_trainable": seconds})


def _model(inputs: int, *widths: int) -> Any:
    import torch

    torch.manual_seed(0)
    parts: list[Any] = []
    for width in widths[:-1]:
        parts += [torch.nn.Linear(inputs, width), torch.nn.ReLU()]
        inputs = width
    return torch.nn.Sequential(*parts, torch.nn.Linear(inputs, widths[-1]))


def _train(width: int, depth: int, batch: int, steps: int, watched: bool) -> float:
    """Seconds of the thread for so many steps of Adam."""
    import torch

    import trainability

    model = _model(64, *[width] * depth, 10)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    x, y = torch.randn(batch, 64), torch.randint(0, 10, (batch,))
    with trainability.watch(model, optimizer) if watched else contextlib.nullcontext():
        begun = time.thread_time()
        for _ in range(steps):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        return time.thread_time() - begun


def _assert_trainable() -> float:
    """Seconds on the clock for a network that is well: 20 layers of 128, He's weights, 64 samples."""
    import torch

    import trainability

    model = _model(64, *[128] * 19, 10)
    for layer in model:
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    batch = torch.randn(64, 64), torch.randint(0, 10, (64,))
    begun = time.perf_counter()
    with contextlib.suppress(AssertionError):
        trainability.testing.assert_trainable(model, batch, torch.nn.CrossEntropyLoss())
    return time.perf_counter() - begun
