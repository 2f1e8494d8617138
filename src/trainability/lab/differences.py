"""Derivatives by differences: forward, central, and by a step into the complex plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias

import numpy as np

Method: TypeAlias = Literal["forward", "central", "complex"]
Function: TypeAlias = Callable[[Any], Any]

ORDERS: Final[dict[str, int]] = {"forward": 1, "central": 2, "complex": 2}
"""The power of h with which the error of the formula itself falls."""


def estimate(f: Function, x: np.ndarray, h: np.ndarray | float, method: Method) -> np.ndarray:
    """The derivative of `f` at `x` by a difference over `h`, in the precision of `x`.

    forward: (f(x + h) − f(x)) / h; central: (f(x + h) − f(x − h)) / 2h; complex: Im f(x + ih) / h, for which `f` must
    take complex numbers and be analytic.

    Args:
        f: elementwise, of NumPy arrays.
        x: float32 or float64, any shape.
        h: step, broadcast against `x`; it is rounded to the precision of `x`.

    Reference: J. R. R. A. Martins, P. Sturdza, J. J. Alonso, The complex-step derivative approximation,
    ACM TOMS 29 (2003).
    """
    h = np.asarray(h, x.dtype)
    with np.errstate(all="ignore"):
        if method == "complex":
            return np.imag(f(x + np.asarray(1j, _complex(x.dtype)) * h)) / h
        if method == "central":
            return (f(x + h) - f(x - h)) / (h + h)
        return (f(x + h) - f(x)) / h


def rule(method: Method, dtype: Any) -> float:
    """The rule of thumb for the step: √ε forward, ε^(1/3) central; the least that is usual for a complex step.

    It balances the formula's error, of order h or h², with rounding, of order ε/h.
    Reference: W. H. Press et al., Numerical Recipes, 3rd ed. (2007), section 5.7.
    """
    epsilon = float(np.finfo(dtype).eps)
    return epsilon if method == "complex" else epsilon ** (1 / (1 + ORDERS[method]))


def _complex(dtype: Any) -> Any:
    return np.complex64 if dtype == np.float32 else np.complex128
