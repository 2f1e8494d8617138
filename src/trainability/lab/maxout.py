"""What maxout units of two pieces can be: the larger of two straight lines, and so ReLU and leaky ReLU."""

from __future__ import annotations

import numpy as np

from trainability import activations


def best_two_pieces(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes and offsets (each of shape (2,)) of the lines whose larger one is nearest to `y` in the mean square.

    The larger of two lines is a line that bends upwards once: for a bend at k it is a + b x + c max(x − k, 0) with
    c ≥ 0, a least-squares problem. All the points (and all places halfway between two) are tried as k, so that a
    bend elsewhere is met to within a quarter of a step.

    Args:
        x: increasing, shape (points,).
        y: the function's values there.
    """
    flat = np.column_stack([np.ones_like(x), x])
    (a, b), *_ = np.linalg.lstsq(flat, y)
    least, found = np.sum((flat @ [a, b] - y) ** 2), (a, b, 0.0, 0.0)
    for k in np.sort(np.r_[x[1:-1], (x[1:] + x[:-1])[1:-1] / 2]):
        basis = np.column_stack([flat, np.maximum(x - k, 0)])
        (a, b, c), *_ = np.linalg.lstsq(basis, y)
        off = np.sum((basis @ [a, b, c] - y) ** 2)
        if c > 0 and off < least:
            least, found = off, (a, b, c, k)
    a, b, c, k = found
    return np.array([b, b + c]), np.array([a, a - c * k])


def two_pieces(slopes: np.ndarray, offsets: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The larger of the two lines at `x`, shape (points,)."""
    return np.max(slopes[:, None] * x + offsets[:, None], axis=0)


def difference_from_maxout(name: str, alpha: float, generator: np.random.Generator, layers: int) -> float:
    """The largest difference between random layers of an activation and maxout layers with pieces set to (z, αz)."""
    maxout = activations.numpy_function(activations.choose("maxout:2"))
    f = activations.numpy_function(activations.choose(name))
    weights, biases = generator.standard_normal((layers, 4, 8)), generator.standard_normal((layers, 1, 8))
    x = generator.standard_normal((layers, 32, 4))
    both = np.concatenate([weights, alpha * weights], axis=2), np.concatenate([biases, alpha * biases], axis=2)
    return float(np.abs(maxout(x @ both[0] + both[1]) - f(x @ weights + biases)).max())
