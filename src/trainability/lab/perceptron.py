"""A step unit: the perceptron rule for many units at once, and which sets a line can part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

Order: TypeAlias = Literal["table", "shuffled", "together"]
"""How the rows of an epoch come: one by one as they stand, one by one in a new order, or all in one correction."""

TABLE = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
"""The rows of a gate of two inputs."""


def answer(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The step unit: 1 where w₁x₁ + … + wₙxₙ + b ≥ 0, else 0.

    Args:
        weights: with the bias last, shape (units, inputs + 1).
        x: shape (..., inputs).

    Returns:
        float64 of shape (units, ...).
    """
    sums = np.tensordot(weights[:, :-1], x, axes=([1], [-1]))
    return (sums + weights[:, -1].reshape(-1, *(1,) * (x.ndim - 1)) >= 0).astype(np.float64)


@dataclass(frozen=True)
class Trained:
    """What the rule made of many units.

    Attributes:
        weights: at the end, with the bias last, shape (units, inputs + 1).
        epochs: when they were looked at, shape (looks,).
        accuracy: then, shape (units, looks).
    """

    weights: np.ndarray
    epochs: np.ndarray
    accuracy: np.ndarray


def train(
    x: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray,
    *,
    rate: float,
    epochs: int,
    order: Order = "table",
    rng: np.random.Generator | None = None,
) -> Trained:
    """The perceptron rule w += rate (y − ŷ) x, b += rate (y − ŷ).

    Args:
        x, y: rows (rows, inputs) and their labels 0 or 1, shape (rows,).
        weights: at the start, with the bias last, shape (units, inputs + 1).
        order: how the rows of an epoch come.
        rng: shuffles, a new order for each unit; needed for ``shuffled`` alone.

    Reference: F. Rosenblatt, The perceptron, Psychological Review 65 (1958).
    """
    inputs = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    weights, looks, seen = weights.astype(np.float64), looks_at(epochs), []
    for epoch in range(epochs + 1):
        if epoch in looks:
            seen.append((answer(weights, x) == y).mean(axis=1))
        if epoch == epochs:
            break
        if order == "together":
            weights += rate * (y - answer(weights, x)) @ inputs
            continue
        rows = np.tile(np.arange(len(x)), (len(weights), 1))
        if order == "shuffled":
            assert rng is not None
            rows = rng.permuted(rows, axis=1)
        for row in rows.T:
            said = np.einsum("ui,ui->u", weights, inputs[row]) >= 0
            weights += rate * (y[row] - said)[:, None] * inputs[row]
    return Trained(weights, np.array(looks), np.stack(seen, axis=1))


def looks_at(epochs: int) -> tuple[int, ...]:
    """0, 1, 2, 5, 10, … and the last."""
    from trainability.engine.interface import checkpoints

    return checkpoints(epochs)


def separating_line(x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """Weights with the bias last, shape (inputs + 1,), of a unit that is right for every row; None if there is none.

    It is decided by linear programming: sign (w·x + b) ≥ 1 for every row, least |w|₁, where sign is +1 for label 1 and
    −1 for label 0. The rows can be parted just if such numbers exist.

    Reference: O. L. Mangasarian, Linear and nonlinear separation of patterns by linear programming, Operations
        Research 13 (1965).
    """
    from scipy.optimize import linprog

    sign = np.where(y > 0, 1.0, -1.0)[:, None]
    inputs = sign * np.concatenate([x, np.ones((len(x), 1))], axis=1)
    # Each weight is the difference of two that are at least 0.
    found = linprog(np.ones(2 * inputs.shape[1]), A_ub=np.hstack([-inputs, inputs]), b_ub=-np.ones(len(x)))
    if found.status not in (0, 2):  # solved; or infeasible
        raise RuntimeError(f"the linear program was not decided: {found.message}")
    return found.x[: inputs.shape[1]] - found.x[inputs.shape[1] :] if found.status == 0 else None
