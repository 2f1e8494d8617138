"""The first number that is not finite, of a pass from inputs to loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from typing import Final

import numpy as np

from trainability.core.chart import Origin

_MASKING: Final = frozenset({"masked_fill", "masked_fill_", "where", "select_n", "full", "full_like", "triu", "tril"})


@dataclass(frozen=True)
class Done:
    """An operation on floating-point numbers, which are named by whole numbers.

    Attributes:
        name: of the function.
        layer: of a layer whose answer this is, else None.
    """

    name: str
    layer: str | None
    output: int
    inputs: tuple[int, ...]


def first_bad(
    done: Iterable[Done], value: Callable[[int], np.ndarray], weights: Set[int], losses: Set[str], step: int
) -> Origin:
    """Where something that is not finite was first answered.

    The −∞ with which a mask keeps numbers out of a softmax is meant so, and passed over.

    Args:
        done: in the order in which it was done.
        value: the array that a number stands for.
        weights: numbers of the model's own arrays. losses: names of functions that are losses.
    """
    layer = "inputs"
    made: set[int] = set()
    masked: set[int] = set()
    for operation in done:
        layer = operation.layer or layer
        made.add(operation.output)
        answer, given = value(operation.output), {one: value(one) for one in operation.inputs}
        if np.isfinite(answer).all():
            continue
        bad = {one for one, values in given.items() if not np.isfinite(values).all()}
        meant = all(one in masked or _is_mask(given[one]) for one in bad) if bad else operation.name in _MASKING
        if meant and _only_low(answer):
            masked.add(operation.output)
            continue
        direction = "weights" if weights & bad else "inputs" if bad - made else "forward"
        if operation.name in losses and direction == "forward":
            direction = "loss"
        return Origin(layer, step, direction, max(map(_largest, given.values()), default=math.nan))
    return Origin(layer, step, "loss", math.nan)


def _only_low(values: np.ndarray) -> bool:
    """Whether what is not finite is −∞."""
    return bool(np.isneginf(values[~np.isfinite(values)]).all())


def _is_mask(values: np.ndarray) -> bool:
    """Whether there are zeros and −∞ alone: something to be added to scores."""
    return _only_low(values) and not values[np.isfinite(values)].any()


def _largest(values: np.ndarray) -> float:
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
