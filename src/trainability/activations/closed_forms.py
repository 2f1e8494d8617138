"""Gaussian expectations in closed form, for the activations that have them.

u and v are jointly normal with variance q and correlation c. Forms that lose digits for some q, such as those of ELU
near q = 0, are left to quadrature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Form: TypeAlias = Callable[[Any], Any]
"""From a variance q > 0, a float or an array, to the expectation."""

Form2: TypeAlias = Callable[[float, Any], Any]
"""From (q, c) to the expectation."""


@dataclass(frozen=True, kw_only=True)
class ClosedForms:
    """What is known exactly of one activation; None where it is not.

    Attributes:
        mean, second, fourth: E[φ(u)], E[φ(u)²], E[φ(u)⁴].
        slope_second, slope_fourth: E[φ′(u)²], E[φ′(u)⁴].
        growth: dE[φ(u)²]/dq.
        both: E[φ(u)²φ′(u)²].
        product, slope_product: E[φ(u)φ(v)], E[φ′(u)φ′(v)].
    """

    mean: Form | None = None
    second: Form | None = None
    fourth: Form | None = None
    slope_second: Form | None = None
    slope_fourth: Form | None = None
    growth: Form | None = None
    both: Form | None = None
    product: Form2 | None = None
    slope_product: Form2 | None = None

    def at(self, kind: str, q: Any) -> Any:
        """The expectation of that name at variance q, or None."""
        form = getattr(self, kind)
        if form is None:
            return None
        with np.errstate(over="ignore"):
            return form(q)


def two_lines(left: float, right: float) -> ClosedForms:
    """Slope `left` below 0 and `right` above: the identity, ReLU and its leaky relatives.

    The products are the arc-cosine kernels of Cho and Saul, Kernel methods for deep learning, NeurIPS 2009.
    """
    square, fourth = 0.5 * (left**2 + right**2), 0.5 * (left**4 + right**4)
    odd, even = 0.5 * (right + left), 0.5 * (right - left)  # φ(x) = odd x + even |x|

    def product(q: float, c: Any) -> Any:
        bent = np.sqrt(np.maximum(1 - c**2, 0)) + c * np.arcsin(c)
        return q * (odd**2 * c + even**2 * (2 / np.pi) * bent)

    return ClosedForms(
        mean=lambda q: even * np.sqrt(2 * q / np.pi),
        second=lambda q: square * q,
        fourth=lambda q: 3 * fourth * q**2,
        slope_second=lambda q: square + 0 * q,
        slope_fourth=lambda q: fourth + 0 * q,
        growth=lambda q: square + 0 * q,
        product=product,
        slope_product=lambda q, c: odd**2 + even**2 * (2 / np.pi) * np.arcsin(c),
    )


RELU_SQUARED = ClosedForms(
    mean=lambda q: q / 2,
    second=lambda q: 1.5 * q**2,
    fourth=lambda q: 52.5 * q**4,
    slope_second=lambda q: 2 * q,
    slope_fourth=lambda q: 24 * q**2,
    growth=lambda q: 3 * q,
)

# Williams, Computing with infinite networks, NeurIPS 1996.
ERF = ClosedForms(
    mean=lambda q: 0 * q,
    second=lambda q: 2 / np.pi * np.arcsin(2 * q / (1 + 2 * q)),
    slope_second=lambda q: 4 / np.pi / np.sqrt(1 + 4 * q),
    slope_fourth=lambda q: 16 / np.pi**2 / np.sqrt(1 + 8 * q),
    growth=lambda q: 4 / np.pi / ((1 + 2 * q) * np.sqrt(1 + 4 * q)),
    product=lambda q, c: 2 / np.pi * np.arcsin(2 * q * c / (1 + 2 * q)),
    slope_product=lambda q, c: 4 / np.pi / np.sqrt((1 + 2 * q) ** 2 - (2 * q * c) ** 2),
)

SIN = ClosedForms(
    mean=lambda q: 0 * q,
    second=lambda q: -0.5 * np.expm1(-2 * q),
    slope_second=lambda q: 0.5 * (1 + np.exp(-2 * q)),
    growth=lambda q: np.exp(-2 * q),
    product=lambda q, c: 0.5 * (np.exp(-q * (1 - c)) - np.exp(-q * (1 + c))),
    slope_product=lambda q, c: 0.5 * (np.exp(-q * (1 - c)) + np.exp(-q * (1 + c))),
)

GAUSSIAN = ClosedForms(
    mean=lambda q: 1 / np.sqrt(1 + 2 * q),
    second=lambda q: 1 / np.sqrt(1 + 4 * q),
    fourth=lambda q: 1 / np.sqrt(1 + 8 * q),
    slope_second=lambda q: 4 * q / (1 + 4 * q) ** 1.5,
    slope_fourth=lambda q: 48 * q**2 / (1 + 8 * q) ** 2.5,
    growth=lambda q: -2 / (1 + 4 * q) ** 1.5,
    product=lambda q, c: 1 / np.sqrt((1 + 2 * q) ** 2 - (2 * q * c) ** 2),
    slope_product=lambda q, c: 4 * q * c / ((1 + 2 * q) ** 2 - (2 * q * c) ** 2) ** 1.5,
)

EXPONENTIAL = ClosedForms(
    mean=lambda q: np.exp(q / 2),
    second=lambda q: np.exp(2 * q),
    fourth=lambda q: np.exp(8 * q),
    slope_second=lambda q: np.exp(2 * q),
    slope_fourth=lambda q: np.exp(8 * q),
    growth=lambda q: 2 * np.exp(2 * q),
    product=lambda q, c: np.exp(q * (1 + c)),
    slope_product=lambda q, c: np.exp(q * (1 + c)),
)


def snake(a: float) -> ClosedForms:
    """x + sin²(a x)/a, by the moments of the cosine."""
    k = a**2
    return ClosedForms(
        mean=lambda q: -np.expm1(-2 * k * q) / (2 * a),
        second=lambda q: q + (np.expm1(-8 * k * q) / 2 - 2 * np.expm1(-2 * k * q)) / (4 * k),
        slope_second=lambda q: 1 - 0.5 * np.expm1(-8 * k * q),
        growth=lambda q: 1 + np.exp(-2 * k * q) - np.exp(-8 * k * q),
    )


def _gelu_parts(q: Any) -> tuple[Any, Any]:
    """E[Φ(u)²] and E[φ(u)²] of the standard normal's distribution Φ and density φ."""
    return 0.25 + np.arcsin(q / (1 + q)) / (2 * np.pi), 1 / (2 * np.pi * np.sqrt(1 + 2 * q))


def _gelu_second(q: Any) -> Any:
    share, density = _gelu_parts(q)
    return q * share + 2 * q**2 / (1 + q) * density


def _gelu_slope_second(q: Any) -> Any:
    share, density = _gelu_parts(q)
    return share + (2 * q / (1 + q) + q / (1 + 2 * q)) * density


def _gelu_growth(q: Any) -> Any:
    share, density = _gelu_parts(q)
    return share + (5 * q / (1 + q) - 2 * q**2 / (1 + q) ** 2 - 2 * q**2 / ((1 + q) * (1 + 2 * q))) * density


# By Stein's lemma, E[u g(u)] = q E[g′(u)], applied to powers of Φ and φ.
GELU = ClosedForms(
    mean=lambda q: q / np.sqrt(2 * np.pi * (1 + q)),
    second=_gelu_second,
    slope_second=_gelu_slope_second,
    growth=_gelu_growth,
)


def step(threshold: float) -> ClosedForms:
    """1 above `threshold`, 0 below."""
    from scipy.special import ndtr

    def above(q: Any) -> Any:
        return ndtr(-threshold / np.sqrt(q))

    def growth(q: Any) -> Any:
        return threshold / (2 * q**1.5) * np.exp(-(threshold**2) / (2 * q)) / np.sqrt(2 * np.pi)

    return ClosedForms(
        mean=above,
        second=above,
        fourth=above,
        slope_second=lambda q: 0 * q,
        slope_fourth=lambda q: 0 * q,
        growth=growth,
    )
