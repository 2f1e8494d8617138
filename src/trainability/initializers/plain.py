"""Initialisers whose scale the user gives."""

from __future__ import annotations

from trainability.core.catalogue import Parameter
from trainability.initializers import Initializer

ZEROS = Initializer(
    name="zeros",
    summary="every weight 0: units of a layer stay equal for ever",
    distribution="constant",
    scale=lambda fan_in, fan_out: 0.0,
    torch="torch.nn.init.zeros_",
    keras="keras.initializers.Zeros",
    jax="jax.nn.initializers.zeros",
)
CONSTANT = Initializer(
    name="constant",
    summary="every weight c",
    parameters=(Parameter("c", 1.0, doc="the value"),),
    distribution="constant",
    scale=lambda fan_in, fan_out, c: c,
    torch="torch.nn.init.constant_",
    keras="keras.initializers.Constant",
    jax="jax.nn.initializers.constant",
)
UNIFORM = Initializer(
    name="uniform",
    aliases=("random_uniform",),
    summary="U(−a, a); Keras' RandomUniform has a = 0.05",
    parameters=(Parameter("a", 0.05, low=0.0, doc="half the width"),),
    distribution="uniform",
    scale=lambda fan_in, fan_out, a: a,
    torch="torch.nn.init.uniform_",
    keras="keras.initializers.RandomUniform",
    jax="jax.nn.initializers.uniform",
)
NORMAL = Initializer(
    name="normal",
    aliases=("random_normal", "gaussian"),
    summary="N(0, σ²); Keras' RandomNormal has σ = 0.05",
    parameters=(Parameter("sigma", 0.05, low=0.0, doc="deviation"),),
    distribution="normal",
    scale=lambda fan_in, fan_out, sigma: sigma,
    torch="torch.nn.init.normal_",
    keras="keras.initializers.RandomNormal",
    jax="jax.nn.initializers.normal",
)
TRUNCATED_NORMAL = Initializer(
    name="truncated_normal",
    aliases=("trunc_normal",),
    summary="N(0, σ²) cut at two deviations, as Keras draws it: the deviation that remains is 0.8796 σ",
    parameters=(Parameter("sigma", 0.05, low=0.0, doc="deviation before cutting"),),
    distribution="truncated_normal",
    scale=lambda fan_in, fan_out, sigma: sigma,
    torch="torch.nn.init.trunc_normal_",
    keras="keras.initializers.TruncatedNormal",
    jax="jax.nn.initializers.truncated_normal",
)
ORTHOGONAL = Initializer(
    name="orthogonal",
    summary="a random matrix with orthonormal rows or columns, times a gain",
    parameters=(Parameter("gain", 1.0, low=0.0, doc="factor"),),
    distribution="orthogonal",
    scale=lambda fan_in, fan_out, gain: gain,
    reference="A. Saxe, J. McClelland, S. Ganguli, Exact solutions to the nonlinear dynamics of learning, ICLR 2014",
    torch="torch.nn.init.orthogonal_",
    keras="keras.initializers.Orthogonal",
    jax="jax.nn.initializers.orthogonal",
)
