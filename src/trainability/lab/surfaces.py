"""Loss surfaces of two weights, and what optimisers do on them from many starts at once."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from trainability.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from jaxtyping import Array, Float

DRAWN: Final = 8
"""Starts whose whole path is kept."""


@dataclass(frozen=True)
class Surface:
    """f(w) = ½ wᵀ A w − depth · exp(−|w − centre|² / (2 width²)): a bowl or a ravine, with a hole or without.

    Attributes:
        curvatures: A's two eigenvalues.
        angle: by which A's axes are turned, radians.
        depth, centre, width: of the hole; a depth of 0 is none.
    """

    curvatures: tuple[float, float]
    angle: float = 0.0
    depth: float = 0.0
    centre: tuple[float, float] = (0.0, 0.0)
    width: float = 1.0

    @property
    def matrix(self) -> np.ndarray:
        """A, shape (2, 2)."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        turn = np.array([[c, -s], [s, c]])
        return turn @ np.diag(self.curvatures) @ turn.T

    @property
    def numbers(self) -> np.ndarray:
        """A, depth, centre and width as one row: (8,)."""
        return np.array([*self.matrix.ravel(), self.depth, *self.centre, self.width])

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """The loss at weights of shape (…, 2)."""
        return value(self.numbers, w, np)


def value(numbers: Any, w: Any, xp: Any) -> Any:
    """`Surface.__call__` for a row of numbers, in NumPy or JAX."""
    a, depth, centre, width = numbers[:4].reshape(2, 2), numbers[4], numbers[5:7], numbers[7]
    bowl = 0.5 * xp.sum(w * (w @ a), axis=-1)
    away = xp.sum((w - centre.reshape((1,) * (w.ndim - 1) + (2,))) ** 2, axis=-1)
    return bowl - depth * xp.exp(-0.5 * away / width**2)


@dataclass(frozen=True)
class Descent:
    """What an optimiser did on surfaces.

    Attributes:
        paths: of the first `DRAWN` starts, shape (surfaces, starts, steps + 1, 2).
        final: where all ended, (surfaces, starts, 2).
        hit: the step from which on the loss stayed within the goal's share of the first, or inf; (surfaces, starts).
    """

    paths: np.ndarray
    final: np.ndarray
    hit: np.ndarray


def descend(
    optimizer: str, surfaces: list[Surface], rates: np.ndarray, starts: np.ndarray, steps: int, goal: float = 1e-4
) -> Descent:
    """Run an optimiser of the vocabulary with its usual parameters, in float64.

    Args:
        optimizer: its name, such as ``momentum`` or ``momentum:0.9``.
        surfaces: one for each row of the answer.
        rates: of each surface, shape (surfaces,).
        starts: first weights, shape (starts, 2); the same on every surface.
        steps: how many.
        goal: the share of the first loss that `Descent.hit` waits for.
    """
    import jax
    import jax.numpy as jnp

    numbers = np.stack([surface.numbers for surface in surfaces])
    with jax.enable_x64(True):
        run = jax.vmap(jax.vmap(_one(optimizer, steps, goal), (None, None, 0)), (0, 0, None))
        drawn = jax.jit(lambda *arguments: run(*arguments)[2])
        # Paths of all starts together would take gigabytes, so only those of a few are asked for.
        final, hit = jax.jit(lambda *arguments: run(*arguments)[:2])(*map(jnp.asarray, (numbers, rates, starts)))
        paths = drawn(*map(jnp.asarray, (numbers, rates, starts[:DRAWN])))
    return Descent(np.asarray(paths), np.asarray(final), np.asarray(hit))


@functools.cache
def _one(optimizer: str, steps: int, goal: float) -> Any:
    """(numbers, rate, start) -> (last weights, step of the goal, path)."""
    import jax
    import jax.numpy as jnp
    import optax

    choice = OPTIMIZERS.choose(optimizer)

    def run(numbers: Float[Array, " 8"], rate: Float[Array, ""], start: Float[Array, " 2"]) -> Any:
        loss = functools.partial(value, numbers, xp=jnp)
        method = choice.entry.make(rate, *choice.values)
        wanted = goal * loss(start)

        def step(carry: Any, count: Any) -> tuple[Any, Any]:
            w, memory, outside = carry
            with jax.numpy_dtype_promotion("standard"):  # optax raises its rates to a whole-numbered count
                update, memory = method.update(jax.grad(loss)(w), memory, w)
            w = optax.apply_updates(w, update)
            return (w, memory, jnp.where(loss(w) <= wanted, outside, count)), w  # a NaN is outside

        counts = jnp.arange(1, steps + 1, dtype=start.dtype)
        begin = (start, method.init(start), jnp.zeros((), start.dtype))
        (last, _, outside), path = jax.lax.scan(step, begin, counts)
        return last, jnp.where(outside < steps, outside + 1.0, jnp.inf), jnp.concatenate([start[None], path])

    return run
