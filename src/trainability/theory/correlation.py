"""How the correlation of two inputs moves from layer to layer, and how far a difference between them reaches.

c ↦ (σ_w² E[φ(u)φ(v)] + σ_b²) / q* for u, v ~ N(0, q*) with correlation c. S. Schoenholz et al., Deep information
propagation, ICLR 2017.

E[φ(u)φ(v)] comes from products.py, that of gates from gates/.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory import local
from trainability.theory.expectations import Expectations, Products
from trainability.theory.functions import Activating, finite, non_negative, resolve_elementwise
from trainability.theory.moments import moments
from trainability.theory.variance import attractor, checked, length_of, unbounded

_NEAREST_1 = 1e-10
_MOST_STEPS = 12


@dataclass(frozen=True)
class CorrelationPoint:
    """Where the correlation of two inputs settles.

    Attributes:
        c: the correlation c*: 1 where all inputs become alike (ordered), less where like inputs move apart (chaotic).
        slope: of the correlation map there; a deviation from c* is multiplied by it in each layer.
        q: the variance at which it holds.
    """

    c: float
    slope: float
    q: float

    @property
    def correlation_length(self) -> float:
        """ξ_c = −1 / ln(slope), in layers; inf where a deviation does not shrink."""
        return length_of(self.slope)


@functools.lru_cache(maxsize=256)
def _products(m: Expectations, q: float) -> Products:
    return m.products(q)


def products(phi: Activating, q: float) -> Products:
    """The double integrals of `phi` at variance q, kept."""
    return _products(moments(phi), q)


def correlation_map(phi: Activating, c: float, sigma_w2: float, sigma_b2: float, q: float | None = None) -> float:
    """The next layer's correlation of two inputs whose pre-activations have variance q and correlation c.

    Args:
        phi: a catalogue name, a formula or a function of a NumPy array.
        c: from -1 to 1.
        sigma_w2: fan_in times the variance of a weight. sigma_b2: the variance of a bias.
        q: the variance in this layer; by default the one that the network settles at.

    Raises:
        SpecError: an argument is out of range, or the variance has no fixed point.

    Example:
        >>> round(correlation_map("relu", 0.0, 2.0, 0.0), 12)  # 1/π
        0.318309886184
    """
    c = finite(c, "the correlation c")
    if not -1 <= c <= 1:
        raise SpecError(f"the correlation c must lie between -1 and 1, got {c:g}")
    _, sigma_w2, sigma_b2 = checked(sigma_w2, sigma_b2)
    q = settled(phi, sigma_w2, sigma_b2) if q is None else non_negative(q, "the variance q")
    if q == 0:
        raise SpecError("at variance 0 all inputs are alike and have no correlation")
    known = products(phi, q)
    following = sigma_w2 * known.second + sigma_b2
    if following == 0:
        raise SpecError("the next layer's variance is 0: all its inputs are alike and have no correlation")
    return (sigma_w2 * known.product(c) + sigma_b2) / following


def correlation_curve(phi: Activating, c: np.ndarray, sigma_w2: float, sigma_b2: float, q: float) -> np.ndarray:
    """`correlation_map` at each of many correlations, to about 3 digits but at once: for a picture.

    Args:
        c: from -1 to 1, any shape. The others are as there.

    Raises:
        SpecError: as there.
    """
    correlation_map(phi, 1.0, sigma_w2, sigma_b2, q)
    known = products(phi, q)
    near = np.array([known.nearly(float(v)) for v in c.ravel()]).reshape(c.shape)
    return (sigma_w2 * near + sigma_b2) / (sigma_w2 * known.second + sigma_b2)


def settled(phi: Activating, sigma_w2: float, sigma_b2: float) -> float:
    """The variance that the network settles at from 1; SpecError if it grows without bound."""
    point = attractor(phi, sigma_w2, sigma_b2)
    if point is None:
        raise unbounded(phi, sigma_w2, sigma_b2)
    return point.q


def correlation_fixed_point(
    phi: Activating, sigma_w2: float, sigma_b2: float, dropout: float = 0.0
) -> CorrelationPoint:
    """Where the correlation of two different inputs settles.

    Without dropout c = 1 is always a fixed point; it is the one that attracts unless like inputs move apart. With
    dropout two passes of the *same* input differ, so that c* < 1 and no network is critical.

    Args:
        phi: a catalogue name, a formula or a function of a NumPy array.
        sigma_w2: fan_in times the variance of a weight. sigma_b2: the variance of a bias.
        dropout: the share of units that are dropped, the others being scaled up; at least 0, below 1.

    Raises:
        SpecError: an argument is out of range, or the variance has no fixed point.
    """
    _, sigma_w2, sigma_b2 = checked(sigma_w2, sigma_b2)
    dropout = share(dropout)
    q = settled(phi, sigma_w2 / (1 - dropout), sigma_b2)
    if q == 0:
        chi = sigma_w2 * moments(phi).limit("slope_second")
        return CorrelationPoint(1.0, chi, 0.0)
    return correlation_of(phi, q, sigma_w2, sigma_b2, dropout)


def correlation_of(
    phi: Activating, q: float, sigma_w2: float, sigma_b2: float, dropout: float = 0.0
) -> CorrelationPoint:
    """The same at a variance q > 0 that reproduces itself."""
    return _settled_correlation(products(phi, q), sigma_w2, sigma_b2, dropout)


def share(dropout: float) -> float:
    """`dropout` as a float in [0, 1); SpecError otherwise."""
    value = finite(dropout, "dropout")
    if not 0 <= value < 1:
        raise SpecError(f"dropout is a share of units, at least 0 and below 1; got {value:g}")
    return value


def _settled_correlation(known: Products, sigma_w2: float, sigma_b2: float, dropout: float) -> CorrelationPoint:
    q, chi_1 = known.q, sigma_w2 * known.slope_second
    # With every variance a fixed point, or at one of a map without noise, f(1) = 1 up to rounding.
    top = 1.0 if dropout == 0 else (sigma_w2 * known.second + sigma_b2) / q
    jumps = known.jumps

    def f(c: float) -> float:
        return (sigma_w2 * known.product(c) + sigma_b2) / q

    def slope_at(c: float) -> float:
        if not jumps:
            return sigma_w2 * known.at(c)[1]
        step = min(1e-3, (1 - c) / 4)  # φ′ leaves the jumps out; the map does not
        near, wide = ((f(c + h) - f(c - h)) / (2 * h) for h in (step / 2, step))
        return (4 * near - wide) / 3

    lowest = f(0.0)
    if lowest <= 1e-15:  # an odd function without biases
        return CorrelationPoint(0.0, slope_at(0.0), q)
    if dropout == 0 and not jumps and chi_1 <= 1 + 1e-12:
        return CorrelationPoint(1.0, chi_1, q)
    if dropout > 0 and top >= 1:
        return CorrelationPoint(1.0, chi_1, q)

    c = _crossing(f) if jumps else _newton(known, sigma_w2, sigma_b2)
    return CorrelationPoint(c, slope_at(c), q) if c < 1 - _NEAREST_1 else CorrelationPoint(1.0, chi_1, q)


def _newton(known: Products, sigma_w2: float, sigma_b2: float) -> float:
    """Where the correlation map crosses c: by the series, then by Newton's steps where it does not do."""
    c = _crossing(lambda c: (sigma_w2 * known.nearly(c) + sigma_b2) / known.q)
    for _ in range(_MOST_STEPS):
        product, slope = known.at(c)
        if sigma_w2 * slope >= 1:
            break
        step = ((sigma_w2 * product + sigma_b2) / known.q - c) / (1 - sigma_w2 * slope)
        c = min(max(c + step, 0.0), 1.0)
        if abs(step) <= 1e-10:  # the next would be its square
            return c
    return _crossing(lambda c: (sigma_w2 * known.product(c) + sigma_b2) / known.q)


def _crossing(f: Callable[[float], float]) -> float:
    """The c in [0, 1) at which the convex map f crosses c, coming from above; 1 if that is too near to 1."""
    from scipy.optimize import brentq

    def excess(c: float) -> float:
        """(f(c) − c) / (1 − c), which has no root at 1."""
        return (f(c) - c) / (1 - c)

    gap = 0.1
    while excess(1 - gap) > 0:
        gap /= 8
        if gap < _NEAREST_1:
            return 1.0
    c: Any = brentq(excess, 0.0, 1 - gap, xtol=1e-14)
    return c


def correlation_length(phi: Activating, sigma_w2: float, sigma_b2: float, dropout: float = 0.0) -> float:
    """ξ_c, in layers: how deep a difference between two inputs can be told; inf at the edge of chaos.

    −1 / ln of the correlation map's slope at its fixed point c*: χ₁ in the ordered phase (c* = 1), less in the chaotic.

    Args:
        phi: a catalogue name, a formula or a function of a NumPy array.
        sigma_w2: fan_in times the variance of a weight. sigma_b2: the variance of a bias.
        dropout: the share of units that are dropped.

    Raises:
        SpecError: an argument is out of range, or the variance has no fixed point.

    Example:
        >>> round(correlation_length("tanh", 1.3, 0.05), 4)
        7.8341
    """
    return correlation_fixed_point(phi, sigma_w2, sigma_b2, dropout).correlation_length


def moment_map(
    phi: Activating, mean: float, variance: float, weight_sum: float = 0.0, weight_square_sum: float = 1.0
) -> tuple[float, float]:
    """The next layer's mean and variance of activations, for fixed sums of a unit's weights and of their squares.

    The pre-activation is normal with mean `mean · weight_sum` and variance `variance · weight_square_sum`. SELU is made
    so that mean 0 and variance 1 reproduce themselves at weight_sum 0 and weight_square_sum 1. G. Klambauer et al.,
    Self-normalizing neural networks, NeurIPS 2017, equation 3.

    Raises:
        SpecError: a variance or a sum of squares is negative, or an expectation is not finite.

    Example:
        >>> [abs(round(v, 9)) for v in moment_map("selu", 0.0, 1.0)]
        [0.0, 1.0]
    """
    centre = finite(mean, "the mean") * finite(weight_sum, "weight_sum")
    spread = non_negative(variance, "the variance") * non_negative(weight_square_sum, "weight_square_sum")
    known = resolve_elementwise(phi)
    value, square, _ = (float(part[0]) for part in local.smoothed(known, np.array([centre]), math.sqrt(spread)))
    if not math.isfinite(square):
        raise SpecError(f"'{known.name}' is not finite, or overflows, around {centre:g}")
    return value, square - value**2
