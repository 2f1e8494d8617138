"""Initialisers whose variance is gain² / fan, and the defaults of the libraries."""

from __future__ import annotations

import math

from trainability.core.catalogue import Parameter
from trainability.core.random import TRUNCATED_LOW
from trainability.initializers import Initializer

_GAIN = (Parameter("gain", 1.0, low=0.0, doc="factor on the deviation"),)
_GLOROT = "X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward networks, AISTATS 2010"
_HE = "K. He et al., Delving deep into rectifiers, ICCV 2015"
_LECUN = "Y. LeCun et al., Efficient BackProp, 1998"

# The deviation of a standard normal cut at two deviations: √(1 − 4 φ(2) / (Φ(2) − Φ(−2))).
TRUNCATED_DEVIATION = math.sqrt(1.0 - 4.0 * math.exp(-2.0) / math.sqrt(2.0 * math.pi) / (1.0 - 2.0 * TRUNCATED_LOW))

GLOROT_UNIFORM = Initializer(
    name="glorot_uniform",
    aliases=("xavier_uniform", "glorot", "xavier"),
    summary="variance 2 / (fan_in + fan_out), uniform",
    parameters=_GAIN,
    distribution="uniform",
    scale=lambda fan_in, fan_out, gain: gain * math.sqrt(6.0 / (fan_in + fan_out)),
    reference=_GLOROT,
    torch="torch.nn.init.xavier_uniform_",
    keras="keras.initializers.GlorotUniform",
    jax="jax.nn.initializers.glorot_uniform",
)
GLOROT_NORMAL = Initializer(
    name="glorot_normal",
    aliases=("xavier_normal",),
    summary="variance 2 / (fan_in + fan_out), normal",
    parameters=_GAIN,
    distribution="normal",
    scale=lambda fan_in, fan_out, gain: gain * math.sqrt(2.0 / (fan_in + fan_out)),
    reference=_GLOROT,
    torch="torch.nn.init.xavier_normal_",
)
GLOROT_TRUNCATED = Initializer(
    name="glorot_truncated",
    summary="variance 2 / (fan_in + fan_out), normal cut at two deviations: Keras' and JAX's glorot_normal",
    parameters=_GAIN,
    distribution="truncated_normal",
    scale=lambda fan_in, fan_out, gain: gain * math.sqrt(2.0 / (fan_in + fan_out)) / TRUNCATED_DEVIATION,
    reference=_GLOROT,
    keras="keras.initializers.GlorotNormal",
    jax="jax.nn.initializers.glorot_normal",
)
HE_UNIFORM = Initializer(
    name="he_uniform",
    aliases=("kaiming_uniform", "he", "kaiming"),
    summary="variance 2 / fan_in, uniform",
    parameters=_GAIN,
    distribution="uniform",
    scale=lambda fan_in, fan_out, gain: gain * math.sqrt(6.0 / fan_in),
    reference=_HE,
    torch="torch.nn.init.kaiming_uniform_",
    keras="keras.initializers.HeUniform",
    jax="jax.nn.initializers.he_uniform",
)
HE_NORMAL = Initializer(
    name="he_normal",
    aliases=("kaiming_normal",),
    summary="variance 2 / fan_in, normal",
    parameters=_GAIN,
    distribution="normal",
    scale=lambda fan_in, fan_out, gain: gain * math.sqrt(2.0 / fan_in),
    reference=_HE,
    torch="torch.nn.init.kaiming_normal_",
)
HE_TRUNCATED = Initializer(
    name="he_truncated",
    summary="variance 2 / fan_in, normal cut at two deviations: Keras' and JAX's he_normal",
    parameters=_GAIN,
    distribution="truncated_normal",
    scale=lambda fan_in, fan_out, gain: gain * math.sqrt(2.0 / fan_in) / TRUNCATED_DEVIATION,
    reference=_HE,
    keras="keras.initializers.HeNormal",
    jax="jax.nn.initializers.he_normal",
)
LECUN_UNIFORM = Initializer(
    name="lecun_uniform",
    aliases=("lecun",),
    summary="variance 1 / fan_in, uniform",
    parameters=_GAIN,
    distribution="uniform",
    scale=lambda fan_in, fan_out, gain: gain * math.sqrt(3.0 / fan_in),
    reference=_LECUN,
    keras="keras.initializers.LecunUniform",
    jax="jax.nn.initializers.lecun_uniform",
)
LECUN_NORMAL = Initializer(
    name="lecun_normal",
    summary="variance 1 / fan_in, normal",
    parameters=_GAIN,
    distribution="normal",
    scale=lambda fan_in, fan_out, gain: gain * math.sqrt(1.0 / fan_in),
    reference=_LECUN,
)
LECUN_TRUNCATED = Initializer(
    name="lecun_truncated",
    summary="variance 1 / fan_in, normal cut at two deviations: Keras' and JAX's lecun_normal",
    parameters=_GAIN,
    distribution="truncated_normal",
    scale=lambda fan_in, fan_out, gain: gain * math.sqrt(1.0 / fan_in) / TRUNCATED_DEVIATION,
    reference=_LECUN,
    keras="keras.initializers.LecunNormal",
    jax="jax.nn.initializers.lecun_normal",
)
TORCH = Initializer(
    name="torch",
    aliases=("torch_linear", "pytorch"),
    summary="what torch.nn.Linear does unasked: weights and biases U(±1/√fan_in)",
    distribution="uniform",
    scale=lambda fan_in, fan_out: 1.0 / math.sqrt(fan_in),
    bias="torch",
)
KERAS = Initializer(
    name="keras",
    aliases=("keras_dense",),
    summary="what keras.layers.Dense does unasked: Glorot uniform weights, zero biases",
    distribution="uniform",
    scale=lambda fan_in, fan_out: math.sqrt(6.0 / (fan_in + fan_out)),
)
