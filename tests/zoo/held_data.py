"""Data of the cases that once were judged wrongly, in NumPy."""

from __future__ import annotations

import numpy as np

from tests.zoo.data import Arrays


def blobs(classes: int, width: int = 10, n: int = 900, apart: float = 1.5) -> Arrays:
    """Normal clouds around drawn centres."""
    draw = np.random.default_rng(0)
    centres, y = draw.standard_normal((classes, width)), draw.integers(0, classes, n)
    x = apart * centres[y] + draw.standard_normal((n, width))
    return x.astype(np.float32), y.astype(np.int32)


def by_class(pair: Arrays) -> Arrays:
    """The samples of one class after those of the other."""
    order = np.argsort(pair[1], kind="stable")
    return pair[0][order], pair[1][order]


def rare(n: int = 2500) -> Arrays:
    """Three in a hundred are of the second class, whose first two features lie higher."""
    draw = np.random.default_rng(0)
    y = (draw.random(n) < 0.03).astype(np.int32)
    x = draw.standard_normal((n, 8)) + 1.6 * y[:, None] * (np.arange(8) < 2)
    return x.astype(np.float32), y


def sequences(n: int = 300) -> Arrays:
    """The mean of one of three features over 60 moments."""
    x = np.random.default_rng(0).standard_normal((n, 60, 3)).astype(np.float32)
    return x, 5 * x[:, :, 0].mean(1, keepdims=True)


def nodes(n: int = 150) -> tuple[np.ndarray, Arrays]:
    """A graph whose nodes know those of their own class, as averages over neighbours; features and classes."""
    draw = np.random.default_rng(0)
    y = draw.integers(0, 3, n)
    near = (draw.random((n, n)) < np.where(y[:, None] == y[None], 0.12, 0.01)).astype(float)
    near = ((near + near.T + np.eye(n)) > 0).astype(np.float32)
    x = draw.standard_normal((n, 8)) + 0.7 * np.eye(8)[y]
    return near / near.sum(1, keepdims=True), (x.astype(np.float32), y.astype(np.int32))
