"""The functions of JAX, Flax, optax and Keras by what they do to a network; the rest is told by its primitive."""

from __future__ import annotations

import re
from typing import Final

from trainability.core.chart import LossKind

FILES: Final = (
    (re.compile(r"/flax/(nnx/nn|linen)/normalization\.py$"), "normalization"),
    (re.compile(r"/flax/(nnx/nn|linen)/stochastic\.py$"), "dropout"),
    (re.compile(r"/flax/linen/pooling\.py$"), "pool"),
    (re.compile(r"/flax/nnx/nn/activations\.py$"), "prelu"),
    (re.compile(r"/keras/src/layers/normalization/"), "normalization"),
    (re.compile(r"/keras/src/layers/regularization/"), "dropout"),
    (re.compile(r"/keras/src/layers/pooling/"), "pool"),
    (re.compile(r"/keras/src/layers/activations/prelu\.py$"), "prelu"),
)
"""Files in which every function does the same kind of thing."""
LIBRARIES: Final = re.compile(
    r"/(jax/_src/nn/functions|optax/losses/\w+|optax/_src/loss|keras/src/activations/activations|keras/src/ops/nn"
    r"|keras/src/losses/losses|keras/src/backend/(jax|tensorflow)/nn|tensorflow/python/ops/nn_(ops|impl))\.py$"
)
"""Files whose functions are known by their own names."""
KINDS: Final = (
    (re.compile(r"/flax/(nnx/nn|linen)/attention\.py$|/keras/src/layers/attention/"), "attention"),
    (re.compile(r"/flax/(nnx/nn|linen)/recurrent\.py$|/keras/src/layers/rnn/"), "recurrent"),
)
"""Files that tell what a layer is a part of."""
ACTIVATIONS: Final = {
    "relu": "relu", "max0": "relu", "relu6": "relu6", "leaky_relu": "leaky_relu", "elu": "elu", "selu": "selu",
    "celu": "celu", "gelu": "gelu", "silu": "silu", "swish": "silu", "mish": "mish", "sigmoid": "sigmoid",
    "logistic": "sigmoid", "tanh": "tanh", "softplus": "softplus", "soft_sign": "softsign", "softsign": "softsign",
    "hard_tanh": "hardtanh", "hard_sigmoid": "hard_sigmoid", "hard_silu": "hard_silu", "hard_swish": "hard_silu",
    "log_sigmoid": "log_sigmoid", "prelu": "prelu", "exp": "exponential", "exponential": "exponential",
    "sin": "sine", "softmax": "softmax", "log_softmax": "log_softmax", "threshold": "threshold",
    "hard_shrink": "hardshrink", "soft_shrink": "softshrink", "tanh_shrink": "tanhshrink", "glu": "glu", "erf": "erf",
    "atan": "arctan", "squareplus": "squareplus", "sparse_plus": "sparse_plus", "sparsemax": "sparsemax",
    "sparse_sigmoid": "sparse_sigmoid",
}  # fmt: skip
ACROSS: Final = frozenset({"softmax", "log_softmax", "sparsemax", "glu", "prelu"})
"""Activations that mix units or have weights: they have no slope of their own for each."""
LOSSES: Final[dict[str, tuple[str, LossKind]]] = {
    "softmax_cross_entropy": ("cross_entropy", "classes"),
    "softmax_cross_entropy_with_integer_labels": ("cross_entropy", "classes"),
    "safe_softmax_cross_entropy": ("cross_entropy", "classes"),
    "categorical_crossentropy": ("probabilities_cross_entropy", "classes"),
    "sparse_categorical_crossentropy": ("probabilities_cross_entropy", "classes"),
    "sigmoid_binary_cross_entropy": ("bce_with_logits", "binary"), "binary_crossentropy": ("bce", "binary"),
    "binary_focal_crossentropy": ("focal", "binary"), "sigmoid_focal_loss": ("focal", "binary"),
    "squared_error": ("mse", "regression"), "mean_squared_error": ("mse", "regression"),
    "l2_loss": ("half_mse", "regression"), "mean_absolute_error": ("mae", "regression"),
    "huber_loss": ("huber", "regression"), "huber": ("huber", "regression"), "log_cosh": ("log_cosh", "regression"),
    "mean_absolute_percentage_error": ("mape", "regression"),
    "mean_squared_logarithmic_error": ("msle", "regression"), "poisson": ("poisson", "regression"),
    "hinge_loss": ("hinge", "binary"), "hinge": ("hinge", "binary"), "squared_hinge": ("squared_hinge", "binary"),
    "categorical_hinge": ("multi_margin", "classes"), "kl_divergence": ("kl_div", "unknown"),
}  # fmt: skip
OF_SCORES: Final = {
    "categorical_crossentropy": "cross_entropy", "sparse_categorical_crossentropy": "cross_entropy",
    "binary_crossentropy": "bce_with_logits",
}  # fmt: skip
"""What Keras' losses are called where they turn scores into probabilities themselves."""
SCORED: Final = frozenset({"log_softmax", "log_sigmoid", "softplus", "logsumexp"})
"""What such a loss is made with."""
RESHAPING: Final = frozenset({
    "reshape", "transpose", "squeeze", "broadcast_in_dim", "convert_element_type", "copy", "slice",
    "reduce_precision",
})  # fmt: skip
"""Primitives that only move or round numbers."""
PASSING: Final = RESHAPING | {
    "normalization", "dropout", "pool", "add", "add_any", "reduce_window_max", "reduce_window_sum", "reduce_max",
    "dynamic_slice", "gather",
}  # fmt: skip
"""What hands a layer's answer on: the activation after it still belongs to the layer. A sum may be a bias."""
LAYERS: Final = {"dot_general": "linear", "conv_general_dilated": "convolution", "scan": "recurrent"}
