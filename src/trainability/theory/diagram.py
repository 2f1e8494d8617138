"""The phase diagram: χ₁ and q* over a grid of (σ_w, σ_b)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory.functions import Activating
from trainability.theory.moments import moments

_START = 1.0
_STEPS = 60


@dataclass(frozen=True)
class PhaseDiagram:
    """What a network of each gain and bias is, at the fixed point that variance 1 moves to.

    Attributes:
        sigma_w: shape (columns,). sigma_b: shape (rows,).
        q: the variance q*, shape (rows, columns); inf where it grows without bound.
        chi_1: χ₁ there, likewise; its limit where q is inf. Both to about 1e-5.
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
    from scipy.interpolate import CubicSpline

    w = _axis(np.linspace(0.1, 4, 128) if sigma_w is None else sigma_w, "sigma_w")
    b = _axis(np.linspace(0, 1, 128) if sigma_b is None else sigma_b, "sigma_b")
    m = moments(phi)
    table = m.table
    known = np.isfinite(table.slope_second)
    if known.sum() < 2:
        m.at("slope_second", 1.0)
        raise SpecError(f"E[φ′²] of '{m.name}' is not known at most variances: its slope is singular")
    log_q = np.log(table.q)
    second, slope = CubicSpline(log_q, table.second), CubicSpline(log_q[known], table.slope_second[known])
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
    return PhaseDiagram(w, b, q, chi)


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
