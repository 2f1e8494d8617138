"""Whether the inputs that were seen tell anything of the targets that they came with."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from trainability.adapters.threads import one_thread
from trainability.core.chart import Pairing

MOST_ROWS: Final = 512
FEWEST_ROWS: Final = 60
FEWEST_OTHERS: Final = 25
"""Samples that are not of the most frequent class."""
MOST_FEATURES: Final = 4096
MOST_CLASSES: Final = 100
MOST_NAMES: Final = 1000
NEIGHBOURS: Final = 5
SHUFFLES: Final = 299
RIDGE: Final = 0.01
"""Of a sample, with features of deviation 1."""


@dataclass
class Pairs:
    """Inputs and targets of the moments so far, row by row."""

    inputs: list[np.ndarray] = field(default_factory=list)
    targets: list[np.ndarray] = field(default_factory=list)
    labels: bool = False
    whole: bool = False

    def add(self, inputs: np.ndarray, targets: np.ndarray, labels: bool = False) -> None:
        """Take in a batch, batch first; `labels` says that the targets are class labels.

        Whole numbers as inputs are names, such as those of words.

        A batch whose inputs and targets do not belong together row by row is left out.
        """
        if not inputs.ndim or not targets.ndim or len(inputs) != len(targets):
            return
        x = inputs.reshape(len(inputs), -1)[:MOST_ROWS]
        y = targets.reshape(len(targets), -1)[:MOST_ROWS]
        fits = not self.inputs or (x.shape[1], y.shape[1]) == (self.inputs[0].shape[1], self.targets[0].shape[1])
        if fits and x.shape[1] <= MOST_FEATURES and (y.shape[1] == 1 or not labels):
            self.labels, self.whole = labels, inputs.dtype.kind in "iu"
            self.inputs.append(np.array(x, float))
            self.targets.append(np.array(y, float))

    def pairing(self) -> Pairing | None:
        """What the pairs seen so far say; None without any."""
        if not self.inputs:
            return None
        x, y = np.concatenate(self.inputs), np.concatenate(self.targets)
        with one_thread():
            if not self.whole:
                return pairing(x, y, self.labels)
            counts = counted(x)
            found = None if counts is None else pairing(counts, y, self.labels)
            # What their order tells is left out, so what is attained with it is not known.
            return None if found is None else dataclasses.replace(found, attainable=math.nan, counted=True)


def counted(names: np.ndarray) -> np.ndarray | None:
    """How often each name comes in each row, shape (samples, names); None where there are too many."""
    known, place = np.unique(names, return_inverse=True)
    if len(known) > MOST_NAMES:
        return None
    counts = np.zeros((len(names), len(known)))
    np.add.at(counts, (np.arange(len(names))[:, None], place.reshape(names.shape)), 1.0)
    return counts


def pairing(x: np.ndarray, y: np.ndarray, labels: bool) -> Pairing:
    """Whether like inputs (samples, features) have like targets (samples, targets), more than by chance.

    The targets' likeness is summed once over pairs of nearest neighbours and once over all pairs, weighted by the
    inputs' inner product, so that both local and linear dependence show; each sum is held against those of shuffled
    targets, and the smaller of the two p-values, doubled, is the answer. A sample that came more than once counts once.

    References: N. Mantel, The detection of disease clustering, Cancer Research 27 (1967); P. Moran, Notes on continuous
    stochastic phenomena, Biometrika 37 (1950).
    """
    known = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
    x, y = x[known], y[known]
    _, first = np.unique(x, axis=0, return_index=True)
    first = np.sort(first)[:: max(1, -(-len(first) // MOST_ROWS))]
    x, y = _standard(x[first]), y[first]
    known_labels = None
    if labels or (y.shape[1] == 1 and len(np.unique(y)) == 2):
        found, place = np.unique(y, return_inverse=True)
        if len(found) > MOST_CLASSES:
            return Pairing(len(x), math.nan, math.nan)
        if len(place) - np.bincount(place.reshape(-1)).max() < FEWEST_OTHERS:
            return Pairing(len(x), math.nan, math.nan)
        known_labels = np.eye(len(found))[place.reshape(-1)]
        y = known_labels - known_labels.mean(axis=0)
    else:
        y = _standard(y)
    if len(x) < FEWEST_ROWS or not x.any() or not y.any():
        return Pairing(len(x), math.nan, math.nan)
    products = x @ x.T
    near = _neighbours(products)
    np.fill_diagonal(products, 0.0)
    draw = np.random.default_rng(0)
    orders = [draw.permutation(len(x)) for _ in range(SHUFFLES)]
    chances = []
    for weights in (near, products):
        found = _likeness(weights, y)
        chances.append((1 + sum(_likeness(weights, y[order]) >= found for order in orders)) / (1 + SHUFFLES))
    size = float(np.sum(y * y)) / len(y)
    likeness = _likeness(near, y) / (NEIGHBOURS * len(x) * size)
    attainable = _attained(near, known_labels) if known_labels is not None else _explained(near, x, y)
    return Pairing(len(x), likeness, min(1.0, 2 * min(chances)), attainable)


def _standard(values: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and deviation 1, those that never change as 0."""
    centred = values - values.mean(axis=0)
    deviation = centred.std(axis=0)
    return np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 1e-12)


def _neighbours(products: np.ndarray) -> np.ndarray:
    """1 where the column is one of the row's nearest neighbours, of inner products (samples, samples)."""
    squares = np.diag(products)
    distance = squares[:, None] + squares[None, :] - 2 * products
    np.fill_diagonal(distance, np.inf)
    nearest = np.argpartition(distance, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    near = np.zeros_like(products)
    np.put_along_axis(near, nearest, 1.0, axis=1)
    return near


def _attained(near: np.ndarray, labels: np.ndarray) -> float:
    """Share of the labels' entropy that the neighbours' votes take away; `labels` are (samples, classes) of 0 and 1."""
    share = labels.mean(axis=0)
    votes = (near @ labels + share) / (NEIGHBOURS + 1)
    entropy = float(-(share * np.log(share)).sum())
    return 1 - float(np.mean(-np.log((votes * labels).sum(axis=1)))) / entropy


def _explained(near: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """Share of the targets' variance that the neighbours' mean explains, or a ridge regression without the sample."""
    moved = y - near @ y / NEIGHBOURS
    hat = x @ np.linalg.solve(x.T @ x + RIDGE * len(x) * np.eye(x.shape[1]), x.T) if x.shape[1] <= len(x) else None
    residuals = [moved] if hat is None else [moved, (y - hat @ y) / np.maximum(1 - np.diag(hat), 1e-3)[:, None]]
    return 1 - min(float(np.sum(r * r)) for r in residuals) / float(np.sum(y * y))


def _likeness(weights: np.ndarray, y: np.ndarray) -> float:
    """Σ wᵢⱼ yᵢ·yⱼ."""
    return float(np.sum(y * (weights @ y)))
