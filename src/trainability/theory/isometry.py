"""How evenly a layer stretches: the squared singular values of its Jacobian D W, D = diag φ′.

J. Pennington, S. Schoenholz, S. Ganguli, Resurrecting the sigmoid in deep learning through dynamical isometry, NeurIPS
2017, and The emergence of spectral universality in deep networks, AISTATS 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from trainability.core.errors import SpecError
from trainability.theory.correlation import settled
from trainability.theory.functions import Activating, non_negative, whole
from trainability.theory.moments import moments
from trainability.theory.variance import checked

Weights: TypeAlias = Literal["orthogonal", "normal"]


@dataclass(frozen=True)
class Isometry:
    """The squared singular values of the Jacobian of `depth` layers, in the limit of great width.

    Attributes:
        mean: χ₁^depth.
        variance: mean² · depth · (E[φ′⁴]/E[φ′²]² − 1 + s), where s, what the weights alone add, is 1 for normal weights
            and 0 for orthogonal ones. 0 means that every direction keeps its length alike. Of a gate, φ′ is the
            gradient, and orthogonal weights are an orthogonal matrix for each piece, so that s = 1 − Σ (E[(∂φ/∂xᵢ)²] /
            E[φ′²])².
    """

    mean: float
    variance: float


def isometry(
    phi: Activating,
    sigma_w2: float,
    sigma_b2: float,
    weights: Weights = "orthogonal",
    depth: int = 1,
    q: float | None = None,
) -> Isometry:
    """Mean and variance of the squared singular values of `depth` layers' Jacobian.

    Args:
        phi: a catalogue name, a formula or a function of a NumPy array.
        sigma_w2: fan_in times the variance of a weight; for orthogonal weights the squared gain.
        sigma_b2: the variance of a bias.
        weights: ``orthogonal`` (square matrices) or ``normal``.
        depth: layers, at least 1.
        q: the pre-activations' variance; by default the one that the network settles at.

    Raises:
        SpecError: an argument is out of range, or the variance has no fixed point.

    Example:
        >>> isometry("identity", 1.0, 0.0)
        Isometry(mean=1.0, variance=0.0)
    """
    if weights not in get_args(Weights):
        raise SpecError(f"unknown weights {weights!r}; known are {', '.join(get_args(Weights))}")
    depth = whole(depth, "depth")
    _, sigma_w2, sigma_b2 = checked(sigma_w2, sigma_b2)
    q = settled(phi, sigma_w2, sigma_b2) if q is None else non_negative(q, "the variance q")
    m = moments(phi)
    slope = m.at("slope_second", q)
    if slope == 0:
        return Isometry(0.0, 0.0)
    mean = (sigma_w2 * slope) ** depth
    added = 1.0 if weights == "normal" else 1.0 - sum((each / slope) ** 2 for each in m.slope_each(q))
    uneven = m.at("slope_fourth", q) / slope**2 - 1 + added
    return Isometry(mean, mean**2 * depth * uneven)
