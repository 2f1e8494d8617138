"""What a finite width adds to mean-field theory: gradients that scatter from network to network.

A layer of n units multiplies a squared gradient by a mean of n independent terms φ′² g², g normal. Its relative
variance is (3 E[φ′⁴]/E[φ′²]² − 1)/n, so that the logarithm's variance grows as depth over width. For ReLU that is 5/n:
B. Hanin, M. Nica, Products of many large random matrices and gradients in deep neural networks, Comm. Math. Phys. 376,
2020. The factor is taken as gamma-distributed with its true mean and variance, which is exact for a linear layer.
"""

from __future__ import annotations

import math

from trainability.theory.moments import Moments


def relative_variance(m: Moments, q: float) -> float:
    """n times the relative variance of a layer's factor on a squared gradient, at pre-activation variance q."""
    slope = m.at("slope_second", q)
    return 3 * m.at("slope_fourth", q) / slope**2 - 1 if slope > 0 else math.inf


def log_moments(relative: float, width: int) -> tuple[float, float]:
    """Mean and variance of the logarithm of a factor of mean 1, gamma-distributed with variance relative / width."""
    from scipy.special import digamma, polygamma

    if relative <= 0:
        return 0.0, 0.0
    if not math.isfinite(relative):
        return -math.inf, math.inf
    shape = width / relative
    return float(digamma(shape) - math.log(shape)), float(polygamma(1, shape))
