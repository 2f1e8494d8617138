"""The phase diagram: χ₁ and q* over a grid of (σ_w, σ_b), and the curve on which χ₁ = 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory.functions import Activating
from trainability.theory.moments import moments
from trainability.theory.phases import slope_limit

_START = 1.0
_STEPS = 60
_POINTS_A_ROW, _LEAST_ROWS = 8, 4
_NOTHING, _LARGEST = 1e-200, 1e6
"""Below what an expectation counts as 0; q* up to which the edge is drawn, beyond which a σ_b² is lost in rounding."""
_FLAT = 1e-6
"""What a spline leaves of a difference that is 0."""


@dataclass(frozen=True)
class PhaseDiagram:
    """What a network of each gain and bias is, at the fixed point that variance 1 moves to.

    Attributes:
        sigma_w: shape (columns,). sigma_b: shape (rows,).
        q: the variance q*, shape (rows, columns); inf where it grows without bound.
        chi_1: χ₁ there, likewise; its limit where q is inf, NaN where that is not known. Both to about 1e-5.
    """

    sigma_w: np.ndarray
    sigma_b: np.ndarray
    q: np.ndarray
    chi_1: np.ndarray

    @property
    def bounded(self) -> np.ndarray:
        """Where the variance settles: bool, shape (rows, columns)."""
        return np.isfinite(self.q)

    @property
    def chaotic(self) -> np.ndarray:
        """Where gradients grow: bool, shape (rows, columns)."""
        return self.chi_1 > 1


@dataclass(frozen=True)
class Edge:
    """The edge of chaos as a curve, by ascending q*.

    Attributes:
        sigma_w, sigma_b: shape (points,), both NaN at points that would need a negative σ_b².
        q: the variance at which χ₁ = 1 there, likewise.
        attracts: whether layers stay at that variance: bool, likewise.
    """

    sigma_w: np.ndarray
    sigma_b: np.ndarray
    q: np.ndarray
    attracts: np.ndarray


def phase_diagram(
    phi: Activating, sigma_w: Sequence[float] | np.ndarray | None = None,
    sigma_b: Sequence[float] | np.ndarray | None = None,
) -> PhaseDiagram:  # fmt: skip
    """χ₁ and q* on a grid.

    Args:
        phi: a catalogue name, a formula or a function of a NumPy array.
        sigma_w: the columns' gains; 128 from 0.1 to 4 when left out.
        sigma_b: the rows' bias deviations; 128 from 0 to 1 when left out.

    Raises:
        SpecError: a deviation is negative, or the activation has no finite expectations.
    """
    w = _axis(np.linspace(0.1, 4, 128) if sigma_w is None else sigma_w, "sigma_w")
    b = _axis(np.linspace(0, 1, 128) if sigma_b is None else sigma_b, "sigma_b")
    m = moments(phi)
    table = m.table
    known = np.isfinite(table.slope_second)
    if known.sum() < 2:
        m.at("slope_second", 1.0)
        raise SpecError(f"E[φ′²] of '{m.name}' is not known at most variances: its slope is singular")
    log_q = np.log(table.q)
    second, slope = _between(log_q, table.second), _between(log_q[known], table.slope_second[known])
    w2, b2 = np.broadcast_arrays(w[None, :] ** 2, b[:, None] ** 2)

    def upwards(t: np.ndarray) -> np.ndarray:
        """Whether the map moves the variance e^t up: bool, shape (rows, columns)."""
        return w2 * second(t) + b2 > np.exp(t)

    low, high = _bracket(log_q, w2 * table.second[:, None, None] + b2 > table.q[:, None, None])
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        up = upwards(middle)
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    lowest, highest = log_q[0], log_q[-1]
    q, chi = np.exp(high), w2 * slope(np.maximum(high, log_q[known][0]))
    # Nothing above (or below) where the search started moves the variance back.
    q = np.where(high >= highest - 1e-9, np.inf, q)
    zero = high <= lowest + 1e-9
    q, chi = np.where(zero, 0.0, q), np.where(zero, _at_zero(w2, m.limit("slope_second")), chi)
    limit = slope_limit(m)
    chi = np.where(np.isinf(q), math.nan if limit is None else w2 * limit, chi)
    return PhaseDiagram(w, b, q, chi)


def edge_of_chaos(phi: Activating) -> Edge:
    """For each variance q* the σ_w² = 1 / E[φ′²] and σ_b² = q* − E[φ²] / E[φ′²] at which χ₁ = 1, to about 1e-5.

    Args:
        phi: a catalogue name, a formula or a function of a NumPy array.

    Raises:
        SpecError: the activation has no finite expectations.
    """
    from scipy.interpolate import CubicSpline

    table = moments(phi).table
    usable = (table.second > _NOTHING) & (table.slope_second > _NOTHING) & (table.q <= _LARGEST)
    rows = _longest(usable)
    if rows.stop - rows.start < _LEAST_ROWS:
        nowhere = np.full(1, math.nan)
        return Edge(nowhere, nowhere, nowhere, np.zeros(1, bool))
    log_q, slopes = np.log(table.q[rows]), table.slope_second[rows]
    t = np.linspace(log_q[0], log_q[-1], 1 + _POINTS_A_ROW * (len(log_q) - 1))
    with np.errstate(all="ignore"):
        q, second, slope = np.exp(t), _between(log_q, table.second[rows])(t), _between(log_q, slopes)(t)
        chi_q = CubicSpline(log_q, table.growth[rows] / slopes)(t)
        bias = q - second / slope
    bias = np.where(np.abs(bias) <= _FLAT * q, 0.0, bias)
    there = bias >= 0
    sigma_w, sigma_b = np.full((2, len(t)), np.nan)
    sigma_w[there], sigma_b[there] = 1 / np.sqrt(slope[there]), np.sqrt(bias[there])
    return Edge(sigma_w, sigma_b, q, there & (chi_q <= 1 + _FLAT))


def _between(log_q: np.ndarray, values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A spline through `values`; where all are positive, through their logarithms, which do not overshoot."""
    from scipy.interpolate import CubicSpline

    if (values <= 0).any():
        return CubicSpline(log_q, values)
    logarithm = CubicSpline(log_q, np.log(values))
    return lambda t: np.exp(logarithm(t))


def _longest(good: np.ndarray) -> slice:
    """The longest run of rows that are good."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(int))).reshape(-1, 2)
    return slice(*ends[np.argmax(ends[:, 1] - ends[:, 0])].tolist()) if len(ends) else slice(0, 0)


def _at_zero(w2: np.ndarray, slope: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.where(w2 > 0, w2 * slope, 0.0)


def _bracket(log_q: np.ndarray, up: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The logarithms of neighbours on the grid between which the variance, on its way from 1, comes to rest.

    Args:
        log_q: shape (variances,).
        up: whether the map moves each of them up, shape (variances, rows, columns).
    """
    start, last = int(np.searchsorted(log_q, np.log(_START))), len(log_q) - 1
    start = min(start, last)
    above, below = ~up[start:], up[:start][::-1]
    rest_above = np.where(above.any(axis=0), start + above.argmax(axis=0), last + 1)
    rest_below = np.where(below.any(axis=0), start - 1 - below.argmax(axis=0), -1)
    lower = np.where(up[start], rest_above - 1, rest_below)
    return log_q[np.clip(lower, 0, last)], log_q[np.clip(lower + 1, 0, last)]


def _axis(values: Sequence[float] | np.ndarray, name: str) -> np.ndarray:
    axis = np.asarray(values, dtype=float)
    if axis.ndim != 1 or not axis.size or not np.isfinite(axis).all() or (axis < 0).any():
        raise SpecError(f"{name} must be a list of finite numbers that are not negative")
    return axis
