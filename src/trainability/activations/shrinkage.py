"""Shrinkage: small pre-activations become 0, or are drawn towards it."""

from __future__ import annotations

from trainability.activations.base import Activation, Peer
from trainability.activations.shrunk import hard, soft
from trainability.core.catalogue import Parameter

_LAMBD = Parameter("lambd", 0.5, low=0.0, doc="half the width of the region that becomes 0")

HARDSHRINK = Activation(
    name="hardshrink",
    summary="The identity outside [-lambd, lambd], 0 inside.",
    aliases=("hard_shrink",),
    parameters=(_LAMBD,),
    formula="where(abs(x) > lambd, x, 0)",
    closed=hard,
    reference="Donoho and Johnstone, Ideal spatial adaptation by wavelet shrinkage, 1994",
    torch=Peer("torch.nn.functional.hardshrink", (("lambd", "lambd"),)),
    keras=Peer("keras.activations.hard_shrink", (("threshold", "lambd"),)),
)

SOFTSHRINK = Activation(
    name="softshrink",
    summary="Drawn towards 0 by lambd, and 0 within it.",
    aliases=("soft_shrink",),
    parameters=(_LAMBD,),
    formula="where(x > lambd, x - lambd, where(x < -lambd, x + lambd, 0))",
    closed=soft,
    reference="Donoho, De-noising by soft-thresholding, 1995",
    torch=Peer("torch.nn.functional.softshrink", (("lambd", "lambd"),)),
    keras=Peer("keras.activations.soft_shrink", (("threshold", "lambd"),)),
)

TANHSHRINK = Activation(
    name="tanhshrink",
    summary="x less its tanh.",
    aliases=("tanh_shrink",),
    formula="x - tanh(x)",
    torch=Peer("torch.nn.functional.tanhshrink"),
    keras=Peer("keras.activations.tanh_shrink"),
)
