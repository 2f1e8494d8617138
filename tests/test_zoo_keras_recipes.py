"""Keras' sick recipes: a treatment reaches what a well one reaches, and is no worse than random search."""

from __future__ import annotations

import pytest

from tests.treatments import assert_gets_well
from tests.zoo.keras_recipes import WELL, Case, scores_as_one_probability
from trainability.adapters.keras.trainer import train
from trainability.treatment import treat


def test_a_treatment_reaches_the_well_figure():
    found = treat(scores_as_one_probability, train)
    assert_gets_well(found, WELL[scores_as_one_probability])
    assert found.interval[0] > 0


@pytest.mark.soak
@pytest.mark.parametrize("make", WELL, ids=lambda make: make.__name__)
def test_every_treatment_reaches_the_well_figure(make: Case):
    assert_gets_well(treat(make, train), WELL[make])
