"""Normalisation of a layer's pre-activations.

Each entry is a function of the pre-activations z of one trial, shape (samples, units). A learned factor and shift per
unit follow it; batch normalisation also keeps running statistics for evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trainability.core.catalogue import Catalogue, Entry

EPSILON = 1e-5
"""Added to the variance, as torch.nn.BatchNorm1d and LayerNorm do."""


@dataclass(frozen=True, kw_only=True)
class Normalization(Entry):
    """One way to normalise.

    Attributes:
        axis: what the statistics are taken over: ``samples``, ``units`` or None (no normalisation).
        centred: whether the mean is taken off.
        shift: whether a learned shift follows the learned factor.
        running: whether evaluation uses running statistics instead of the batch's.
    """

    axis: str | None
    centred: bool = True
    shift: bool = True
    running: bool = False
    torch: str | None = None
    keras: str | None = None


NORMALIZATIONS: Catalogue[Normalization] = Catalogue("normalisation", __name__, Normalization)

MOMENTUM = 0.1
"""Share of the newest batch in batch normalisation's running statistics (PyTorch's convention)."""


def statistics(entry: Normalization, z: Any) -> tuple[Any, Any]:
    """Mean and biased variance of z (samples, units) over the entry's axis, keeping both axes.

    For an entry that is not centred the mean is 0 and the variance is the mean square.
    """
    import jax.numpy as jnp

    axis = {"samples": 0, "units": 1}[str(entry.axis)]
    mean = jnp.mean(z, axis=axis, keepdims=True)
    mean = mean if entry.centred else jnp.zeros_like(mean)
    return mean, jnp.mean(jnp.square(z - mean), axis=axis, keepdims=True)


def normalize(z: Any, mean: Any, variance: Any) -> Any:
    """(z − mean) / √(variance + ε)."""
    import jax

    return (z - mean) * jax.lax.rsqrt(variance + EPSILON)
