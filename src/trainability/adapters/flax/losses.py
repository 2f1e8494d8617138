"""The loss of every step, from what the step hands back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import numpy as np
from flax import nnx

CLOSE = 1e-2
"""By which share a number may differ from the loss that was seen, and still be it: of half precision, say."""
_Before: TypeAlias = tuple[nnx.metrics.Average, Any, Any]
"""An average, with the sum and the count that it held before a step."""


class Losses:
    """Finds out, from the first step whose loss was seen, where that loss stands in what a step hands back.

    It may be a scalar of the answer, or what an ``nnx.metrics.Average`` among the arguments took in. Arrays are turned
    into numbers only when they are there, so that nobody waits for the device.
    """

    def __init__(self) -> None:
        self.found: list[float] = []
        self._waiting: list[tuple[Any, ...]] = []
        self._early: list[tuple[Any, Any]] = []
        self._leaf: int | None = None
        self._metric: nnx.metrics.Average | None = None
        self.settled = False
        self.unscaled = False

    @property
    def known(self) -> bool:
        """Whether steps tell their loss."""
        return self._leaf is not None or self._metric is not None

    def before(self, arguments: Any) -> list[_Before]:
        """The averages among a step's arguments, with what they hold before it."""
        if self.settled:
            averages = [self._metric] if self._metric is not None else []
        else:
            nodes = [node for _, node in nnx.iter_graph(arguments)]
            averages = [node for node in nodes if isinstance(node, nnx.metrics.Average)]
        return [(one, one.total.get_value(), one.count.get_value()) for one in averages]

    def settle(self, seen: float | None, answer: Any, before: Sequence[_Before], factor: float = 1.0) -> None:
        """Decide where losses stand, once; `seen` is this step's loss, None if it was not seen.

        One that was made a `factor` larger for half precision may be handed back without it: then they are `unscaled`.
        """
        if self.settled:
            return
        self.settled = True
        self._find(seen, answer, before)
        if seen is not None and factor != 1 and not self.known:
            self._find(seen / factor, answer, before)
            self.unscaled = self.known
        self._waiting += [self._read(*early) for early in self._early]

    def _find(self, seen: float | None, answer: Any, before: Sequence[_Before]) -> None:
        scalars = list(enumerate(_scalars(answer)))
        near = [(_apart(float(value), seen), i) for i, value in scalars]
        far = [(_apart(_difference(*_after(one)), seen), i) for i, one in enumerate(before)]
        if near and min(near)[0] <= CLOSE:
            self._leaf = min(near)[1]
        elif far and min(far)[0] <= CLOSE:
            self._metric = before[min(far)[1]][0]

    def take(self, answer: Any, before: Sequence[_Before], seen: float | None) -> None:
        """Take in a step's loss; `seen` where it is known otherwise."""
        scalars, averages = _scalars(answer), [(one[0], _after(one)) for one in before]
        if not self.settled:
            self._early.append((scalars, averages))
        elif seen is not None and not self.known:
            self._waiting.append((seen,))
        else:
            self._waiting.append(self._read(scalars, averages))
        while self._waiting and all(_ready(value) for value in self._waiting[0]):
            self._turn()

    def _read(self, scalars: Sequence[Any], averages: Sequence[tuple[Any, tuple[Any, ...]]]) -> tuple[Any, ...]:
        """What a step's loss is to be made of, as it stands in its answer and averages."""
        if self._leaf is not None and self._leaf < len(scalars):
            return (scalars[self._leaf],)
        return next((parts for metric, parts in averages if metric is self._metric), (math.nan,))

    def finish(self) -> list[float]:
        """All losses so far."""
        if not self.settled:
            return [math.nan for _ in self._early]
        while self._waiting:
            self._turn()
        return self.found

    def _turn(self) -> None:
        self.found.append(_difference(*self._waiting.pop(0)))


def _scalars(answer: Any) -> list[Any]:
    """The floating scalars of an answer, in order."""
    return [
        leaf for leaf in jax.tree.leaves(answer)
        if isinstance(leaf, float) or (isinstance(leaf, jax.Array | np.ndarray | np.generic) and leaf.size == 1
                                       and jax.numpy.issubdtype(leaf.dtype, np.floating))
    ]  # fmt: skip


def _ready(value: Any) -> bool:
    return not isinstance(value, jax.Array) or value.is_ready()  # pyright: ignore[reportAttributeAccessIssue]


def _apart(value: float, seen: float | None) -> float:
    if seen is None:  # then the first is as good as any
        return 0.0
    if value == seen or (math.isnan(value) and math.isnan(seen)):
        return 0.0
    return abs(value - seen) / max(abs(seen), 1e-12) if math.isfinite(value - seen) else math.inf


def _after(one: _Before) -> tuple[Any, ...]:
    """Sum and count of an average now, and before the step."""
    metric, total, count = one
    return metric.total.get_value(), metric.count.get_value(), total, count


def _difference(now: Any, count: Any = 1, before: Any = 0, counted: Any = 0) -> float:
    """A loss, or what came into an average."""
    steps = float(np.asarray(count)) - float(np.asarray(counted))
    return (float(np.asarray(now).reshape(())) - float(np.asarray(before))) / steps if steps > 0 else math.nan
