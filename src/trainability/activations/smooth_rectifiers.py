"""Smooth rectifiers: near 0 far below, near x far above, with a derivative everywhere."""

from __future__ import annotations

import math

from trainability.activations import closed_forms
from trainability.activations.base import Activation, Peer
from trainability.core.catalogue import Parameter

SOFTPLUS = Activation(
    name="softplus",
    summary="The logarithm of 1 + e^x: a smooth ReLU that is never 0.",
    parameters=(Parameter("beta", 1.0, low=0.0, open_low=True, doc="sharpness: large beta approaches ReLU"),),
    formula="softplus(beta*x)/beta",
    bounds=(0.0, math.inf),
    reference="Dugas et al., Incorporating second-order functional knowledge, NeurIPS 2000",
    # By itself torch takes x beyond beta * x = 20, which is off by 2e-9.
    torch=Peer("torch.nn.functional.softplus", (("beta", "beta"),), (("threshold", 40.0),)),
    keras=Peer("keras.activations.softplus"),
    jax=Peer("jax.nn.softplus"),
)

SQUAREPLUS = Activation(
    name="squareplus",
    summary="An algebraic softplus: half of x plus a hyperbola.",
    parameters=(Parameter("b", 4.0, low=0.0, open_low=True, doc="size of the rounded region"),),
    formula="(x + sqrt(x**2 + b))/2",
    bounds=(0.0, math.inf),
    reference="Barron, Squareplus: a softplus-like algebraic rectifier, arXiv:2112.11687, 2021",
    keras=Peer("keras.activations.squareplus", (("b", "b"),)),
    jax=Peer("jax.nn.squareplus", (("b", "b"),)),
)

SILU = Activation(
    name="silu",
    summary="x times its sigmoid.",
    aliases=("swish",),
    parameters=(Parameter("beta", 1.0, doc="sharpness of the sigmoid"),),
    formula="x*sigmoid(beta*x)",
    bounds=(-0.27846454276107380, math.inf),
    reference="Elfwing, Uchibe and Doya, Sigmoid-weighted linear units, 2018",
    torch=Peer("torch.nn.functional.silu"),
    keras=Peer("keras.activations.silu"),
    jax=Peer("jax.nn.silu"),
)

MISH = Activation(
    name="mish",
    summary="x times the tanh of its softplus.",
    formula="x*tanh(softplus(x))",
    bounds=(-0.30884341595476700, math.inf),
    reference="Misra, Mish: a self regularized non-monotonic activation function, BMVC 2020",
    torch=Peer("torch.nn.functional.mish"),
    keras=Peer("keras.activations.mish"),
    jax=Peer("jax.nn.mish"),
)

GELU = Activation(
    name="gelu",
    summary="x times the probability that a standard normal number is below x.",
    formula="x*normal_cdf(x)",
    closed=lambda: closed_forms.GELU,
    bounds=(-0.16997120747990370, math.inf),
    reference="Hendrycks and Gimpel, Gaussian error linear units, arXiv:1606.08415, 2016",
    torch=Peer("torch.nn.functional.gelu", (), (("approximate", "none"),)),
    keras=Peer("keras.activations.gelu", (), (("approximate", False),)),
    jax=Peer("jax.nn.gelu", (), (("approximate", False),)),
)

GELU_TANH = Activation(
    name="gelu_tanh",
    summary="The GELU with its normal distribution approximated by a tanh.",
    aliases=("gelu_approximate",),
    formula="0.5*x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))",
    bounds=(-0.17004075057125410, math.inf),
    reference="Hendrycks and Gimpel, Gaussian error linear units, arXiv:1606.08415, 2016",
    torch=Peer("torch.nn.functional.gelu", (), (("approximate", "tanh"),)),
    keras=Peer("keras.activations.gelu", (), (("approximate", True),)),
    jax=Peer("jax.nn.gelu", (), (("approximate", True),)),
)
