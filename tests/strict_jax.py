"""JAX in double precision and without silent promotion; a test file that imports the fixture runs under it."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def strict_jax():
    import jax

    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        yield
