"""Ordered, critical, chaotic: where a gradient keeps its size.

χ₁ = σ_w² E[φ′(√q* z)²] multiplies the squared gradient in each layer. Below 1 the network is ordered, all inputs become
alike and gradients vanish; above 1 it is chaotic, like inputs move apart and gradients explode; at 1, the edge of
chaos, neither. The edge is a curve: for each q* it is σ_w² = 1 / E[φ′²] and σ_b² = q* − E[φ²] / E[φ′²].
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, overload

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory.expectations import Expectations, Table
from trainability.theory.functions import Activating, non_negative
from trainability.theory.moments import moments
from trainability.theory.roots import roots
from trainability.theory.variance import attractor, checked, unbounded

Phase: TypeAlias = Literal["ordered", "critical", "chaotic"]

_FLAT = 1e-12
_CRITICAL = 1e-6
"""How near to 1 a χ₁ counts as critical: such a gradient changes by less than 1 % in 10,000 layers."""

_NO_SLOPE = 1e-11


@dataclass(frozen=True)
class CriticalPoint:
    """A point of the edge of chaos.

    Attributes:
        sigma_w: √(fan_in · variance of a weight), the gain to initialise with.
        sigma_b: deviation of a bias.
        q: the variance at which χ₁ = 1 there.
        chi_q: the variance map's slope there; above 1 the network leaves this variance by itself.
        attracts: whether variances near q move towards it (χ_q < 1), or at least do not leave it (χ_q = 1).
    """

    sigma_w: float
    sigma_b: float
    q: float
    chi_q: float
    attracts: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return asdict(self)


def chi_1(phi: Activating, sigma_w2: float, sigma_b2: float, q: float | None = None) -> float:
    """χ₁ = σ_w² E[φ′(√q z)²], the factor on a gradient's squared length in each layer.

    Args:
        phi: a catalogue name, a formula or a function of a NumPy array.
        sigma_w2: fan_in times the variance of a weight. sigma_b2: the variance of a bias.
        q: the pre-activations' variance; by default the fixed point that variance 1 moves to. Where that grows without
            bound, χ₁ is its limit, if it has one.

    Raises:
        SpecError: an argument is out of range, or the variance grows without bound and χ₁ with it.

    Example:
        >>> round(chi_1("tanh", (5 / 3) ** 2, 0.0), 3)
        1.21
    """
    _, sigma_w2, sigma_b2 = checked(sigma_w2, sigma_b2)
    m = moments(phi)
    if q is not None:
        return sigma_w2 * m.at("slope_second", non_negative(q, "the variance q"))
    point = attractor(phi, sigma_w2, sigma_b2)
    if point is not None:
        return point.chi_1
    limit = slope_limit(m)
    if limit is None or math.isinf(limit):
        raise unbounded(phi, sigma_w2, sigma_b2)
    return sigma_w2 * limit


def slope_limit(m: Expectations) -> float | None:
    """Where E[φ′²] ends as the variance grows: inf if it grows without bound, None if it has not settled."""
    rows = m.table.slope_second
    if not np.isfinite(rows[-12:]).all():  # its slope is singular, but not so far out
        return m.at("slope_second", float(m.table.q[-1]))
    last, before = float(rows[-1]), float(rows[-min(12, len(rows))])
    if last > 2 * before:
        return math.inf
    return None if m.table.q[-1] < 1e6 or abs(last - before) > 1e-4 * last else last


def phase(phi: Activating, sigma_w2: float, sigma_b2: float) -> Phase:
    """Whether the network is ``ordered``, ``critical`` (χ₁ = 1 to 1e-6) or ``chaotic``.

    Raises:
        SpecError: as `chi_1`.
    """
    return phase_of(chi_1(phi, sigma_w2, sigma_b2))


def phase_of(chi: float) -> Phase:
    """The phase that a χ₁ belongs to."""
    if abs(chi - 1) <= _CRITICAL:
        return "critical"
    return "ordered" if chi < 1 else "chaotic"


def critical_points(phi: Activating, sigma_b: float = 0.0) -> tuple[CriticalPoint, ...]:
    """All points of the edge of chaos with biases of deviation `sigma_b`, by ascending q*.

    Where χ₁ = 1 holds at every variance, as for ReLU without biases, there is one, at q* = 1.

    Raises:
        SpecError: `sigma_b` is negative, the activation has no slope anywhere, or there is no such point.
    """
    sigma_b = non_negative(sigma_b, "sigma_b")
    m = moments(phi)
    table, bias = _with_slopes(m), sigma_b**2

    def excess(q: float) -> float:
        slope = m.at("slope_second", q)
        return _share(q, m.at("second", q), slope, bias)

    with np.errstate(all="ignore"):
        values = np.array([_share(*row, bias) for row in zip(table.q, table.second, table.slope_second, strict=True)])
    if np.nanmax(np.abs(values)) <= _FLAT:
        return (_critical(m, 1.0, sigma_b),)
    at = roots(excess, table.q, values)
    if sigma_b == 0 and m.through_zero and _NO_SLOPE < m.limit("slope_second") < math.inf:
        at = [0.0, *at]
    if not at:
        raise SpecError(
            f"'{m.name}' has no edge of chaos at sigma_b = {sigma_b:g}: chi_1 = 1 at no variance that reproduces itself"
        )
    return tuple(_critical(m, q, sigma_b) for q in at)


def _with_slopes(m: Expectations) -> Table:
    """The table, if gradients pass.

    Raises:
        SpecError: E[φ′²] is nowhere known, or 0 everywhere.
    """
    known = m.table.slope_second[np.isfinite(m.table.slope_second)]
    if not known.size:
        m.at("slope_second", 1.0)
        raise SpecError(f"E[φ′²] of '{m.name}' is not known at most variances: its slope is singular")
    if known.max() <= _NO_SLOPE:
        raise SpecError(f"'{m.name}' is flat wherever it has a slope: no gradient passes, at any gain")
    return m.table


def _share(q: float, second: float, slope_second: float, bias: float) -> float:
    """1 − (E[φ²]/E[φ′²] + σ_b²) / q, squeezed into (−1, 1]: 0 on the edge of chaos; NaN where φ is flat."""
    if slope_second <= 0:
        return -1.0 if second > 0 else math.nan
    ratio = (second / slope_second + bias) / q
    return 1 - ratio if ratio < 1 else 1 / ratio - 1


def _critical(m: Expectations, q: float, sigma_b: float) -> CriticalPoint:
    slope = m.at("slope_second", q)
    chi_q = m.at("growth", q) / slope if q else 1.0
    if q:
        attracts = chi_q <= 1 + 1e-9
    else:  # both slopes are 1 at 0: what counts is on which side of 1 the map is beyond
        beyond = m.table.second / slope / m.table.q - 1
        known = np.flatnonzero(np.abs(beyond) > _FLAT)
        attracts = not len(known) or bool(beyond[known[0]] < 0)
    return CriticalPoint(1 / math.sqrt(slope), sigma_b, q, chi_q, attracts)


@overload
def critical_sigma_w(phi: Activating, sigma_b: float = 0.0, all_branches: Literal[False] = False) -> float: ...
@overload
def critical_sigma_w(phi: Activating, sigma_b: float, all_branches: Literal[True]) -> tuple[float, ...]: ...
def critical_sigma_w(phi: Activating, sigma_b: float = 0.0, all_branches: bool = False) -> float | tuple[float, ...]:
    """The σ_w of the edge of chaos with biases of deviation `sigma_b`.

    Args:
        phi: a catalogue name, a formula or a function of a NumPy array.
        sigma_b: deviation of a bias.
        all_branches: whether to give every branch, by ascending q*, instead of the one of smallest q*.
            `critical_points` tells their variances, and which of them attract.

    Raises:
        SpecError: as `critical_points`.

    Example:
        >>> round(critical_sigma_w("tanh", 0.2), 5)
        1.30415
    """
    found = tuple(point.sigma_w for point in critical_points(phi, sigma_b))
    return found if all_branches else found[0]


def double_critical(phi: Activating) -> tuple[float, float, float]:
    """(σ_w², σ_b², q*) at which both χ₁ and χ_q are 1: gradients and variances keep their size as long as they can.

    GELU, swish and Mish have such a point at q* > 0. Tanh-like functions have it at q* = 0, σ_b = 0. Those for which it
    holds at every variance, as for ReLU, get q* = 1. Of several the smallest q* > 0 is given.
    D. Roberts, S. Yaida, B. Hanin, The principles of deep learning theory, 2022, section 5.3.

    Raises:
        SpecError: there is no such point.

    Example:
        >>> [round(v, 4) for v in double_critical("gelu")]
        [1.9831, 0.1729, 3.5616]
    """
    m = moments(phi)
    table = _with_slopes(m)

    def excess(q: float) -> float:
        slope = m.at("slope_second", q)
        return (m.at("growth", q) - slope) / max(slope, _NO_SLOPE)

    with np.errstate(all="ignore"):
        values = np.where(
            table.slope_second > _NO_SLOPE,
            (table.growth - table.slope_second) / np.maximum(table.slope_second, _NO_SLOPE), np.nan,
        )  # fmt: skip
    # A variance that would need σ_b² < 0 is none.
    values[table.second > (1 + 1e-9) * table.q * table.slope_second] = np.nan
    known = values[np.isfinite(values)]
    everywhere = known.size and np.abs(known).max() <= 1e-10
    at = [1.0, *table.q[np.isfinite(values)].tolist()] if everywhere else roots(excess, table.q, values)
    for q in at:
        slope = m.at("slope_second", q)
        if slope <= _NO_SLOPE:
            continue
        bias = q - m.at("second", q) / slope
        if bias >= -1e-9 * q:
            return 1 / slope, bias if bias > _FLAT * q else 0.0, q
    slope = m.limit("slope_second")
    if m.through_zero and _NO_SLOPE < slope < math.inf:
        return 1 / slope, 0.0, 0.0
    raise SpecError(f"'{m.name}' has no point at which both chi_1 and chi_q are 1")


def recommended(phi: Activating) -> CriticalPoint:
    """The critical point to initialise with: one that a network stays at.

    Without biases where a critical point attracts; else the doubly critical one, which has biases; where that is at
    variance 0 and left, as for GLU, the one at variance 1; else the first.

    Raises:
        SpecError: there is no critical point at all, or E[φ²] has no finite value at variance 1, that of usual data.
    """
    moments(phi).at("second", 1.0)
    try:
        without = critical_points(phi, 0.0)
    except SpecError:
        without = ()
    for point in without:
        if point.attracts:
            return point
    try:
        sigma_w2, sigma_b2, q = double_critical(phi)
    except SpecError:
        if without:
            return without[0]
        raise SpecError(
            f"'{moments(phi).name}' has no critical initialisation without biases, and none that is doubly critical"
        ) from None
    if q == 0 and without:
        return _at_variance_1(moments(phi)) or without[0]
    return CriticalPoint(math.sqrt(sigma_w2), math.sqrt(sigma_b2), q, 1.0, True)


def _at_variance_1(m: Expectations) -> CriticalPoint | None:
    """The point of the edge of chaos with q* = 1, if it needs no negative σ_b² and attracts."""
    slope = m.at("slope_second", 1.0)
    bias = 1 - m.at("second", 1.0) / slope if slope > 0 else -1.0
    found = _critical(m, 1.0, math.sqrt(bias)) if bias >= 0 else None
    return found if found and found.attracts else None
