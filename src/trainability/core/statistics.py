"""Intervals, tests and order statistics for solved-or-not trials.

A trial is one Bernoulli draw. Trials of two cells are *paired* where they share a seed, else unpaired.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from trainability.core.errors import SpecError

QUARTILES = (0.25, 0.5, 0.75)


def wilson(successes: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score interval (low, high) for a proportion, elementwise over counts that broadcast.

    n = 0 gives (0, 1). Raises SpecError if `level` is not between 0 and 1, ValueError if a count is not
    possible. Reference: Wilson (1927), J. Am. Stat. Assoc. 22:209-212.
    """
    k, n = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    if not np.all((k >= 0) & (k <= n)):
        raise ValueError("successes must lie between 0 and n")
    z = _two_sided_z(level)
    some = np.maximum(n, 1)  # n = 0 is answered by its two ends below
    share = k / some
    centre = (share + z**2 / (2 * some)) / (1 + z**2 / some)
    half = z / (1 + z**2 / some) * np.sqrt(share * (1 - share) / some + z**2 / (4 * some**2))
    # The ends are exact where the formula is 0 or 1 up to rounding.
    return np.where(k == 0, 0.0, centre - half), np.where(k == n, 1.0, centre + half)


def mcnemar(a: ArrayLike, b: ArrayLike) -> float:
    """McNemar's exact two-sided p-value for paired outcomes `a` and `b`, bool, shape (pairs,).

    Of the pairs that differ, those that `a` wins are Binomial(differing, 1/2) under the null hypothesis; if
    no pair differs p is 1. Raises ValueError if the shapes differ.
    Reference: McNemar (1947), Psychometrika 12:153-157.
    """
    from scipy.special import bdtr

    _, a_only, b_only, _ = _pairs(a, b)
    # The binomial with p = 1/2 is symmetric, so the two-sided p-value is twice the smaller tail.
    return min(1.0, 2 * float(bdtr(min(a_only, b_only), a_only + b_only, 0.5)))


def two_proportions(successes_1: int, n_1: int, successes_2: int, n_2: int) -> float:
    """Fisher's exact two-sided p-value that two unpaired proportions are equal; 1 if a sample is empty.

    Raises ValueError if a count is not possible. Reference: Fisher (1935), J. R. Stat. Soc. 98:39-82.
    """
    from scipy.stats import fisher_exact

    if not (0 <= successes_1 <= n_1 and 0 <= successes_2 <= n_2):
        raise ValueError("successes must lie between 0 and n")
    if n_1 == 0 or n_2 == 0:
        return 1.0
    table = [[successes_1, n_1 - successes_1], [successes_2, n_2 - successes_2]]
    return min(1.0, float(np.asarray(fisher_exact(table))[1]))


def paired_difference(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
    """The difference of two paired proportions, rate of `a` minus rate of `b`, as (difference, low, high).

    Newcombe's method 10: the Wilson intervals of both rates, joined with their correlation φ, whose positive
    values carry a continuity correction. No pairs give (nan, -1, 1). `a` and `b` are bool, shape (pairs,).
    Raises SpecError if `level` is not between 0 and 1, ValueError if the shapes differ.
    Reference: Newcombe (1998), Stat. Med. 17:2635-2650.
    """
    both, a_only, b_only, neither = _pairs(a, b)
    n = both + a_only + b_only + neither
    wins = np.array([both + a_only, both + b_only])
    low, high = wilson(wins, n, level)
    if n == 0:
        return math.nan, -1.0, 1.0
    rates = wins / n
    covariance = both * neither - a_only * b_only
    if covariance > 0:
        covariance = max(covariance - n / 2, 0)
    spread = math.sqrt(float(wins[0]) * float(wins[1]) * float(n - wins[0]) * float(n - wins[1]))
    phi = covariance / spread if spread else 0.0
    below, above = rates - low, high - rates
    difference = float(rates[0] - rates[1])
    down = math.sqrt(max(below[0] ** 2 - 2 * phi * below[0] * above[1] + above[1] ** 2, 0))
    up = math.sqrt(max(above[0] ** 2 - 2 * phi * above[0] * below[1] + below[1] ** 2, 0))
    return difference, max(difference - down, -1.0), min(difference + up, 1.0)


def holm(p_values: ArrayLike) -> np.ndarray:
    """Holm's step-down adjusted p-values, in the order given, shape (tests,).

    Rejecting where the result is at most α keeps the chance of any false rejection at most α, however the
    tests depend on each other. Raises ValueError if a p-value is not between 0 and 1.
    Reference: Holm (1979), Scand. J. Stat. 6:65-70.
    """
    p = np.asarray(p_values, float)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise ValueError("p-values must be a list of numbers between 0 and 1")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted


def quantiles(values: ArrayLike, shares: Sequence[float] = QUARTILES) -> np.ndarray:
    """The order statistics of `values`: per share the least value with at least that share at or below it.

    NaN and None are left out; +inf (such as "never solved") counts as the largest value. An answer is always
    one of the values (of an even number, the median is the lower of the middle two), because interpolating
    towards inf has no meaning. No values give NaN. The result has the shape (shares,).
    Raises ValueError if a share is not between 0 and 1.
    """
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError("shares must lie between 0 and 1")
    x = np.asarray(values, float).ravel()
    x = np.sort(x[~np.isnan(x)])
    if not len(x):
        return np.full(len(shares), math.nan)
    # The tiny step back keeps 0.07 * 100 = 7.000000000000001 at the seventh value.
    return x[[max(math.ceil(share * len(x) - 1e-9) - 1, 0) for share in shares]]


def _two_sided_z(level: float) -> float:
    """The normal quantile that leaves (1 - level)/2 above it."""
    from scipy.special import ndtri

    if not 0 < level < 1:
        raise SpecError(f"the confidence level must be between 0 and 1, got {level:g}; 0.95 is usual")
    return float(ndtri((1 + level) / 2))


def _pairs(a: ArrayLike, b: ArrayLike) -> tuple[int, int, int, int]:
    """How many pairs are true in both, in `a` only, in `b` only, in neither."""
    a, b = np.asarray(a, bool), np.asarray(b, bool)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"paired outcomes need two lists of one length, got shapes {a.shape} and {b.shape}")
    return int((a & b).sum()), int((a & ~b).sum()), int((~a & b).sum()), int((~a & ~b).sum())
