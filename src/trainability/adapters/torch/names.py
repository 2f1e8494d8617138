"""PyTorch's functions by what they do to a network: layers, activations, losses, and what only reshapes."""

from __future__ import annotations

from typing import Final

from trainability.core.chart import LossKind

LAYERS: Final = {
    "linear": "linear", "bilinear": "linear", "addmm": "linear", "matmul": "linear", "mm": "linear",
    "conv1d": "convolution", "conv2d": "convolution", "conv3d": "convolution", "conv_transpose1d": "convolution",
    "conv_transpose2d": "convolution", "conv_transpose3d": "convolution",
    "multi_head_attention_forward": "attention", "rnn_tanh": "recurrent", "rnn_relu": "recurrent",
    "lstm": "recurrent", "gru": "recurrent",
}  # fmt: skip
ACTIVATIONS: Final = {
    "relu": "relu", "relu_": "relu", "relu6": "relu6", "leaky_relu": "leaky_relu", "leaky_relu_": "leaky_relu",
    "elu": "elu", "elu_": "elu", "selu": "selu", "celu": "celu", "gelu": "gelu", "silu": "silu", "mish": "mish",
    "sigmoid": "sigmoid", "sigmoid_": "sigmoid", "tanh": "tanh", "tanh_": "tanh", "softplus": "softplus",
    "softsign": "softsign", "hardtanh": "hardtanh", "hardtanh_": "hardtanh", "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_silu", "logsigmoid": "log_sigmoid", "prelu": "prelu", "rrelu": "rrelu", "exp": "exponential",
    "exp_": "exponential", "sin": "sine", "softmax": "softmax", "log_softmax": "log_softmax", "softmin": "softmin",
    "threshold": "threshold", "hardshrink": "hardshrink", "softshrink": "softshrink", "tanhshrink": "tanhshrink",
    "glu": "glu", "erf": "erf", "arctan": "arctan", "atan": "arctan",
}  # fmt: skip
ACROSS: Final = frozenset({"softmax", "log_softmax", "softmin", "glu"})
"""Activations that mix units: they have no slope of their own for each."""
LOSSES: Final[dict[str, tuple[str, LossKind]]] = {
    "cross_entropy": ("cross_entropy", "classes"), "nll_loss": ("nll", "classes"),
    "nll_loss_nd": ("nll", "classes"), "binary_cross_entropy": ("bce", "binary"),
    "binary_cross_entropy_with_logits": ("bce_with_logits", "binary"), "mse_loss": ("mse", "regression"),
    "l1_loss": ("mae", "regression"), "smooth_l1_loss": ("huber", "regression"),
    "huber_loss": ("huber", "regression"), "kl_div": ("kl_div", "unknown"),
    "poisson_nll_loss": ("poisson", "regression"), "gaussian_nll_loss": ("gaussian_nll", "regression"),
    "hinge_embedding_loss": ("hinge", "binary"), "soft_margin_loss": ("soft_margin", "binary"),
    "multi_margin_loss": ("multi_margin", "classes"), "multilabel_soft_margin_loss": ("multilabel", "binary"),
    "multi_label_margin_loss": ("multilabel", "binary"),
}  # fmt: skip
PASSING: Final = frozenset({
    "view", "reshape", "flatten", "squeeze", "unsqueeze", "permute", "transpose", "contiguous", "clone",
    "dropout", "dropout_", "feature_dropout", "alpha_dropout", "batch_norm", "layer_norm", "group_norm",
    "instance_norm", "rms_norm", "max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d", "adaptive_avg_pool1d",
    "adaptive_avg_pool2d", "__getitem__", "add", "add_", "__add__", "__iadd__", "__radd__",
    "max_pool1d_with_indices", "max_pool2d_with_indices", "t", "mT", "float", "double", "to", "expand",
    "unflatten", "subtract", "mul_",  # the latter two in Keras' batch normalisation
})  # fmt: skip
"""What hands a layer's answer on: the activation after it still belongs to the layer. A sum may be a bias."""
ASIDE: Final = frozenset({"mean", "square", "var", "var_mean", "std"})
"""Statistics of an answer, as a normalisation takes them; the answer itself goes on."""
COPYING: Final = frozenset({"contiguous", "to", "clone", "float", "half", "bfloat16"})
"""What gives a weight's numbers as they are, in another place or type."""
LEAVING: Final = frozenset({"numpy", "__array__", "tolist", "item", "__float__", "__int__"})
"""What takes numbers out of PyTorch, where no gradient follows them."""
