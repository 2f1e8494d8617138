"""How the first weights are drawn.

An initialiser is a distribution and its scale as a function of the layer's fans; that is all an engine needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from trainability.core import random
from trainability.core.catalogue import Catalogue, Choice, Entry

Distribution: TypeAlias = Literal["constant", "uniform", "normal", "truncated_normal", "orthogonal"]


@dataclass(frozen=True, kw_only=True)
class Initializer(Entry):
    """An initialiser of weight matrices (and of biases, where its scale does not need a second fan).

    Attributes:
        distribution: what is drawn before scaling: 1; U(−1, 1); N(0, 1); N(0, 1) cut to [−2, 2]; a random
            matrix with orthonormal rows or columns.
        scale: (fan_in, fan_out, *parameters) -> the factor.
        bias: the text of the initialiser that biases get when the user names none.
        torch, keras, jax: what the libraries call it.
    """

    distribution: Distribution
    scale: Callable[..., float]
    bias: str = "zeros"
    torch: str | None = None
    keras: str | None = None
    jax: str | None = None

    def variance(self, fan_in: int, fan_out: int, values: tuple[float, ...]) -> float:
        """Variance of one weight."""
        unit = {
            "constant": 0.0,
            "uniform": 1.0 / 3.0,
            "normal": 1.0,
            "truncated_normal": 0.7737413035499232,
            "orthogonal": 1.0 / max(fan_in, fan_out),
        }[self.distribution]
        return unit * self.scale(fan_in, fan_out, *values) ** 2


INITIALIZERS: Catalogue[Initializer] = Catalogue("initialiser", __name__, Initializer)


Numbers: TypeAlias = Callable[[str, random.Words, int, int], np.ndarray]
"""(distribution, keys, layer, count) -> float64 of shape (trials, count): `standard`, or the same bits made faster."""


def standard(distribution: str, key: random.Words, layer: int, count: int) -> np.ndarray:
    """U(−1, 1), N(0, 1) or, for ``truncated_normal``, N(0, 1) cut to [−2, 2]: number i of word pair (layer, i)."""
    u = random.uniform(random.words(key, layer, count))
    if distribution == "uniform":
        return 2.0 * u - 1.0
    return random.truncated_normal(u) if distribution == "truncated_normal" else random.normal(u)


def draw(
    choice: Choice[Initializer],
    key: random.Words,
    layer: int,
    shape: tuple[int, ...],
    fans: tuple[int, int],
    numbers: Numbers = standard,
) -> np.ndarray:
    """First weights of one layer for many trials: float64 of shape (trials, *shape).

    Weight i of the layer (C order) is made from word pair (layer, i) of the trial's key alone.

    Args:
        key: the trials' keys for the weights or the biases, two uint32 arrays of shape (trials,).
        layer: the layer's number, 0 for the first.
        shape: of one trial's array, (fan_in, fan_out) for weights.
        fans: (fan_in, fan_out) of the layer.
        numbers: draws before scaling.
    """
    entry, size, trials = choice.entry, int(np.prod(shape)), len(key[0])
    scale = entry.scale(*fans, *choice.values)
    if entry.distribution == "constant":
        return np.full((trials, *shape), float(scale))
    orthogonal = entry.distribution == "orthogonal"
    drawn = numbers("normal" if orthogonal else entry.distribution, key, layer, size).reshape(trials, *shape)
    if orthogonal:
        drawn = _orthonormal(drawn)
    return scale * drawn


def _orthonormal(matrix: np.ndarray) -> np.ndarray:
    """The shorter side of each matrix (trials, m, n) made orthonormal: Gram-Schmidt, twice for accuracy.

    Own code instead of LAPACK's QR so that a trial's bits depend on no library's threads or block sizes: sums run in
    the order of the rows.
    """
    if matrix.ndim < 3:
        matrix = matrix[:, None, :]
        return _orthonormal(matrix)[:, 0, :]
    wide = matrix.shape[1] < matrix.shape[2]
    vectors = matrix.copy() if wide else matrix.transpose(0, 2, 1).copy()
    for j in range(vectors.shape[1]):
        v = vectors[:, j, :]
        for _ in range(2):
            for i in range(j):
                v = v - _dot(vectors[:, i, :], v)[:, None] * vectors[:, i, :]
        vectors[:, j, :] = v / np.sqrt(_dot(v, v))[:, None]
    return vectors if wide else vectors.transpose(0, 2, 1)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.cumsum(a * b, axis=-1)[:, -1]
