"""What is to hold of the treatment of a zoo's recipe, in any framework."""

from __future__ import annotations

import math
import statistics

from trainability.core.treatment import Treatment

TOLERANCE = 0.02


def median(scores: tuple[float, ...]) -> float:
    return statistics.median(-1.0 if math.isnan(score) else score for score in scores)


def assert_gets_well(found: Treatment, well: float) -> None:
    """It was ill, reaches what a well recipe does, and is no worse than random search."""
    assert median(found.untreated) < well - TOLERANCE, "it is not ill"
    assert median(found.treated) >= well - TOLERANCE, found.to_dict()
    assert median(found.treated) >= median(found.random_search) - TOLERANCE, found.to_dict()
