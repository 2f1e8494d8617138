"""What a finite width adds to mean-field theory: gradients that scatter from network to network.

A layer of n units multiplies a squared gradient by a mean of n independent terms φ′² g², g normal. Its relative
variance is (3 E[φ′⁴]/E[φ′²]² − 1)/n, so that the logarithm's variance grows as depth over width. For ReLU that is 5/n:
B. Hanin, M. Nica, Products of many large random matrices and gradients in deep neural networks, Comm. Math. Phys. 376,
2020. The factor is taken as gamma-distributed with its true mean and variance, which is exact for a linear layer.

On the way forward a layer's second moment is a mean of n terms φ², and scatters by (E[φ⁴]/E[φ²]² − 1)/n; the next
layers carry that on as far as their variance answers to it. For ReLU that is 5/n again, so that in the ratio of the
first layer's gradient to the last's, which has the last layer's input below the line, both means cancel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainability.core.errors import SpecError
from trainability.theory.expectations import Expectations


def log_moments(relative: float, width: int) -> tuple[float, float]:
    """Mean and variance of the logarithm of a factor of mean 1, gamma-distributed with variance relative / width."""
    from scipy.special import digamma, polygamma

    if relative <= 0:
        return 0.0, 0.0
    if not math.isfinite(relative):
        return -math.inf, math.inf
    shape = width / relative
    return float(digamma(shape) - math.log(shape)), float(polygamma(1, shape))


@dataclass(frozen=True)
class Scatter:
    """Mean and variance of ln(a network's number / the wide network's)."""

    mean: float = 0.0
    variance: float = 0.0

    def with_constant(self, constant: float, total: float) -> Scatter:
        """Of a sum `total` that has a constant part, to second order."""
        share = 1.0 - constant / total if total > 0 else 0.0
        return Scatter(share * self.mean + 0.5 * share * (1.0 - share) * self.variance, share**2 * self.variance)

    def joined(self, own: float, other: Scatter, others: float) -> Scatter:
        """Of the sum of two numbers that scatter together."""
        total = own + others
        if total == 0:
            return Scatter()
        a, b = own / total, others / total
        deviation = a * math.sqrt(self.variance) + b * math.sqrt(other.variance)
        return Scatter(a * self.mean + b * other.mean, deviation**2)

    def through(self, m: Expectations, q: float, width: int) -> Scatter:
        """Of the second moment of a layer's answer, where this is of its pre-activations' variance q."""
        second = m.at("second", q)
        if q == 0 or second == 0:
            return Scatter()
        try:
            steep, relative = q * m.at("growth", q) / second, m.second_scatter(q)
        except (SpecError, OverflowError):  # φ grows so fast that its second moment has no finite variance
            return Scatter()
        if relative > width:  # most networks answer nothing at all: there is no median to correct
            return Scatter()
        mean, variance = log_moments(relative, width)
        return Scatter(steep * self.mean + mean, steep**2 * self.variance + variance)

    def of_slope(self, m: Expectations, q: float) -> float:
        """Mean of ln E[φ′²], where this is of the pre-activations' variance q."""
        if q == 0 or self.mean == 0:
            return 0.0
        try:
            here, beside = m.at("slope_second", q), m.at("slope_second", q * _BESIDE)
        except (SpecError, OverflowError):
            return 0.0
        return self.mean * math.log(beside / here) / math.log(_BESIDE) if min(here, beside) > 0 else 0.0


_BESIDE = 1.01
"""Where a slope by ln q is taken: close enough for a correction, far enough for quadrature."""
