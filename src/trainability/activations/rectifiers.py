"""Rectifiers: ReLU and its relatives, linear on each side of a kink."""

from __future__ import annotations

import math

from trainability.activations import closed_forms
from trainability.activations.base import Activation, Peer
from trainability.core.catalogue import Parameter

RELU = Activation(
    name="relu",
    summary="The identity above 0, and 0 below.",
    aliases=("rectifier", "rectified_linear"),
    formula="where(x > 0, x, 0)",
    closed=lambda: closed_forms.two_lines(0.0, 1.0),
    bounds=(0.0, math.inf),
    reference="Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, ICML 2010",
    torch=Peer("torch.nn.functional.relu"),
    keras=Peer("keras.activations.relu"),
    jax=Peer("jax.nn.relu"),
)

LEAKY_RELU = Activation(
    name="leaky_relu",
    summary="A ReLU that leaks a small slope below 0, so that no unit dies.",
    aliases=("leakyrelu", "lrelu"),
    parameters=(Parameter("alpha", 0.01, doc="slope below 0"),),
    formula="where(x > 0, x, alpha*x)",
    closed=lambda alpha: closed_forms.two_lines(alpha, 1.0),
    reference="Maas, Hannun and Ng, Rectifier nonlinearities improve acoustic models, ICML 2013",
    torch=Peer("torch.nn.functional.leaky_relu", (("negative_slope", "alpha"),)),
    keras=Peer("keras.activations.leaky_relu", (("negative_slope", "alpha"),)),
    jax=Peer("jax.nn.leaky_relu", (("negative_slope", "alpha"),)),
)

PRELU = Activation(
    name="prelu",
    summary="A leaky ReLU whose slope below 0 is learned, one for each unit.",
    parameters=(Parameter("alpha", 0.25, doc="slope below 0 at the start of learning"),),
    formula="where(x > 0, x, alpha*x)",
    closed=lambda alpha: closed_forms.two_lines(alpha, 1.0),
    learned=("alpha",),
    reference="He et al., Delving deep into rectifiers, ICCV 2015",
    # torch.nn.functional.prelu wants the slopes as an array; with one slope it is leaky_relu.
    torch=Peer("torch.nn.functional.leaky_relu", (("negative_slope", "alpha"),)),
)

RRELU = Activation(
    name="rrelu",
    summary="A leaky ReLU whose slope is drawn for each element in training, and is its mean in evaluation.",
    parameters=(
        Parameter("lower", 1 / 8, doc="smallest slope below 0"),
        Parameter("upper", 1 / 3, doc="largest slope below 0"),
    ),
    formula="where(x > 0, x, slope*x)",
    closed=lambda lower, upper: closed_forms.two_lines(0.5 * (lower + upper), 1.0),
    random=("slope", "lower", "upper"),
    ordered=("lower", "upper"),
    reference="Xu et al., Empirical evaluation of rectified activations, arXiv:1505.00853, 2015",
    torch=Peer("torch.nn.functional.rrelu", (("lower", "lower"), ("upper", "upper"))),
)

RELU6 = Activation(
    name="relu6",
    summary="A ReLU cut off at 6.",
    formula="clip(x, 0, 6)",
    bounds=(0.0, 6.0),
    reference="Krizhevsky, Convolutional deep belief networks on CIFAR-10, 2010",
    torch=Peer("torch.nn.functional.relu6"),
    keras=Peer("keras.activations.relu6"),
    jax=Peer("jax.nn.relu6"),
)

RELU_SQUARED = Activation(
    name="relu_squared",
    summary="The square of a ReLU.",
    aliases=("relu2", "squared_relu", "relusquared"),
    formula="where(x > 0, x**2, 0)",
    closed=lambda: closed_forms.RELU_SQUARED,
    bounds=(0.0, math.inf),
    reference="So et al., Primer: searching for efficient transformers for language modeling, NeurIPS 2021",
)

THRESHOLD = Activation(
    name="threshold",
    summary="The identity above a threshold, and a constant value at and below it.",
    parameters=(
        Parameter("threshold", 0.0, doc="where the identity starts"),
        Parameter("value", 0.0, doc="output at and below the threshold"),
    ),
    formula="where(x > threshold, x, value)",
    bounds=(0.0, math.inf),
    torch=Peer("torch.nn.functional.threshold", (("threshold", "threshold"), ("value", "value"))),
    keras=Peer("keras.activations.threshold", (("threshold", "threshold"), ("default_value", "value"))),
)

HARDTANH = Activation(
    name="hardtanh",
    summary="The identity between two bounds, constant outside.",
    aliases=("hard_tanh",),
    parameters=(
        Parameter("min_val", -1.0, doc="smallest output"),
        Parameter("max_val", 1.0, doc="largest output"),
    ),
    formula="clip(x, min_val, max_val)",
    bounds=(-1.0, 1.0),
    ordered=("min_val", "max_val"),
    reference="Collobert, Large scale machine learning, thesis, Paris VI, 2004",
    torch=Peer("torch.nn.functional.hardtanh", (("min_val", "min_val"), ("max_val", "max_val"))),
    keras=Peer("keras.activations.hard_tanh"),
    jax=Peer("jax.nn.hard_tanh"),
)

HARDSIGMOID = Activation(
    name="hardsigmoid",
    summary="The sigmoid as three straight lines: 0 below -3, 1 above 3.",
    aliases=("hard_sigmoid",),
    formula="clip(x/6 + 0.5, 0, 1)",
    bounds=(0.0, 1.0),
    reference="Courbariaux, Bengio and David, BinaryConnect, NeurIPS 2015",
    torch=Peer("torch.nn.functional.hardsigmoid"),
    keras=Peer("keras.activations.hard_sigmoid"),
    jax=Peer("jax.nn.hard_sigmoid"),
)

HARDSWISH = Activation(
    name="hardswish",
    summary="x times the hard sigmoid of x: a cheap SiLU.",
    aliases=("hard_swish", "hard_silu", "hardsilu"),
    formula="x*clip(x/6 + 0.5, 0, 1)",
    bounds=(-0.375, math.inf),
    reference="Howard et al., Searching for MobileNetV3, ICCV 2019",
    torch=Peer("torch.nn.functional.hardswish"),
    keras=Peer("keras.activations.hard_silu"),
    jax=Peer("jax.nn.hard_silu"),
)

SPARSE_PLUS = Activation(
    name="sparse_plus",
    summary="A ReLU whose kink is replaced by a parabola on [-1, 1].",
    aliases=("sparseplus",),
    formula="where(x <= -1, 0, where(x >= 1, x, (x + 1)**2/4))",
    bounds=(0.0, math.inf),
    reference="Martins and Astudillo, From softmax to sparsemax, ICML 2016 (the binary sparsemax loss)",
    keras=Peer("keras.activations.sparse_plus"),
    jax=Peer("jax.nn.sparse_plus"),
)

BINARY_STEP = Activation(
    name="binary_step",
    summary="1 above a threshold, 0 at and below it; its slope is 0, so that gradients do not pass.",
    aliases=("step", "heaviside"),
    parameters=(Parameter("threshold", 0.0, doc="where the step is"),),
    formula="where(x > threshold, 1, 0)",
    closed=closed_forms.step,
    bounds=(0.0, 1.0),
    reference="McCulloch and Pitts, A logical calculus of the ideas immanent in nervous activity, 1943",
)
