"""JAX as users have it: types and ranks are promoted as in NumPy, which the other tests forbid."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(autouse=True)
def plain_jax() -> Iterator[None]:
    # Programs of a few small layers: they are compiled many times longer than they run.
    jax.config.update("jax_disable_most_optimizations", True)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield
    jax.config.update("jax_disable_most_optimizations", False)
