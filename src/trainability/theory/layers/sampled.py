"""Layers whose units answer together, sampled: means over layers of fixed normal pre-activations, to about 3 digits.

The Jacobian J is never made: with normal directions v and w, E|Jv|² = tr(JJᵀ), E(Jv·Jw)² = tr((JJᵀ)²), and
dE[φ²]/dq comes from the direction of the pre-activations themselves.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from trainability.theory.coherence import Coherence
from trainability.theory.expectations import Kind, Products
from trainability.theory.functions import LayerActivation
from trainability.theory.layers.formula import LayerFormula
from trainability.theory.sampling import GROUPS, SampledExpectations

_NUMBERS, _MOST, _LEAST = 2**14, 2**11, 4
"""Numbers in a group; layers in it at most and at least."""
_KEPT = 8
_APART = 0.05
"""Of ln q, on either side: where φ jumps, its mean square is only smooth over all samples."""
_SCALES = (1.0, 30.0)
_BESIDE_0, _NOTHING = 1e-70, 1e-50
"""What stands for variance 0, beside which φ may jump, and below what an answer there counts as 0."""
_LEAST_UNITS = 2


class _Sample:
    """φ and the Jacobian's products at one variance, each of shape (groups, layers, width), made when asked for."""

    def __init__(self, m: SampledLayer, q: float):
        self._m, self._q = m, q
        self._x = (math.sqrt(q) or _BESIDE_0) * m.drawn[0]

    @functools.cached_property
    def value(self) -> np.ndarray:
        """φ."""
        found = self._finite(self._m.formula.value(self._x))
        return found if self._q else np.where(np.abs(found) < _NOTHING, 0.0, found)

    @functools.cached_property
    def one(self) -> np.ndarray:
        """J v for the first direction."""
        return self._finite(self._m.formula.moved(self._x, self._m.drawn[1]))

    @functools.cached_property
    def two(self) -> np.ndarray:
        """J v for the second direction."""
        return self._finite(self._m.formula.moved(self._x, self._m.drawn[2]))

    @functools.cached_property
    def by_scale(self) -> np.ndarray:
        """dφ/d√q."""
        return self._finite(self._m.formula.moved(self._x, self._m.drawn[0]))

    def _finite(self, found: np.ndarray) -> np.ndarray:
        if not np.isfinite(found).all():
            raise self._m._too_fast("second", self._q)
        return found


class SampledLayer(SampledExpectations):
    """Expectations over layers of `width` units, each a mean over units and over layers."""

    def __init__(self, activation: LayerActivation):
        self.name, self.pieces, self.width = activation.name, activation.pieces, activation.width
        self.formula = LayerFormula(activation)
        self.sampled = functools.lru_cache(_KEPT)(lambda q: _Sample(self, q))

    @functools.cached_property
    def drawn(self) -> np.ndarray:
        """Pre-activations of variance 1 and two directions, shape (3, groups, layers, pieces · width)."""
        count = self.pieces * self.width
        layers = min(max(_NUMBERS // count, _LEAST), _MOST)
        return np.random.default_rng(0).standard_normal((3, GROUPS, layers, count))

    def _integrand(self, kind: Kind, q: float) -> np.ndarray:
        """What the mean is of: shape (groups, …)."""
        s = self.sampled(q)
        match kind:
            case "mean":
                return s.value
            case "second":
                return s.value**2
            case "fourth":
                return s.value**4
            case "slope_second":
                return s.one**2
            case "slope_fourth":
                return (s.one * s.two).sum(axis=-1) ** 2 / self.width
            case "both":
                return s.value**2 * s.one**2
        if q == 0:
            return self._integrand("growth", 1e-8)
        if not self._jumps:
            return s.value * s.by_scale / math.sqrt(q)
        above, below = (self.sampled(q * math.exp(t)).value ** 2 for t in (_APART, -_APART))
        return (above - below) / (2 * _APART * q)

    @functools.cached_property
    def _jumps(self) -> bool:
        """Whether φ jumps anywhere that counts."""
        return any(map(self.formula.jumps, _SCALES))

    def slope_each(self, q: float) -> tuple[float, ...]:
        if self.pieces == 1:
            return (self.at("slope_second", q),)
        z, one, _ = self.drawn
        each = []
        for i in range(self.pieces):
            only = np.where(np.arange(self.pieces * self.width) // self.width == i, one, 0.0)
            each.append(float((self.formula.moved((math.sqrt(q) or _BESIDE_0) * z, only) ** 2).mean()))
        return tuple(each)

    def second_scatter(self, q: float) -> float:
        """n times the relative variance of a layer's mean of φ², whose terms are not independent here."""
        mean = (self.sampled(q).value ** 2).mean(axis=-1)
        return self.width * float(mean.var()) / float(mean.mean()) ** 2

    def slope_scatter(self, q: float) -> float:
        """n times the relative variance of |Jv|², v normal."""
        s = self.sampled(q)
        squares = np.stack([(part**2).sum(axis=-1) for part in (s.one, s.two)])
        mean = float(squares.mean())
        return self.width * float(squares.var()) / mean**2 if mean > 0 else math.inf

    def coherence(self, q: float) -> Coherence | None:
        if self.width < _LEAST_UNITS:
            return None
        s, n = self.sampled(q), self.width
        x, along = s.value, math.sqrt(q) * s.by_scale  # φ, J h
        square = (x**2).mean(axis=-1)
        if q == 0 or not square.all() or self._jumps:  # J leaves out what jumps
            return None
        common = (along * x).mean(axis=-1)
        # Over normal directions v, E(x·Jv)² is |Jᵀx|².
        turned = np.mean([(x * part).sum(axis=-1) ** 2 for part in (s.one, s.two)], axis=0)
        less, across = float((turned / (n**2 * square)).mean()), (s.one**2).mean(axis=-1)
        return Coherence(
            kept=(common / square).ravel(),
            added=np.maximum((along**2).mean(axis=-1) - common**2 / square, 0.0).ravel(),
            across=(across * (1 - less / float(across.mean()))).ravel(),
            along=float((turned / (n * square) ** 2).mean()),
        )

    def products(self, q: float) -> SampledLayerProducts:
        return SampledLayerProducts(self, q)


class SampledLayerProducts(Products):
    """What two inputs have in common, as what they have at c = 1 less half the mean square of what they differ in."""

    def __init__(self, m: SampledLayer, q: float):
        self.name, self.q = m.name, q
        self._m = m
        self.second, self.slope_second = m.at("second", q), m.at("slope_second", q)

    def at(self, c: float) -> tuple[float, float]:
        if c == 1:
            return self.second, self.slope_second
        # The other input turns in the plane of the first and of direction two; J is asked for direction one.
        apart = self._sampled.one - self._m.formula.moved(self._other(c), self._m.drawn[1])
        return self.product(c), self.slope_second - 0.5 * float((apart**2).mean())

    def product(self, c: float) -> float:
        if c == 0:  # inputs without correlation have nothing in common but the mean
            return self._m.at("mean", self.q) ** 2
        apart = self._sampled.value - self._m.formula.value(self._other(c))
        return self.second - 0.5 * float((apart**2).mean())

    @property
    def _sampled(self) -> _Sample:
        return self._m.sampled(self.q)

    def _other(self, c: float) -> np.ndarray:
        return math.sqrt(self.q) * (c * self._m.drawn[0] + math.sqrt((1 - c) * (1 + c)) * self._m.drawn[2])

    @functools.cached_property
    def jumps(self) -> bool:
        return self._m.formula.jumps(math.sqrt(self.q))
