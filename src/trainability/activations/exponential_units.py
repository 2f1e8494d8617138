"""Linear above 0 and exponential below: ELU and its relatives."""

from __future__ import annotations

import math

from trainability.activations import closed_forms
from trainability.activations.base import Activation, Peer
from trainability.core.catalogue import Parameter

# The fixed point of Klambauer et al.: mean 0 and variance 1 map to themselves.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805

ELU = Activation(
    name="elu",
    summary="The identity above 0, an exponential that saturates at -alpha below.",
    parameters=(Parameter("alpha", 1.0, doc="minus the limit far below 0"),),
    formula="where(x > 0, x, alpha*expm1(x))",
    bounds=(-1.0, math.inf),
    reference="Clevert, Unterthiner and Hochreiter, Exponential linear units, ICLR 2016",
    torch=Peer("torch.nn.functional.elu", (("alpha", "alpha"),)),
    keras=Peer("keras.activations.elu", (("alpha", "alpha"),)),
    jax=Peer("jax.nn.elu", (("alpha", "alpha"),)),
)

CELU = Activation(
    name="celu",
    summary="An ELU whose slope is continuous for every alpha.",
    parameters=(Parameter("alpha", 1.0, low=0.0, open_low=True, doc="minus the limit far below 0"),),
    formula="where(x > 0, x, alpha*expm1(x/alpha))",
    bounds=(-1.0, math.inf),
    reference="Barron, Continuously differentiable exponential linear units, arXiv:1704.07483, 2017",
    torch=Peer("torch.nn.functional.celu", (("alpha", "alpha"),)),
    keras=Peer("keras.activations.celu", (("alpha", "alpha"),)),
    jax=Peer("jax.nn.celu", (("alpha", "alpha"),)),
)

SELU = Activation(
    name="selu",
    summary="An ELU scaled so that mean 0 and variance 1 reproduce themselves from layer to layer.",
    formula=f"{SELU_SCALE}*where(x > 0, x, {SELU_ALPHA}*expm1(x))",
    bounds=(-SELU_SCALE * SELU_ALPHA, math.inf),
    reference="Klambauer et al., Self-normalizing neural networks, NeurIPS 2017",
    torch=Peer("torch.nn.functional.selu"),
    keras=Peer("keras.activations.selu"),
    jax=Peer("jax.nn.selu"),
)

EXPONENTIAL = Activation(
    name="exponential",
    summary="e to the power of x.",
    aliases=("exp",),
    formula="exp(x)",
    closed=lambda: closed_forms.EXPONENTIAL,
    bounds=(0.0, math.inf),
    keras=Peer("keras.activations.exponential"),
    jax=Peer("jax.numpy.exp"),
    torch=Peer("torch.exp"),
)
