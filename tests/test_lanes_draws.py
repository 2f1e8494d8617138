"""The kernel's first weights have the bits of NumPy's."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.required import required
from trainability.core import random
from trainability.engine.lanes import unavailable
from trainability.engine.lanes.library import kernels, load
from trainability.initializers import Distribution, standard

pytestmark = required(unavailable())

DRAWN = [name for name in get_args(Distribution) if name not in ("constant", "orthogonal")]
"""What `initializers.draw` asks for; an orthogonal matrix is made of normal numbers."""


@pytest.mark.parametrize("kernel", kernels())
@pytest.mark.parametrize("distribution", DRAWN)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(1, 300), st.integers(1, 40))
def test_draws_have_the_bits_of_numpys(kernel: str, distribution: str, seed: int, layer: int, trials: int, count: int):
    key = random.trial_key(seed, np.arange(trials), random.Stream.WEIGHTS)
    found = load(kernel).draw(distribution, np.stack(key, axis=1), layer, count)
    assert found.tobytes() == standard(distribution, key, layer, count).tobytes()


@pytest.mark.parametrize("kernel", kernels())
def test_the_tails_are_drawn_alike(kernel: str):
    key = random.trial_key(1, np.arange(40), random.Stream.WEIGHTS)
    found, wanted = load(kernel).draw("normal", np.stack(key, axis=1), 0, 1 << 16), standard("normal", key, 0, 1 << 16)
    assert np.abs(wanted).max() > 4.9
    np.testing.assert_array_equal(found, wanted)


def test_arguments_are_checked():
    kernel = load()
    with pytest.raises(ValueError, match="unknown distribution"):
        kernel.draw("cauchy", np.zeros((2, 2), np.uint32), 0, 1)
    with pytest.raises(ValueError, match="two words"):
        kernel.draw("normal", np.zeros((2, 3), np.uint32), 0, 1)
