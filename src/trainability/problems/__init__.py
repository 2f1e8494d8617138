"""Problems: what the networks are to learn.

`PROBLEMS` holds those with a name, `SOURCES` the kinds of data of the user's own (``file:PATH``,
``mnist:DIR``), `FEATURES` what can be made of the inputs, and `load` turns a text that names any of them into
a `Dataset`.
"""

from trainability.problems.features import FEATURES, Feature, apply_features
from trainability.problems.loading import PROBLEMS, SOURCES, load
from trainability.problems.problem import HELD_OUT, Problem, Source

__all__ = [
    "FEATURES",
    "HELD_OUT",
    "PROBLEMS",
    "SOURCES",
    "Feature",
    "Problem",
    "Source",
    "apply_features",
    "load",
]
