"""Linear models solved, not trained: what gradient descent is measured against. NumPy, float64."""

from __future__ import annotations

from typing import Final

import numpy as np

_MOST_STEPS: Final = 200


def with_one(x: np.ndarray) -> np.ndarray:
    """x, shape (samples, features), with a last column of ones, for the bias."""
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def least_squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The coefficients of least squared error: with X = QR of the inputs, those that solve R β = Qᵀy.

    Args:
        x, y: shapes (samples, features) and (samples, targets).

    Returns:
        Shape (features + 1, targets), the bias last.

    Raises:
        ValueError: features depend on each other, so that many coefficients fit alike.
    """
    from scipy.linalg import solve_triangular

    q, r = np.linalg.qr(with_one(x))
    size = np.abs(np.diag(r))
    if len(x) <= x.shape[1] or size.min() <= size.max() * len(x) * np.finfo(float).eps:
        raise ValueError("the features depend on each other; leave one out")
    return solve_triangular(r, q.T @ y)


def probabilities(x: np.ndarray, log_odds: np.ndarray, reference: int = 0) -> np.ndarray:
    """Each class's probability, shape (samples, classes), from coefficients as `fit_log_odds` gives them."""
    from scipy.special import softmax

    return softmax(np.insert(with_one(x) @ log_odds, reference, 0.0, axis=1), axis=1)


def fit_log_odds(x: np.ndarray, labels: np.ndarray, classes: int, reference: int = 0) -> np.ndarray:
    """Logistic regression (two classes) and multinomial: the coefficients of largest likelihood, by Newton's method.

    Each class but the reference has a log-odds ln(p_k / p_reference) = βₖᵀx, a line in x.

    Args:
        x, labels: shapes (samples, features) and (samples,), labels 0 to classes − 1.
        reference: the class against which the odds are.

    Returns:
        Shape (features + 1, classes − 1), the bias last, classes in their order without the reference.

    Raises:
        ValueError: the likelihood has no maximum, as where planes part the classes without error.

    Reference: A. Agresti, Categorical Data Analysis, 3rd ed. (2013), sections 5.5 and 8.1.
    """
    inputs = with_one(x)
    others = [k for k in range(classes) if k != reference]
    wanted = np.eye(classes)[labels][:, others]
    beta = np.zeros((inputs.shape[1], classes - 1))

    def loss(at: np.ndarray) -> float:
        scores = inputs @ at
        return float((np.logaddexp.reduce(np.insert(scores, 0, 0.0, axis=1), axis=1) - (wanted * scores).sum(1)).mean())

    for _ in range(_MOST_STEPS):
        p = probabilities(x, beta, reference)[:, others]
        gradient = inputs.T @ (p - wanted) / len(x)
        # The block of classes j and k is Xᵀ diag(pⱼ(δⱼₖ − pₖ)) X.
        spread = p[:, :, None] * (np.eye(classes - 1) - p[:, None, :])
        hessian = np.einsum("sa,sjk,sb->jakb", inputs, spread, inputs).reshape(beta.size, beta.size) / len(x)
        if np.linalg.cond(hessian) > 1e13:
            break
        step = np.linalg.solve(hessian, gradient.T.ravel()).reshape(classes - 1, -1).T
        size, before = 1.0, loss(beta)
        while loss(beta - size * step) > before + 1e-15 and size > 1e-6:
            size /= 2
        beta = beta - size * step
        # Not the gradient: where planes part the classes it vanishes as well, while the steps stay as large.
        if np.abs(step).max() <= 1e-9 * max(1e-6, np.abs(beta).max()):
            return beta
    raise ValueError("the likelihood has no maximum: planes part the classes, or features depend on each other")
