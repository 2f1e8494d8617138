"""Real data sets that scikit-learn ships: nothing is fetched from a network."""

from __future__ import annotations

import functools
from typing import Any, Final

import numpy as np

from trainability.core.types import Task
from trainability.problems.problem import Draw, Problem, Samples

_REFERENCE: Final = "scikit-learn, sklearn.datasets.load_{}"


def _load(loader: str, draw: Draw, scale: float = 1.0, **options: object) -> Samples:
    from sklearn import datasets

    bunch: Any = getattr(datasets, f"load_{loader}")(**options)
    x = np.asarray(bunch.data, dtype=np.float64) / scale
    features = tuple(str(name) for name in bunch.feature_names)
    if not hasattr(bunch, "target_names"):
        return Samples(x, np.asarray(bunch.target, dtype=np.float64)[:, None], features, targets=("progression",))
    return Samples(x, np.asarray(bunch.target, dtype=np.int64), features, tuple(str(n) for n in bunch.target_names))


def _entry(name: str, summary: str, target: str, reason: str, task: Task = "classes", **options: object) -> Problem:
    return Problem(
        name=name,
        summary=summary,
        task=task,
        target=target,
        target_reason=reason,
        make=functools.partial(_load, name, **options),
        reference=_REFERENCE.format(name),
    )


DIGITS = _entry(
    "digits",
    "1,797 handwritten digits of 8 by 8 pixels from 0 to 1",
    "accuracy>=0.97",
    "networks of one hidden layer reach 0.97 to 0.98 held out, linear ones 0.96 to 0.97",
    scale=16.0,
)
IRIS = _entry(
    "iris",
    "150 flowers of three species, four lengths in cm",
    "accuracy>=0.9",
    "two species overlap: good networks and linear models reach 0.92 to 1 on the 38 held-out flowers",
)
WINE = _entry(
    "wine",
    "178 wines of three growers, 13 measurements of unlike units",
    "accuracy>=0.95",
    "good models reach 0.95 to 1 held out once the inputs are standardised",
)
BREAST_CANCER = _entry(
    "breast_cancer",
    "569 tumours, malignant or benign, 30 measurements of unlike units",
    "accuracy>=0.95",
    "good models reach 0.95 to 1 held out once the inputs are standardised",
    task="binary",
)
DIABETES = _entry(
    "diabetes",
    "442 patients, ten measurements, the illness's progress after a year",
    "r2>=0.4",
    "the data is noisy: linear models reach 0.4 to 0.6 held out, and networks that fit more do worse",
    task="regression",
    scaled=False,
)
