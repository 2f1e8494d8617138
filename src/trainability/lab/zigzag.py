"""One unit that learns from activations: the way its weights take, and whether their gradients share a sign.

The unit is linear, y = w·φ(z) + b, and learns another such unit's answers to fresh z ~ N(0, 1) by gradient descent on
half the squared error. All gradients of one sample are the same error times φ(z), so where φ is positive they share the
error's sign.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainability import activations


@dataclass(frozen=True)
class Ways:
    """What many units did.

    Attributes:
        path: the weights before each step and after the last, shape (units, steps + 1, inputs).
        alike: whether all weights' gradients had one sign, shape (units, steps).
        wanted: the weights of the unit to be learned, shape (units, inputs).
    """

    path: np.ndarray
    alike: np.ndarray
    wanted: np.ndarray

    @property
    def detour(self) -> np.ndarray:
        """The path's length over the distance from its start to its end, at least 1; shape (units,)."""
        steps = np.linalg.norm(np.diff(self.path, axis=1), axis=2).sum(axis=1)
        return steps / np.linalg.norm(self.path[:, -1] - self.path[:, 0], axis=1)

    @property
    def left(self) -> np.ndarray:
        """How far from the goal each path ends, over how far it began; shape (units,)."""
        return np.linalg.norm(self.path[:, -1] - self.wanted, axis=1) / np.linalg.norm(self.wanted, axis=1)


def learn(name: str, inputs: int, batch: int, steps: int, units: int, seed: int, share: float = 0.5) -> Ways:
    """Train `units` units from weights of 0 with fresh samples in every step.

    The same seed gives the same z and the same wanted weights for every activation.

    Args:
        name: an elementwise activation or a formula as `activations.choose` takes it.
        share: the learning rate over the inverse of the mean squared length of (φ(z), 1), at which single samples are
            fitted exactly on average: the same share is as bold for every activation.
    """
    phi = activations.numpy_function(activations.choose(name))
    rng = np.random.Generator(np.random.Philox(seed))
    second = float(np.mean(phi(rng.standard_normal(100_000)) ** 2))
    rate = share / (inputs * second + 1)
    wanted, wanted_bias = rng.standard_normal((units, inputs)), rng.standard_normal(units)
    w, b = np.zeros((units, inputs)), np.zeros(units)
    path, alike = np.empty((units, steps + 1, inputs)), np.empty((units, steps), bool)
    path[:, 0] = w
    for step in range(steps):
        a = phi(rng.standard_normal((units, batch, inputs)))
        error = np.einsum("ubi,ui->ub", a, w - wanted) + (b - wanted_bias)[:, None]
        gradient = np.einsum("ub,ubi->ui", error, a) / batch
        alike[:, step] = (gradient > 0).all(axis=1) | (gradient < 0).all(axis=1)
        w, b = w - rate * gradient, b - rate * error.mean(axis=1)
        path[:, step + 1] = w
    return Ways(path, alike, wanted)
