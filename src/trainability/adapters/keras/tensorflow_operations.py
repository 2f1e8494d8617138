"""TensorFlow's operations by the names of JAX's primitives, which layers and losses are found by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

NAMES: Final[dict[str, str]] = {
    "MatMul": "dot_general", "BatchMatMulV2": "dot_general", "Einsum": "dot_general",
    "Conv2D": "conv_general_dilated", "Conv3D": "conv_general_dilated",
    "DepthwiseConv2dNative": "conv_general_dilated", "Conv2DBackpropInput": "conv_general_dilated",
    "Conv3DBackpropInputV2": "conv_general_dilated",
    "AddV2": "add", "Add": "add", "BiasAdd": "add", "AddN": "add", "Sub": "sub", "Mul": "mul", "RealDiv": "div",
    "Div": "div", "DivNoNan": "div", "Neg": "neg", "Abs": "abs", "Square": "square", "Pow": "pow", "Log": "log",
    "Log1p": "log1p", "Exp": "exp", "Maximum": "max", "Minimum": "min", "ClipByValue": "clip", "Sum": "reduce_sum",
    "Max": "reduce_max", "MaxPool": "reduce_window_max", "MaxPoolV2": "reduce_window_max",
    "MaxPool3D": "reduce_window_max", "AvgPool": "reduce_window_sum", "AvgPool3D": "reduce_window_sum",
    "SelectV2": "select_n", "Select": "select_n", "GatherV2": "gather", "ResourceGather": "gather",
    "GatherNd": "gather", "StridedSlice": "dynamic_slice", "Slice": "dynamic_slice",
    "Reshape": "reshape", "ExpandDims": "reshape", "Squeeze": "reshape", "Transpose": "transpose",
    "Cast": "convert_element_type", "Identity": "copy", "StopGradient": "stop_gradient",
    "PreventGradient": "stop_gradient", "Fill": "full",
    "Relu": "relu", "Relu6": "relu6", "LeakyRelu": "leaky_relu", "Elu": "elu", "Selu": "selu", "Sigmoid": "logistic",
    "Tanh": "tanh", "Softplus": "softplus", "Softsign": "soft_sign", "Softmax": "softmax", "LogSoftmax": "log_softmax",
    "Sin": "sin", "Erf": "erf", "Atan": "atan",
    "SoftmaxCrossEntropyWithLogits": "softmax_cross_entropy",
    "SparseSoftmaxCrossEntropyWithLogits": "softmax_cross_entropy_with_integer_labels",
}  # fmt: skip
"""Others keep their own."""

_LAST: Final = {"Conv2D": 3, "Conv3D": 4, "Conv2DBackpropInput": 2, "Conv3DBackpropInputV2": 3}
"""Where a convolution's kernel has its units."""

Units = tuple[tuple[int, ...], tuple[int, ...]]
"""The dimensions that count units, in a weight and in the answer."""


def parameters(
    kind: str, attributes: Mapping[str, Any], inputs: Sequence[Any], output: Any
) -> tuple[str, dict[str, Any]]:
    """The primitive's name and parameters of an operation that was done, as far as anybody reads them.

    Args:
        kind: TensorFlow's name of it.
        inputs: its tensors. output: the first of its answers.
    """
    name = NAMES.get(kind, kind)
    if name == "reshape":
        return name, {"new_sizes": tuple(output.shape)}
    if name == "transpose":
        return name, {"permutation": tuple(int(place) for place in inputs[1].numpy())}
    if name == "pow" and inputs[1].shape.rank == 0 and float(inputs[1]).is_integer():
        return "integer_pow", {"y": int(inputs[1])}
    if name in ("dot_general", "conv_general_dilated"):
        return name, {"units": tuple(_units(kind, attributes, inputs, output, which) for which in range(len(inputs)))}
    return name, {}


def _units(kind: str, attributes: Mapping[str, Any], inputs: Sequence[Any], output: Any, which: int) -> Units:
    rank, answers = len(inputs[which].shape), len(output.shape)
    if kind == "Einsum":
        return _of_labels(_text(attributes["equation"]), [len(one.shape) for one in inputs], which)
    if kind in ("MatMul", "BatchMatMulV2"):
        turned = attributes[("transpose_a", "transpose_b")[which] if kind == "MatMul" else ("adj_x", "adj_y")[which]]
        own = rank - 1 if bool(turned) != (which == 1) else rank - 2
        batch = range(rank - 2)
        return (*batch, own), (*(answers - rank + place for place in batch), answers - 1 if which else answers - 2)
    channel = 1 if _text(attributes["data_format"]).startswith("NC") else answers - 1
    return (2, 3) if kind == "DepthwiseConv2dNative" else (min(_LAST[kind], rank - 1),), (channel,)


def _of_labels(equation: str, ranks: Sequence[int], which: int) -> Units:
    """Of a sum over labels such as ``...x,xy->...y``: those of the weight that are left are units."""
    given, answer = equation.replace(" ", "").split("->")
    operands = given.split(",")
    widths = [rank - len(one.replace("...", "")) for one, rank in zip(operands, ranks, strict=True) if "..." in one]
    dots = "".join(map(chr, range(0x100, 0x100 + max(widths, default=0))))  # letters that no equation has

    def spread(labels: str, rank: int) -> str:
        return labels.replace("...", dots[len(dots) - (rank - len(labels.replace("...", ""))) :] if rank else dots)

    labels = spread(operands[which], ranks[which])
    left = spread(answer, 0)
    kept = [(place, left.index(label)) for place, label in enumerate(labels) if label in left]
    return tuple(place for place, _ in kept), tuple(place for _, place in kept)


def _text(attribute: str | bytes) -> str:
    return attribute if isinstance(attribute, str) else attribute.decode()
