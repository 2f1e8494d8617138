"""Roots of functions of the variance on a grid: known ones, in few values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainability.theory.roots import roots

GRID = np.geomspace(1e-6, 1e6, 73)


def _found(f):
    """The roots, and how many values of `f` beside the grid's they took."""
    asked = []

    def counted(q: float) -> float:
        asked.append(q)
        return f(q)

    return roots(counted, GRID, np.array([f(q) for q in GRID.tolist()])), len(asked)


@settings(max_examples=50, deadline=None)
@given(st.floats(-13, 13), st.floats(0.05, 20), st.floats(-0.9, 0.9))
def test_a_smooth_crossing_is_found_to_rounding_in_few_values(log_q: float, steep: float, bent: float):
    def f(q: float) -> float:
        x = steep * (math.log(q) - log_q)
        return math.tanh(x) * (1 + bent * math.sin(x) ** 2)

    (at,), values = _found(f)
    assert math.log(at) == pytest.approx(log_q, abs=1e-13)
    # Where the grid sees the slope, guesses do; brackets take a dozen.
    assert values <= (6 if steep <= 1 else 20)


@pytest.mark.parametrize("kink", [0.011, 1.7, 300.0])
def test_a_crossing_at_a_kink_or_a_jump_is_found(kink: float):
    (at,), _ = _found(lambda q: (q / kink - 1) * (100 if q > kink else 1) / (1 + q / kink))
    assert at == pytest.approx(kink, rel=1e-12)
    (at,), _ = _found(lambda q: 0.5 if q > kink else -2.0)
    assert at == pytest.approx(kink, rel=1e-12)


def test_two_crossings_in_one_cell_and_one_that_only_touches_are_found():
    middle = 0.6 * math.log(GRID[40]) + 0.4 * math.log(GRID[41])
    for gap in (1e-2, 1e-4):
        found, _ = _found(lambda q, gap=gap: (math.log(q) - middle) ** 2 / 100 - gap**2)
        assert np.log(found) == pytest.approx([middle - 10 * gap, middle + 10 * gap], rel=1e-7)
    (at,), _ = _found(lambda q: (math.log(q) - middle) ** 2 / 100)
    assert math.log(at) == pytest.approx(middle, abs=1e-6)
