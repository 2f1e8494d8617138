"""The zoo's Flax NNX recipes: a treatment reaches what a well one reaches, and is no worse than random search."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.plain_jax import plain_jax  # noqa: F401
from tests.treatments import assert_gets_well
from tests.zoo.files import DATA, missing_data
from tests.zoo.flax_recipes import WELL, shuffled_labels, softmax_before_cross_entropy
from trainability import Recipe
from trainability.adapters.flax.trainer import train
from trainability.core.treatment import Treatment
from trainability.treatment import treat


def holds(make: Callable[[int], Recipe], budget: float = 3.0) -> Treatment:
    missing = missing_data(make)
    if missing:
        pytest.skip(f"{missing} does not lie in {DATA}")
    found = treat(make, train, budget=budget)
    assert_gets_well(found, WELL[make])
    return found


def test_a_treatment_reaches_the_well_figure():
    found = holds(softmax_before_cross_entropy, budget=1.0)
    assert found.interval[0] > 0


@pytest.mark.soak
@pytest.mark.parametrize("make", WELL, ids=lambda make: make.__name__)
def test_every_treatment_reaches_the_well_figure(make: Callable[[int], Recipe]):
    holds(make)


@pytest.mark.soak
def test_what_cannot_be_cured_is_not_sold():
    assert treat(shuffled_labels, train).verdict == "no-better"
