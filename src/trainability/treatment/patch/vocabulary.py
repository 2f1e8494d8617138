"""What each framework calls layers, activations and what stands between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from trainability.adapters.framework import Framework

ACROSS: Final = frozenset({"softmax", "log_softmax", "softmin", "glu"})
"""Activations that mix units: none that a hidden layer's is replaced for."""


@dataclass(frozen=True)
class Vocabulary:
    """Full paths, ``torch.nn.Linear``, to what they are.

    Attributes:
        sequential: classes that apply what they are given one after the other.
        layers: to whether units come last in what they answer.
        activations: classes to names of the catalogue. functions, methods: the same of functions and of a tensor's.
        dropouts: to the name of their rate.
        passing: modules and functions that hand on what they get. reshaping: those after which units may lie elsewhere.
        joining: functions of several tensors. fresh: functions that make a tensor.
        forward: the method that a model's class has.
    """

    sequential: frozenset[str]
    layers: Mapping[str, bool]
    activations: Mapping[str, str]
    functions: Mapping[str, str]
    methods: Mapping[str, str]
    dropouts: Mapping[str, str]
    passing: frozenset[str]
    reshaping: frozenset[str]
    joining: frozenset[str]
    fresh: frozenset[str]
    forward: str


def _under(prefix: str, names: str) -> frozenset[str]:
    return frozenset(f"{prefix}.{name}" for name in names.split())


def _alike(names: str) -> dict[str, str]:
    """Names that the catalogue has too."""
    return {name: name for name in names.split()}


def _named(prefix: str, names: Mapping[str, str]) -> dict[str, str]:
    return {f"{prefix}.{name}": known for name, known in names.items()}


METHODS_PASSING: Final = frozenset(
    _alike("squeeze unsqueeze float double contiguous clone to astype half cuda cpu detach")
)
METHODS_RESHAPING: Final = frozenset(_alike("view reshape flatten permute transpose mean sum max min unflatten"))

_TORCH_MODULES: Final = {
    "ReLU": "relu", "ReLU6": "relu6", "LeakyReLU": "leaky_relu", "ELU": "elu", "SELU": "selu", "CELU": "celu",
    "GELU": "gelu", "SiLU": "silu", "Mish": "mish", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softplus": "softplus",
    "Softsign": "softsign", "Hardtanh": "hardtanh", "Hardsigmoid": "hard_sigmoid", "Hardswish": "hard_silu",
    "LogSigmoid": "log_sigmoid", "PReLU": "prelu", "RReLU": "rrelu", "Softmax": "softmax",
    "LogSoftmax": "log_softmax", "Softmin": "softmin", "GLU": "glu",
}  # fmt: skip
_TORCH_FUNCTIONS: Final = _alike(
    "relu relu6 leaky_relu elu selu celu gelu silu mish sigmoid tanh softplus softsign hardtanh prelu rrelu softmax "
    "log_softmax softmin glu"
) | {"hardsigmoid": "hard_sigmoid", "hardswish": "hard_silu", "logsigmoid": "log_sigmoid"}
_TORCH_METHODS: Final = _alike("relu sigmoid tanh softmax log_softmax") | {"exp": "exponential"}
_POOLS: Final = "MaxPool1d MaxPool2d MaxPool3d AvgPool1d AvgPool2d AvgPool3d AdaptiveAvgPool1d AdaptiveAvgPool2d"

TORCH: Final = Vocabulary(
    sequential=frozenset({"torch.nn.Sequential"}),
    layers={"torch.nn.Linear": True}
    | dict.fromkeys(_under("torch.nn", "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d"), False),
    activations=_named("torch.nn", _TORCH_MODULES),
    functions=_named("torch.nn.functional", _TORCH_FUNCTIONS)
    | _named("torch", _TORCH_METHODS | {"selu": "selu", "celu": "celu", "sin": "sine", "exp": "exponential"}),
    methods=_TORCH_METHODS,
    dropouts=dict.fromkeys(_under("torch.nn", "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout"), "p"),
    passing=_under(
        "torch.nn",
        "Identity BatchNorm1d BatchNorm2d BatchNorm3d LayerNorm GroupNorm InstanceNorm1d InstanceNorm2d RMSNorm "
        + _POOLS,
    )
    | _under("torch.nn.functional", "max_pool1d max_pool2d avg_pool1d avg_pool2d dropout layer_norm")
    | _under("torch", "squeeze unsqueeze"),
    reshaping=_under("torch.nn", "Flatten Unflatten") | _under("torch", "flatten reshape transpose permute mean sum"),
    joining=_under("torch", "cat concat stack add mul"),
    fresh=_under("torch", "zeros ones randn rand arange zeros_like ones_like randn_like rand_like tensor"),
    forward="forward",
)

_KERAS_FUNCTIONS: Final = _alike(
    "relu relu6 leaky_relu elu selu celu gelu silu mish sigmoid tanh softplus softsign softmax log_softmax "
    "exponential glu"
) | {"swish": "silu", "hard_sigmoid": "hard_sigmoid", "hard_silu": "hard_silu", "log_sigmoid": "log_sigmoid"}
_KERAS_MODULES: Final = {
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "ELU": "elu",
    "PReLU": "prelu",
    "Softmax": "softmax",
}

KERAS: Final = Vocabulary(
    sequential=frozenset({"keras.Sequential", "keras.models.Sequential"}),
    layers={"keras.layers.Dense": True}
    | dict.fromkeys(_under("keras.layers", "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose"), False),
    activations=_named("keras.layers", _KERAS_MODULES),
    functions=_named("keras.activations", _KERAS_FUNCTIONS) | _named("keras.ops", _KERAS_FUNCTIONS),
    methods={},
    dropouts=dict.fromkeys(
        _under("keras.layers", "Dropout SpatialDropout1D SpatialDropout2D AlphaDropout GaussianDropout"), "rate"
    ),
    passing=_under(
        "keras.layers",
        "BatchNormalization LayerNormalization GroupNormalization MaxPooling1D MaxPooling2D AveragePooling1D "
        "AveragePooling2D GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling2D Rescaling InputLayer "
        "MaxPool2D RandomFlip RandomRotation Normalization",
    ),
    reshaping=_under("keras.layers", "Flatten Reshape Permute"),
    joining=_under("keras.layers", "add Add concatenate Concatenate average Average"),
    fresh=frozenset({"keras.Input", "keras.layers.Input", "keras.layers.InputLayer"}),
    forward="call",
)

FLAX: Final = Vocabulary(
    sequential=frozenset({"flax.nnx.Sequential"}),
    layers={"flax.nnx.Linear": True, "flax.nnx.Conv": True, "flax.nnx.ConvTranspose": True},
    activations={},
    functions=_named("flax.nnx", _KERAS_FUNCTIONS)
    | _named("jax.nn", _KERAS_FUNCTIONS)
    | {"jax.numpy.tanh": "tanh", "jax.numpy.exp": "exponential"},
    methods={},
    dropouts={"flax.nnx.Dropout": "rate"},
    passing=_under("flax.nnx", "BatchNorm LayerNorm GroupNorm RMSNorm avg_pool max_pool") | {"jax.numpy.squeeze"},
    reshaping=_under("jax.numpy", "reshape ravel mean sum transpose"),
    joining=_under("jax.numpy", "concatenate stack"),
    fresh=_under("jax.numpy", "zeros ones arange"),
    forward="__call__",
)
VOCABULARIES: Final[Mapping[Framework, Vocabulary]] = {"torch": TORCH, "keras": KERAS, "flax": FLAX}
