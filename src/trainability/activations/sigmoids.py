"""Sigmoids: bounded and monotonic."""

from __future__ import annotations

import math

from trainability.activations import closed_forms
from trainability.activations.base import Activation, Peer

SIGMOID = Activation(
    name="sigmoid",
    summary="The logistic function, from 0 to 1.",
    aliases=("logistic", "expit"),
    formula="sigmoid(x)",
    bounds=(0.0, 1.0),
    reference="Verhulst, Notice sur la loi que la population suit dans son accroissement, 1838",
    torch=Peer("torch.nn.functional.sigmoid"),
    keras=Peer("keras.activations.sigmoid"),
    jax=Peer("jax.nn.sigmoid"),
)

TANH = Activation(
    name="tanh",
    summary="The hyperbolic tangent, from -1 to 1.",
    formula="tanh(x)",
    bounds=(-1.0, 1.0),
    torch=Peer("torch.nn.functional.tanh"),
    keras=Peer("keras.activations.tanh"),
    jax=Peer("jax.nn.tanh"),
)

LECUN_TANH = Activation(
    name="lecun_tanh",
    summary="A tanh scaled so that 1 and -1 map to themselves.",
    aliases=("scaled_tanh",),
    formula="1.7159*tanh(2*x/3)",
    bounds=(-1.7159, 1.7159),
    reference="LeCun et al., Efficient BackProp, 1998",
)

SOFTSIGN = Activation(
    name="softsign",
    summary="x over 1 + |x|, from -1 to 1 with heavy tails.",
    aliases=("soft_sign",),
    formula="x/(1 + abs(x))",
    bounds=(-1.0, 1.0),
    reference="Turian, Bergstra and Bengio, Quadratic features for chunking, NAACL 2009",
    torch=Peer("torch.nn.functional.softsign"),
    keras=Peer("keras.activations.softsign"),
    jax=Peer("jax.nn.soft_sign"),
)

ARCTAN = Activation(
    name="arctan",
    summary="The arc tangent, from -pi/2 to pi/2.",
    aliases=("atan",),
    formula="arctan(x)",
    bounds=(-math.pi / 2, math.pi / 2),
    torch=Peer("torch.atan"),
    jax=Peer("jax.numpy.arctan"),
)

ERF = Activation(
    name="erf",
    summary="The error function, from -1 to 1; its mean-field theory has closed forms.",
    formula="erf(x)",
    closed=lambda: closed_forms.ERF,
    bounds=(-1.0, 1.0),
    reference="Williams, Computing with infinite networks, NeurIPS 1996",
    torch=Peer("torch.erf"),
    jax=Peer("jax.scipy.special.erf"),
)

LOGSIGMOID = Activation(
    name="logsigmoid",
    summary="The logarithm of the sigmoid, from minus infinity to 0.",
    aliases=("log_sigmoid",),
    formula="-softplus(-x)",
    bounds=(-math.inf, 0.0),
    torch=Peer("torch.nn.functional.logsigmoid"),
    keras=Peer("keras.activations.log_sigmoid"),
    jax=Peer("jax.nn.log_sigmoid"),
)

SPARSE_SIGMOID = Activation(
    name="sparse_sigmoid",
    summary="The slope of sparse_plus: 0 below -1, 1 above 1, a straight line between.",
    aliases=("sparsesigmoid",),
    formula="clip(0.5*(x + 1), 0, 1)",
    bounds=(0.0, 1.0),
    reference="Martins and Astudillo, From softmax to sparsemax, ICML 2016",
    keras=Peer("keras.activations.sparse_sigmoid"),
    jax=Peer("jax.nn.sparse_sigmoid"),
)
