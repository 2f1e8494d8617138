"""Gates, which consume several pre-activations per unit, and activations that look at the whole layer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trainability.activations.base import Activation, ByHand, Peer
from trainability.activations.largest import largest_of
from trainability.core.catalogue import Parameter

GLU = Activation(
    name="glu",
    summary="One half of the pre-activations, gated by the sigmoid of the other.",
    formula="x1*sigmoid(x2)",
    pieces=2,
    reference="Dauphin et al., Language modeling with gated convolutional networks, ICML 2017",
    torch=Peer("torch.nn.functional.glu"),
    keras=Peer("keras.activations.glu"),
    jax=Peer("jax.nn.glu"),
)

MAXOUT = Activation(
    name="maxout",
    summary="The largest of several pre-activations: a convex function that is learned piece by piece.",
    parameters=(Parameter("pieces", 2.0, low=2.0, high=32.0, integer=True, doc="pre-activations per unit"),),
    formula=lambda pieces: f"max({', '.join(f'x{i + 1}' for i in range(pieces))})",
    pieces="pieces",
    closed=lambda pieces: largest_of(int(pieces)),
    reference="Goodfellow et al., Maxout networks, ICML 2013",
)

_SHIFTED = "exp(x - units_max(x))"

SOFTMAX = Activation(
    name="softmax",
    summary="Exponentials over the units of the layer, divided by their sum.",
    formula=f"{_SHIFTED}/units_sum({_SHIFTED})",
    across_units=True,
    bounds=(0.0, 1.0),
    reference="Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990",
    jax_better="jax.nn.softmax",
    torch=Peer("torch.nn.functional.softmax", (), (("dim", -1),)),
    keras=Peer("keras.activations.softmax"),
    jax=Peer("jax.nn.softmax"),
)

SOFTMIN = Activation(
    name="softmin",
    summary="The softmax of -x.",
    formula="exp(-x - units_max(-x))/units_sum(exp(-x - units_max(-x)))",
    across_units=True,
    bounds=(0.0, 1.0),
    torch=Peer("torch.nn.functional.softmin", (), (("dim", -1),)),
)

LOG_SOFTMAX = Activation(
    name="log_softmax",
    summary="The logarithm of the softmax.",
    aliases=("logsoftmax",),
    formula=f"x - units_max(x) - log(units_sum({_SHIFTED}))",
    across_units=True,
    bounds=(-math.inf, 0.0),
    jax_better="jax.nn.log_softmax",
    torch=Peer("torch.nn.functional.log_softmax", (), (("dim", -1),)),
    keras=Peer("keras.activations.log_softmax"),
    jax=Peer("jax.nn.log_softmax"),
)


def _sparsemax(z: Any, xp: Any) -> Any:
    """The projection of `z` (..., units) onto the probability simplex, by sorting."""
    count = xp.asarray(np.arange(1, z.shape[-1] + 1), dtype=z.dtype).reshape((1,) * (z.ndim - 1) + (-1,))
    z = z - xp.max(z, axis=-1, keepdims=True)
    descending = -xp.sort(-z, axis=-1)
    inside = 1 + count * descending > xp.cumsum(descending, axis=-1)
    size = xp.sum(inside, axis=-1, keepdims=True).astype(z.dtype)
    total = xp.sum(xp.where(inside, descending, xp.zeros_like(z)), axis=-1, keepdims=True)
    shifted = z - (total - 1) / size
    return xp.where(shifted <= 0, xp.zeros_like(z), shifted)  # this way round a NaN stays one


def _sparsemax_jax(z: Any) -> Any:
    import jax.numpy as jnp

    return _sparsemax(z, jnp)


def _sparsemax_numpy(z: Any) -> Any:
    with np.errstate(all="ignore"):
        return _sparsemax(z, np)


SPARSEMAX = Activation(
    name="sparsemax",
    summary="The nearest point of the probability simplex: a softmax that gives zeros.",
    across_units=True,
    bounds=(0.0, 1.0),
    by_hand=ByHand(
        _sparsemax_numpy,
        _sparsemax_jax,
        r"\mathrm{argmin}_{p \in \Delta}\; \left\|p - x\right\|^{2}",
    ),
    reference="Martins and Astudillo, From softmax to sparsemax, ICML 2016",
    keras=Peer("keras.activations.sparsemax"),
)
