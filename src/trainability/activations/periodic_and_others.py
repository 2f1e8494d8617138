"""The identity, periodic activations, and bumps."""

from __future__ import annotations

from trainability.activations import closed_forms
from trainability.activations.base import Activation, Peer
from trainability.core.catalogue import Parameter

IDENTITY = Activation(
    name="identity",
    summary="x itself: a network of it is linear, however deep.",
    aliases=("linear",),
    formula="x",
    closed=lambda: closed_forms.two_lines(1.0, 1.0),
    keras=Peer("keras.activations.linear"),
    jax=Peer("jax.nn.identity"),
)

SIN = Activation(
    name="sin",
    summary="The sine, as in sinusoidal representation networks.",
    aliases=("sine", "siren"),
    formula="sin(x)",
    closed=lambda: closed_forms.SIN,
    bounds=(-1.0, 1.0),
    reference="Sitzmann et al., Implicit neural representations with periodic activations, NeurIPS 2020",
    torch=Peer("torch.sin"),
    jax=Peer("jax.numpy.sin"),
)

SNAKE = Activation(
    name="snake",
    summary="x plus a squared sine: monotonic, with a period.",
    parameters=(Parameter("a", 1.0, low=0.0, open_low=True, doc="angular frequency"),),
    formula="x + sin(a*x)**2/a",
    closed=closed_forms.snake,
    reference="Ziyin, Hartwig and Ueda, Neural networks fail to learn periodic functions, NeurIPS 2020",
)

GAUSSIAN = Activation(
    name="gaussian",
    summary="A bell: 1 at 0, falling to 0 on both sides.",
    aliases=("gauss", "rbf"),
    formula="exp(-x**2)",
    closed=lambda: closed_forms.GAUSSIAN,
    bounds=(0.0, 1.0),
    reference="Broomhead and Lowe, Multivariable functional interpolation and adaptive networks, 1988",
)
