"""Mean 0 and standard deviation 1, by the training samples alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainability.core.errors import DataError


@dataclass(frozen=True)
class Scale:
    """What is subtracted from each column, and what it is then divided by."""

    mean: np.ndarray
    deviation: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """`x` of shape (samples, columns) on this scale."""
        return (x - self.mean) / self.deviation


def fit_scale(x: np.ndarray, names: tuple[str, ...]) -> Scale:
    """The scale that gives each column of `x` mean 0 and deviation 1; a constant column becomes 0.

    The deviation divides by the number of samples, as scikit-learn's StandardScaler does. DataError for a
    column whose squares overflow.
    """
    constant = x.min(axis=0) == x.max(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        # The mean of equal numbers may differ from them in the last bit; the number itself does not.
        mean = np.where(constant, x[0], x.mean(axis=0))
        deviation = np.where(constant, 1.0, x.std(axis=0))
    bad = ~np.isfinite(mean) | ~np.isfinite(deviation) | (deviation == 0)
    if bad.any():
        raise DataError(
            f"'{names[int(bad.argmax())]}' has values too large or too close together to standardise; rescale it"
        )
    return Scale(mean, deviation)
