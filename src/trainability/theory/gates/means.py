"""Means of a gate over directions, at given distances from 0: columns of what theory takes expectations of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from trainability.theory.expectations import Kind

COLUMNS: Final[dict[Kind, int]] = {
    "mean": 0, "second": 1, "fourth": 2, "slope_second": 3, "slope_fourth": 4, "both": 5,
}  # fmt: skip
EACH: Final = 6
"""The first of the columns (∂φ/∂xᵢ)²."""


@dataclass(frozen=True)
class Means:
    """Means over directions, at n distances.

    Attributes:
        value, error: shape (columns, n).
        nodes: how many values of φ they took, shape (n,).
    """

    value: np.ndarray
    error: np.ndarray
    nodes: np.ndarray


def columns_of(value: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Of φ (…) and its partial derivatives (pieces, …) the columns, shape (6 + pieces, …)."""
    with np.errstate(over="ignore"):
        second, each = value**2, slopes**2
        slope = each.sum(axis=0)
        return np.stack([value, second, second**2, slope, slope**2, second * slope, *each])


def errors_of(size: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Of the largest of φ and its partial derivatives on panels, and their last coefficients there, both of shape
    (1 + pieces, …), what the columns may be off by: coefficient 2·ORDER of a square is about the square of that."""
    with np.errstate(over="ignore", under="ignore"):
        second, each = rest[0] ** 2, rest[1:] ** 2
        slope = each.sum(axis=0)
        squares = size[0] ** 2, (size[1:] ** 2).sum(axis=0)
        mean = second / np.where(size[0] > 0, size[0], 1.0)
        fourth, slope_fourth = 2 * second * squares[0], 2 * slope * squares[1]
        return np.stack([mean, second, fourth, slope, slope_fourth, second * squares[1] + slope * squares[0], *each])
