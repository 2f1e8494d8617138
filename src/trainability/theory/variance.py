"""How the variance of the pre-activations moves from layer to layer, and where it stays.

q ↦ σ_w² E[φ(√q z)²] + σ_b², z ~ N(0, 1). B. Poole et al., Exponential expressivity in deep neural networks through
transient chaos, NeurIPS 2016; S. Schoenholz et al., Deep information propagation, ICLR 2017.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory.expectations import SMALLEST_Q, Expectations
from trainability.theory.functions import Activating, non_negative
from trainability.theory.moments import moments
from trainability.theory.roots import roots

Stability: TypeAlias = Literal["stable", "unstable", "half-stable"]

_FLAT = 1e-12
_TOUCHES = 1e-6
_NOISE = 1e-11
"""What rounding leaves of the table's sums at the largest variances, relative."""


@dataclass(frozen=True)
class FixedPoint:
    """A variance that reproduces itself.

    Attributes:
        q: the variance q*.
        chi_q: the map's slope there; a small deviation shrinks where |χ_q| < 1.
        chi_1: σ_w² E[φ′²]: what the squared length of a gradient is multiplied by in a layer.
        stability: ``stable`` if variances near it move towards it, ``half-stable`` if only those on one side do.
    """

    q: float
    chi_q: float
    chi_1: float
    stability: Stability

    @property
    def stable(self) -> bool:
        """Whether variances on both sides move towards it."""
        return self.stability == "stable"

    @property
    def variance_length(self) -> float:
        """ξ_q = −1 / ln |χ_q|, in layers: over so many a deviation shrinks to 1/e; inf where it does not."""
        return length_of(self.chi_q)


@dataclass(frozen=True)
class FixedPoints:
    """All fixed points of a variance map, by ascending q; a sequence of `FixedPoint`.

    Attributes:
        points: the isolated ones.
        everywhere: whether every variance is a fixed point, as for ReLU at σ_w² = 2, σ_b² = 0.
        words: how many there are, as a sentence.
    """

    points: tuple[FixedPoint, ...]
    everywhere: bool
    words: str

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[FixedPoint]:
        return iter(self.points)

    def __getitem__(self, index: int) -> FixedPoint:
        return self.points[index]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and words, for JSON."""
        return asdict(self)


def length_of(slope: float) -> float:
    """The depth over which a deviation multiplied by `slope` in each layer shrinks to 1/e; inf if it does not."""
    size = abs(slope)
    if size == 0:
        return 0.0
    return -1.0 / math.log(size) if size < 1 - _FLAT else math.inf


def variance_map(phi: Activating, q: float, sigma_w2: float, sigma_b2: float) -> float:
    """The variance of the next layer's pre-activations: σ_w² E[φ(√q z)²] + σ_b².

    Args:
        phi: a catalogue name, a formula or a function of a NumPy array.
        q: the variance of this layer's pre-activations.
        sigma_w2: fan_in times the variance of a weight. sigma_b2: the variance of a bias.

    Raises:
        SpecError: an argument is negative or not finite, or the expectation is not.
    """
    q, sigma_w2, sigma_b2 = checked(sigma_w2, sigma_b2, q=q)
    return sigma_w2 * moments(phi).at("second", q) + sigma_b2


def fixed_points(phi: Activating, sigma_w2: float, sigma_b2: float) -> FixedPoints:
    """All fixed points of the variance map with their stability.

    Args:
        phi: a catalogue name, a formula or a function of a NumPy array.
        sigma_w2: fan_in times the variance of a weight.
        sigma_b2: the variance of a bias.

    Returns:
        A sequence of `FixedPoint`, ascending in q, that says in `words` when there is none or when every variance is
        one. Searched are 0 and 1e-20 to 1e12, or up to where the map stops being finite.

    Raises:
        SpecError: a variance is negative, or the map is not finite anywhere.

    Example:
        >>> point, = fixed_points("tanh", 1.760955, 0.05)
        >>> round(point.q, 5), round(point.chi_1, 5), point.stability
        (0.57005, 1.0, 'stable')
    """
    _, sigma_w2, sigma_b2 = checked(sigma_w2, sigma_b2)
    return _fixed_points(moments(phi), sigma_w2, sigma_b2)


@functools.lru_cache(maxsize=1024)
def _fixed_points(m: Expectations, sigma_w2: float, sigma_b2: float) -> FixedPoints:
    table = m.table
    with np.errstate(over="ignore"):
        values = (sigma_w2 * table.second + sigma_b2) / table.q - 1
    # GELU at σ_w² = 2 nears the identity for large variances; its sign there is rounding, and no fixed point.
    values = np.where(np.abs(values) > _NOISE, values, 0.0)
    if not values.any():
        return FixedPoints((), True, "every variance is a fixed point: the map is the identity")

    def excess(q: float) -> float:
        return (sigma_w2 * m.at("second", q) + sigma_b2) / q - 1

    signs = np.sign(values)
    points = []
    start = sigma_w2 * m.at("second", 0.0) + sigma_b2
    if start == 0:
        points.append(_at_zero(m, sigma_w2, signs))
    elif values[0] < 0 and sigma_w2 * m.limit("growth") < 1:  # below the table the map is a straight line
        low = start / (1 - sigma_w2 * m.limit("growth"))
        points.append(_point(m, low, sigma_w2, (1, -1)))
    for q in roots(excess, table.q, values):
        below = signs[: np.searchsorted(table.q, q * (1 - 1e-9))]
        above = signs[np.searchsorted(table.q, q * (1 + 1e-9)) :]
        sides = [next((int(s) for s in side if s), 0) for side in (below[::-1], above)]
        points.append(_point(m, q, sigma_w2, _sides(excess, q, sides, sigma_w2 * m.at("growth", q))))
    return FixedPoints(tuple(points), False, _words(points, table.q[-1], float(values[np.flatnonzero(values)[-1]])))


def attractor(phi: Activating, sigma_w2: float, sigma_b2: float, start: float = 1.0) -> FixedPoint | None:
    """The fixed point that the variance moves to from `start`, or None if it grows without bound.

    Where every variance is a fixed point, that is `start` itself.
    """
    start, sigma_w2, sigma_b2 = checked(sigma_w2, sigma_b2, q=start)
    known = fixed_points(phi, sigma_w2, sigma_b2)
    m = moments(phi)
    if known.everywhere:
        return FixedPoint(start, 1.0, sigma_w2 * m.at("slope_second", start), "half-stable")
    at = [p for p in known if abs(p.q - start) <= 1e-9 * start]
    if at:
        return at[0]
    upwards = sigma_w2 * m.at("second", start) + sigma_b2 > start
    beyond = [p for p in known if (p.q > start) == upwards]
    if not beyond:
        return None if upwards else FixedPoint(0.0, 0.0, _times(sigma_w2, m.limit("slope_second")), "stable")
    return beyond[0] if upwards else beyond[-1]


def variance_length(phi: Activating, sigma_w2: float, sigma_b2: float) -> float:
    """ξ_q, in layers: how deep a deviation of the variance reaches; inf where it does not shrink.

    Raises:
        SpecError: the variance has no fixed point to deviate from.
    """
    point = attractor(phi, sigma_w2, sigma_b2)
    if point is None:
        raise unbounded(phi, sigma_w2, sigma_b2)
    return point.variance_length


def unbounded(phi: Activating, sigma_w2: float, sigma_b2: float) -> SpecError:
    """The error that says that there is no fixed point."""
    name = moments(phi).name
    return SpecError(
        f"the variance of '{name}' at sigma_w2 = {sigma_w2:g}, sigma_b2 = {sigma_b2:g} grows without bound from layer "
        "to layer: it has no fixed point to stay at"
    )


def checked(sigma_w2: float, sigma_b2: float, q: float = 1.0) -> tuple[float, float, float]:
    """(q, sigma_w2, sigma_b2), each finite and not negative; SpecError otherwise."""
    return (
        non_negative(q, "the variance q"),
        non_negative(sigma_w2, "sigma_w2"),
        non_negative(sigma_b2, "sigma_b2"),
    )


def _at_zero(m: Expectations, sigma_w2: float, signs: np.ndarray) -> FixedPoint:
    known = signs[signs != 0]
    towards = not len(known) or known[0] < 0
    chi = _times(sigma_w2, m.limit("slope_second"))
    # φ(0) = 0, so that both slopes of the map are σ_w² φ′(0)²; a negative variance does not exist.
    return FixedPoint(0.0, chi, chi, "stable" if towards else "unstable")


def _times(sigma_w2: float, slope: float) -> float:
    return sigma_w2 * slope if sigma_w2 else 0.0


def _sides(excess: Callable[[float], float], q: float, sides: list[int], chi_q: float) -> tuple[int, int]:
    """The sign of map(q) − q right below and right above a root: by the map's slope there; where that is 1, by values
    beside it; `sides` where these are lost in rounding."""
    if abs(chi_q - 1) > _TOUCHES:
        return (1, -1) if chi_q < 1 else (-1, 1)
    beside = [excess(q * (1 - 1e-5)), excess(q * (1 + 1e-5))]
    below, above = (int(np.sign(v)) if abs(v) > 1e-13 else s for v, s in zip(beside, sides, strict=True))
    return below, above


def _point(m: Expectations, q: float, sigma_w2: float, sides: tuple[int, int]) -> FixedPoint:
    at = q if q >= SMALLEST_Q else 0.0  # below the table the map is a straight line
    chi_q = sigma_w2 * m.at("growth", at)
    stability: Stability = "half-stable"
    if sides == (1, -1):
        stability = "stable" if chi_q > -1 else "unstable"
    elif sides == (-1, 1):
        stability = "unstable"
    return FixedPoint(q, chi_q, sigma_w2 * m.at("slope_second", at), stability)


def _words(points: list[FixedPoint], last: float, excess: float) -> str:
    grows = "; variances above the largest grow without bound" if points and excess > _FLAT else ""
    if not points:
        way = "grows without bound" if excess > 0 else "falls towards 0"
        return f"no fixed point up to a variance of {last:.3g}: it {way} from layer to layer"
    if len(points) == 1:
        return f"one fixed point, {points[0].stability}, at q = {points[0].q:.6g}{grows}"
    each = ", ".join(f"{p.q:.6g} ({p.stability})" for p in points)
    return f"{len(points)} fixed points, at q = {each}{grows}"
