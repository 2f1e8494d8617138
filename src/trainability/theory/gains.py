"""Which gain to initialise with: the factor on the deviation 1/√fan_in of a weight."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias, get_args

from trainability.core.errors import SpecError
from trainability.theory.functions import Activating, at_width
from trainability.theory.moments import moments
from trainability.theory.phases import critical_sigma_w

GainKind: TypeAlias = Literal["second_moment", "critical"]


def second_moment_gain(phi: Activating) -> float:
    """1 / √E[φ(z)²], z ~ N(0, 1): pre-activations of variance 1 keep variance 1.

    Args:
        phi: a catalogue name, a formula or a function of a NumPy array.

    Raises:
        SpecError: E[φ²] has no finite value, or φ is 0 everywhere.

    Example:
        >>> round(second_moment_gain("gelu"), 5)
        1.53353
    """
    m = moments(phi)
    second = m.at("second", 1.0)
    if second == 0:
        raise SpecError(f"'{m.name}' is 0 wherever pre-activations of variance 1 come: no gain makes up for that")
    return 1 / math.sqrt(second)


def gain(phi: Activating, kind: GainKind = "second_moment", sigma_b: float = 0.0, width: int | None = None) -> float:
    """The gain for an activation: a weight's deviation is gain / √fan_in.

    What PyTorch's `calculate_gain` gives for six names, for every activation of the catalogue and any formula or
    function.

    Args:
        phi: a catalogue name (``gelu``, ``leaky_relu:0.2``), a formula (``expr:x*tanh(x)``) or a function of a NumPy
            array.
        kind: ``second_moment`` (default): the forward pass keeps variance 1, as He's √2 does for ReLU; it exists for
            every activation. ``critical``: a gradient keeps its size on its way back (χ₁ = 1), at the variance that
            then reproduces itself; the one of smallest variance. For a very deep plain network the latter counts: tanh
            wants 1.5925 by the first and 1 by the second.
        sigma_b: deviation of the biases, for ``critical``.
        width: units of the layer, which a softmax and its like need and no other activation.

    Raises:
        UsageError: there is no such activation, kind or gain; the sentence says why.

    Example:
        >>> round(gain("gelu"), 5), round(gain("tanh", "critical"), 5), round(gain("expr:max(x, 0)"), 5)
        (1.53353, 1.0, 1.41421)
        >>> round(gain("softmax", width=64), 4)
        40.6116
    """
    if kind not in get_args(GainKind):
        raise SpecError(f"unknown kind of gain {kind!r}; known are {', '.join(get_args(GainKind))}")
    phi = phi if width is None else at_width(phi, width)
    return second_moment_gain(phi) if kind == "second_moment" else critical_sigma_w(phi, sigma_b)
