"""Schedules: a factor in [0, 1] on the rate, and stages that begin where they should in single precision."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trainability.schedules import SCHEDULES


def _factors(text: str, steps: int) -> np.ndarray:
    """The factors of all steps, computed as the engine does: compiled, single precision, the count an array."""
    choice = SCHEDULES.choose(text)
    values = [jnp.float32(v) for v in choice.values]

    @jax.jit
    def factors(count, total):
        return choice.entry.factor(count.astype(jnp.float32) / total.astype(jnp.float32), *values)

    return np.asarray(factors(jnp.arange(steps), jnp.int32(steps)))


@pytest.mark.parametrize("name", [entry.name for entry in SCHEDULES])
def test_a_factor_lies_between_0_and_1_and_begins_or_warms_up_to_1(name: str):
    factors = _factors(name, 200)
    assert factors.shape == (200,)
    assert factors.min() >= 0
    assert factors.max() == pytest.approx(1.0)
    assert factors[0] == (0.0 if "warmup" in name else 1.0)


@pytest.mark.parametrize("stages", [1, 2, 3, 5, 7, 10])
def test_stages_begin_at_their_step(stages: int):
    for steps in (stages, 25, 100, 200, 1000, 9999):
        expected = 0.5 ** np.floor(np.arange(steps) * stages // steps)
        np.testing.assert_allclose(_factors(f"step:0.5:{stages}", steps), expected, rtol=1e-6)


def test_final_factors_are_reached():
    for text in ("linear:0.2", "cosine:0.2", "exponential:0.2", "warmup_cosine:0.1:0.2"):
        assert _factors(text, 10_000)[-1] == pytest.approx(0.2, rel=1e-3)
