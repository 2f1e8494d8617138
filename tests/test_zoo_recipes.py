"""The zoo's recipes: a treatment reaches what a well one reaches, and is no worse than random search."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.treatments import assert_gets_well
from tests.zoo.files import DATA, missing_data
from tests.zoo.torch_recipes import WELL
from tests.zoo.torch_recipes_wiring import WELL_WIRED, detached, shuffled_labels
from trainability import Recipe
from trainability.adapters.torch.trainer import train
from trainability.core.treatment import Treatment
from trainability.treatment import treat

QUICK = ("one_unit_of_softmax", "square_blobs", "images_to_255")
ALL = {**WELL, **WELL_WIRED}
each = pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)


def holds(make: Callable[[int], Recipe]) -> Treatment:
    missing = missing_data(make)
    if missing:
        pytest.skip(f"{missing} does not lie in {DATA}")
    found = treat(make, train)
    assert_gets_well(found, ALL[make])
    return found


@pytest.mark.parametrize("name", QUICK)
def test_a_treatment_reaches_the_well_figure(name: str):
    found = holds(next(make for make in ALL if make.__name__ == name))
    assert found.interval[0] > 0


@pytest.mark.soak
@each
def test_every_treatment_reaches_the_well_figure(make: Callable[[int], Recipe]):
    holds(make)


@pytest.mark.soak
def test_what_cannot_be_cured_is_not_sold_as_cured():
    """Shuffled labels hold nothing to learn, and no operation takes a ``.detach()`` away."""
    assert treat(shuffled_labels, train).verdict == "no-better"
    assert treat(detached, train).verdict != "cured"
