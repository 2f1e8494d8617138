"""What the zoo's runs learn from, in NumPy, the same for every framework."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits, make_circles

Arrays = tuple[np.ndarray, np.ndarray]


def circles(n: int = 512) -> Arrays:
    """Two rings, standardised, labels 0 and 1."""
    x, y = (np.asarray(part) for part in make_circles(n, noise=0.1, factor=0.5, random_state=0))
    x = (x - x.mean(0)) / x.std(0)
    return x.astype(np.float32), y.astype(np.int32)


def digits(scale: float = 16.0) -> Arrays:
    """scikit-learn's digits, pixels from 0 to 16 / scale."""
    x, y = load_digits(return_X_y=True)
    return (x / scale).astype(np.float32), y.astype(np.int32)


def line(n: int = 512) -> Arrays:
    """A smooth regression of four standardised features, targets of deviation 1."""
    r = np.random.default_rng(0)
    x = r.standard_normal((n, 4))
    y = np.sin(x[:, 0]) + 0.5 * x[:, 1] * x[:, 2]
    return x.astype(np.float32), (y / y.std())[:, None].astype(np.float32)
