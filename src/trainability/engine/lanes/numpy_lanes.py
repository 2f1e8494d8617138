"""NumPy for arrays whose last axis counts trials: a function of one trial, written against it, measures them all."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np


class NumpyOfLanes:
    """The array namespace `numpy` with a hidden last axis of trials.

    A reduction without an axis is over all axes but the last. Sums run over the leading axes in order, element by
    element, so that a trial's result does not depend on how many there are.
    """

    nan = np.nan

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name)
        return (
            functools.partial(_reduced, function) if name in ("mean", "std", "sum", "max", "min", "all") else function
        )


def _reduced(function: Any, array: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return function(array, axis=tuple(range(array.ndim - 1)) if axis is None else axis, keepdims=keepdims)
