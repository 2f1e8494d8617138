"""A gradient's way back through layers whose units answer together, in which it meets the weights that made it.

Mean-field theory takes the weights of the way back as independent of the way forward. They are not quite: of a layer
h = W x + b the way forward fixes W along x, so that what comes back is v = Wᵀg = ρ (h·g) x / |x|² + ξ, with ρ the
weights' share of h's variance and ξ random across x. Where units answer each for themselves h·g is as random as all
else, and this adds a share of order 1/width. A log-softmax takes away one number from all of its units, ln S, so that x
is nearly the same number everywhere, and B = h·g is handed on, grown by about σ_w² |E φ| a layer: from four layers on
it is what the gradient consists of, and where theory without it has the gradient vanish, it does not.

Both are followed here over drawn networks, for the mean, and as they scatter from network to network: with the layer's
Jacobian J and x = φ(h),

    B ← ρ B (Jh·x)/|x|² + across x: w |g|² (|Jh|² − (Jh·x)²/|x|²) z²
    |g|² ← ρ² B² |Jᵀx|²/|x|⁴ + w |g|² (|J|² − |Jᵀx|²/|x|²)

where w is the variance of one weight and z is normal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_NETWORKS = 4096


@dataclass(frozen=True, eq=False)
class Coherence:
    """What a layer does to the two, at one variance. Arrays have an entry for each drawn layer.

    Attributes:
        kept: (Jh·x)/|x|². added: (|Jh|² − (Jh·x)²/|x|²)/n.
        across: |J v|²/n for a random v, less what is along x. along: E[|Jᵀx|²/|x|⁴].
    """

    kept: np.ndarray
    added: np.ndarray
    across: np.ndarray
    along: float

    def dropped(self, dropout: float) -> Coherence:
        """The same where a share of the units is dropped and the others are scaled up."""
        if dropout == 0:
            return self
        more = 1 / (1 - dropout)
        return Coherence(self.kept, more * self.added, more * self.across, self.along)


@dataclass(frozen=True)
class Back:
    """Of |g|² in each hidden layer, the first first, over that in the output layer.

    Attributes:
        mean: over networks. log_median, log_variance: of its logarithm's distribution between them.
    """

    mean: tuple[float, ...]
    log_median: tuple[float, ...]
    log_variance: tuple[float, ...]


def back(layers: Sequence[Coherence], shares: Sequence[float], weights: Sequence[float], q: float, width: int) -> Back:
    """From the output layer, whose pre-activations have variance `q`, to the first.

    Args:
        layers: the hidden ones, of `width` units.
        shares, weights: ρ and w of the layer that follows each of them.
    """
    rng = np.random.default_rng(0)
    mean, coherent = 1.0, q
    g, b = np.ones(_NETWORKS), math.sqrt(q) * rng.standard_normal(_NETWORKS)
    found: list[tuple[float, float, float]] = []
    for layer, share, weight in zip(*(reversed(part) for part in (layers, shares, weights)), strict=True):
        passed_on, added = float(np.square(layer.kept).mean()), float(layer.added.mean())
        mean, coherent = (
            share**2 * layer.along * coherent + weight * width * float(layer.across.mean()) * mean,
            share**2 * passed_on * coherent + weight * width * added * mean,
        )
        one = rng.integers(len(layer.kept), size=_NETWORKS)
        crossed = np.sqrt(weight * width * layer.added[one] * g) * rng.standard_normal(_NETWORKS)
        g = share**2 * layer.along * b**2 + weight * width * layer.across[one] * g
        b = share * layer.kept[one] * b + crossed
        log = np.log(np.maximum(g, np.finfo(float).tiny))
        found.insert(0, (mean, float(np.median(log)), float(log.var())))
    return Back(*(tuple(column) for column in zip(*found, strict=True)))
