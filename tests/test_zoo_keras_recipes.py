"""Keras' sick recipes: a treatment reaches what a well one reaches, and is no worse than random search."""

from __future__ import annotations

import pytest

from tests.treatments import assert_gets_well
from tests.zoo.keras_recipes import WELL, Case, scores_as_one_probability
from trainability.adapters.keras.trainer import train
from trainability.treatment import treat

SHORT = (
    pytest.param("linear_with_a_rate_of_3", marks=pytest.mark.xfail(reason="the rate stays too large: 0.83 of 0.89")),
)
"""Those that do not get as well as they should."""
short = {param.values[0]: param for param in SHORT}


def test_a_treatment_reaches_the_well_figure():
    assert_gets_well(treat(scores_as_one_probability, train), WELL[scores_as_one_probability])


@pytest.mark.soak
@pytest.mark.parametrize("name", [short.get(case.__name__, case.__name__) for case in WELL])
def test_every_treatment_reaches_the_well_figure(name: str):
    make: Case = next(case for case in WELL if case.__name__ == name)
    assert_gets_well(treat(make, train), WELL[make])
