"""Experiments in which every combination of several changes is tried: what each change earned, alone and together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Factorial:
    """Results of all combinations of changes.

    Attributes:
        names: the changes.
        values: results, shape (2, …, 2, seeds): one axis a change, index 1 where it was made.
    """

    names: tuple[str, ...]
    values: np.ndarray

    def at(self, *changes: str) -> np.ndarray:
        """The results with these changes and no others, shape (seeds,)."""
        return self.values[tuple(int(name in changes) for name in self.names)]

    def gain(self, *changes: str) -> np.ndarray:
        """What these changes together earn over none, seed by seed."""
        return self.at(*changes) - self.at()

    def main_effect(self, change: str) -> np.ndarray:
        """What a change earns on average over all combinations of the others, seed by seed."""
        without, made = np.moveaxis(self.values, self.names.index(change), 0)
        return (made - without).reshape(-1, self.values.shape[-1]).mean(axis=0)

    def interaction(self, a: str, b: str) -> np.ndarray:
        """How much more `a` earns where `b` is made than where it is not, averaged over the others, seed by seed."""
        x = np.moveaxis(self.values, (self.names.index(a), self.names.index(b)), (0, 1))
        return (x[1, 1] - x[0, 1] - x[1, 0] + x[0, 0]).reshape(-1, self.values.shape[-1]).mean(axis=0)

    def combinations(self) -> list[tuple[str, ...]]:
        """All combinations of changes, fewest changes first."""
        return [c for k in range(len(self.names) + 1) for c in itertools.combinations(self.names, k)]


def mean_interval(samples: Sequence[np.ndarray] | np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and Student's 95 % interval (mean, low, high) of each row of (rows, seeds)."""
    from scipy.stats import t

    x = np.asarray(samples, float)
    n = x.shape[-1]
    middle = x.mean(axis=-1)
    half = t.ppf(0.975, n - 1) * x.std(axis=-1, ddof=1) / np.sqrt(n) if n > 1 else np.full(middle.shape, np.nan)
    return middle, middle - half, middle + half
