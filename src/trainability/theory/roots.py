"""Every root of a function of the variance, seen on a grid of decades."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

_ROUNDING = 2e-13
_NEAR = 0.05
_GUESSES, _SAME = 6, 1e-12
"""Guesses at a root at most, and how far apart in ln q two are that need no third."""


def roots(f: Callable[[float], float], q: np.ndarray, values: np.ndarray) -> list[float]:
    """The roots of `f` between q[0] and q[-1], ascending.

    Values below 2e-13 count as 0, so `f` is to be of order 1: a ratio less 1. An extremum near 0 between two grid
    points is looked at closely, so that two roots in one cell, and one that only touches 0, are found as well.

    Args:
        f: a function of q > 0.
        q: ascending by a constant factor.
        values: f at q; NaN where it is not known.
    """
    found: list[float] = []
    known = np.flatnonzero(np.isfinite(values) & (np.abs(values) > _ROUNDING))
    for a, b in itertools.pairwise(known.tolist()):
        if np.sign(values[a]) != np.sign(values[b]) and np.isfinite(values[a : b + 1]).all():
            found += _between(f, float(q[a]), float(q[b]), _guessed(f, q, values, a, b))
    for i in range(1, len(q) - 1):
        here, left, right = values[i], values[i - 1], values[i + 1]
        if not np.isfinite([left, here, right]).all() or min(abs(left), abs(here), abs(right)) <= _ROUNDING:
            continue
        same = np.sign(left) == np.sign(here) == np.sign(right)
        turns = abs(here) < (1 - 1e-8) * min(abs(left), abs(right)) and abs(here) < _NEAR and same
        if turns:
            found += _closely(f, q[i - 1], q[i + 1], math.copysign(1.0, here))
    return sorted(found)


def _guessed(f: Callable[[float], float], q: np.ndarray, values: np.ndarray, a: int, b: int) -> float | None:
    """The root between places a and b in ln q, by inverse interpolation: half as many values as brackets need.

    None where `f` is not monotonic around it, or guesses do not settle.
    """
    around = slice(max(a - 1, 0), b + 2)
    if b - a > 1 or not np.isfinite(values[around]).all():
        return None
    t, v = np.log(q[around]).tolist(), values[around].tolist()
    before = math.inf
    for _ in range(_GUESSES):
        near = sorted(range(len(v)), key=lambda i: abs(v[i]))[:4]
        t, v = [t[i] for i in near], [v[i] for i in near]
        steps = np.diff(np.array(v)[np.argsort(t)])
        if not ((steps > 0).all() or (steps < 0).all()):
            return None
        # Lagrange's polynomial of ln q by the value, at value 0.
        at = sum(x * math.prod(-u / (w - u) for u in v if u != w) for x, w in zip(t, v, strict=True))
        if not math.log(q[a]) < at < math.log(q[b]):
            return None
        if abs(at - before) <= _SAME:
            return at
        before = at
        t.append(at)
        v.append(f(math.exp(at)))
        if v[-1] == 0:
            return at
    return None


def _between(f: Callable[[float], float], low: float, high: float, guess: float | None = None) -> list[float]:
    from scipy.optimize import brentq

    if guess is not None:
        return [math.exp(guess)]
    if np.sign(f(low)) == np.sign(f(high)):  # the grid's sign was rounding
        return []
    at: Any = brentq(lambda t: f(math.exp(t)), math.log(low), math.log(high), xtol=1e-15)
    return [math.exp(at)]


def _closely(f: Callable[[float], float], low: float, high: float, sign: float) -> list[float]:
    from scipy.optimize import minimize_scalar

    best = minimize_scalar(
        lambda t: sign * f(math.exp(t)), bounds=(math.log(low), math.log(high)), method="bounded",
        options={"xatol": 1e-9},
    )  # fmt: skip
    at, value = math.exp(best.x), best.fun  # pyright: ignore[reportAttributeAccessIssue]
    if value > 1e-12:
        return []
    if value > -1e-12:
        return [at]
    return _between(f, low, at) + _between(f, at, high)
