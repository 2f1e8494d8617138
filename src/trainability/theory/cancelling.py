"""Formulas that cancel near 0, such as exp(x) − 1 or 1 − cos(x): there they answer rounding, a staircase.

A Gaussian of small variance sees nothing else. Between 0 and where the formula is good again, it is replaced by a
polynomial in x, on each side one, that is fitted where it is good.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable

import numpy as np

from trainability.theory.functions import Function, Phi
from trainability.theory.quadrature import nodes_of, tails
from trainability.theory.resolution import Resolution

_INNERMOST, _NEAR, _BEYOND = 2.0**-56, 2.0**-20, 4.0
"""Noise shows within `_NEAR`: steepness that a user means does not reach so far in. Once replaced up to an end, φ is
looked at out to `_BEYOND` times it."""

_VANISHES = 2.0**-4
"""The same where φ is exactly 0 within `_NEAR`."""

_TOLERANCE, _ROUNDING = 1e-10, 1e-14
_ENDS = (2.0**-4, 2.0**-6, 2.0**-8, 2.0**-11, 2.0**-14, 2.0**-2)
"""Out to where φ is replaced: the first of them up to which it is a polynomial. The farther, the less noise is kept."""

_DEGREES = (12, 9, 7, 6, 6, 14)
_SAMPLES = 96
_FITTED_FROM = 0.125
_NOISE = 256 * np.finfo(float).eps
"""What rounding leaves of a sum whose terms are no larger than the function itself is on [-1, 1], and then some."""

_SEEN = 1e3
"""A polynomial may differ from φ by so many times what φ's noise is."""

_BESIDE_0 = 1e-300
_AT_ZERO = 1e-12


def without_noise(phi: Phi) -> Phi:
    """`phi`, or where rounding is all that is left of it near 0, the same with that replaced."""
    if not _noisy(phi, _VANISHES if _vanishes(phi) else _NEAR):
        return phi
    return _replaced(phi) or phi


def repaired(value: Function, name: str) -> Function | None:
    """A Python function that has noise around 0, with that replaced; None where it is no such noise."""
    made = _replaced(Phi(name, value, lambda x: np.full(x.shape, np.nan), None, Resolution(value, name)))
    return made.value if made else None


def _replaced(phi: Phi) -> Phi | None:
    # A branch that is chosen by something that cancels, as in max(exp(x) − 1, 0), switches in the noise around 0.
    kinks = None if phi.kinks is None else tuple(sorted({0.0 if abs(k) < _AT_ZERO else k for k in phi.kinks}))
    x = np.linspace(-1.0, 1.0, _SAMPLES)
    with np.errstate(all="ignore"):
        sizes = np.abs(phi.value(x))
    enough = _NOISE * float(sizes[np.isfinite(sizes)].max(initial=0.0))
    for end, degree in zip(_ENDS, _DEGREES, strict=True):
        if kinks and any(0 < abs(k) <= end for k in kinks):
            continue
        sides = [_fitted(phi, sign * end, degree, enough) for sign in (-1.0, 1.0)]
        left, right = sides
        if left is None or right is None:
            continue
        made = dataclasses.replace(phi, value=_joined(phi.value, left, right, end, 0),
                                   slope=_joined(phi.slope, left, right, end, 1), kinks=kinks)  # fmt: skip
        if not _noisy(made, _BEYOND * end):
            return made
    return None


def _vanishes(phi: Phi) -> bool:
    """Whether rounding may have left nothing at all of φ near 0, as of log(1 + x**4)."""
    x = 2.0 ** np.arange(math.log2(_INNERMOST), math.log2(_NEAR))
    with np.errstate(all="ignore"):
        return not phi.value(np.concatenate([-x, x])).any()


def _noisy(phi: Phi, last: float) -> bool:
    """Whether φ or φ′ is not resolved on an octave within `last` of 0, on panels as `Samples` begins with."""
    low = 2.0 ** np.arange(math.log2(_INNERMOST), math.log2(last))
    x = nodes_of(low, 2 * low)
    x = np.concatenate([-x[..., ::-1], x])
    with np.errstate(all="ignore"):
        values = phi.to_resolve(x)
        steepest = float(np.nan_to_num(np.abs(phi.slope(x))).max())
    if not np.isfinite(values).all():
        return True
    distance = np.concatenate([low, low])
    scale = np.stack([distance, np.ones_like(distance)])[: len(values)]
    floor = np.maximum(_ROUNDING * steepest * scale, _TOLERANCE * np.abs(values).max(axis=-1))
    inner = np.maximum.accumulate(np.abs(values).max(axis=-1).reshape(len(values), 2, -1).max(axis=1), axis=-1)
    floor = np.maximum(floor, _ROUNDING * np.concatenate([inner, inner], axis=-1))
    return bool((tails(values) > floor).any())


def _fitted(phi: Phi, end: float, degree: int, enough: float) -> np.polynomial.Polynomial | None:
    """φ from 0 to `end` as a polynomial of x / end; None if it is none up to rounding.

    What φ and φ′ are at 0 is kept where that fits: it is often exact.
    """
    t = _FITTED_FROM + (1 - _FITTED_FROM) * 0.5 * (1 - np.cos(np.pi * (np.arange(_SAMPLES) + 0.5) / _SAMPLES))
    beside = np.array([np.copysign(_BESIDE_0, end)])
    with np.errstate(all="ignore"):
        value = phi.value(end * t)
        known = [float(phi.value(beside)[0]), float(phi.slope(beside)[0]) * end]
    if not np.isfinite(value).all():
        return None
    low = _FITTED_FROM * 2.0 ** np.arange(math.log2(_INNERMOST), 0)
    inner = nodes_of(low, 2 * low)
    with np.errstate(all="ignore"):
        value_inner = phi.value(end * inner)
        # Where rounding has left a plateau, nothing is to be seen.
        noise = np.where(np.ptp(value_inner, axis=-1) > 0, enough + _SEEN * tails(value_inner), np.inf)
    # Of a quotient, as (exp(x) - 1)/x and (1 - cos(x))/x**2 are, the noise grows towards 0 as 1/x and 1/x².
    for power, count in itertools.product((0, 1, 2), (2, 1, 0)):
        fixed = np.array(known[:count])
        if not np.isfinite(fixed).all():
            continue
        rest = value - sum(c * t**k for k, c in enumerate(fixed))
        free = np.arange(count, degree + 1)
        found = np.linalg.lstsq(t[:, None] ** (free + power), rest * t**power, rcond=None)[0]
        made = np.polynomial.Polynomial(np.concatenate([fixed, found]))
        # What a user means by sqrt(x*x + 1e-12) - 1e-6 is no noise: it is smooth.
        off = np.abs(made(inner) - value_inner).max(axis=-1)
        if (np.abs(made(t) - value) * t**power).max() <= enough and not (off > noise).any():
            return made
    return None


def _joined(outside: Function, left: np.polynomial.Polynomial, right: np.polynomial.Polynomial, end: float,
            order: int) -> Callable[[np.ndarray], np.ndarray]:  # fmt: skip
    """The derivative of that order of both polynomials between -end and end, `outside` beyond."""
    if order:
        left, right = left.deriv(), right.deriv()
    factors = ((-1.0 / end) ** order, (1.0 / end) ** order)

    def function(x: np.ndarray) -> np.ndarray:
        answer = outside(x)
        inside = np.abs(x) < end
        if not inside.any():
            return answer
        t = np.abs(x[inside]) / end
        answer = np.array(answer, dtype=float)
        negative = np.signbit(x[inside])
        answer[inside] = np.where(negative, factors[0] * left(t), factors[1] * right(t))
        return answer

    return function
