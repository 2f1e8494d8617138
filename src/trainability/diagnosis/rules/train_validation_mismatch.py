"""Validation data that are prepared otherwise than the training data."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from trainability.core.chart import Chart, TensorFacts, ValidationFacts
from trainability.diagnosis.examples import chart, numbers
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import LEARNED, progress, validated

SHIFT: Final = 1.0
"""Root mean square over features of how far the means lie apart, in deviations."""
STRETCH: Final = 3.0
"""Median over features of the larger deviation over the smaller."""
APART: Final = 0.5
"""Share of the labels that would have to change for the sets to have equally many of each."""
WORSE: Final = 0.3
"""How much less of the constant answer's loss is gone on the validation data."""


def _check(seen: Chart) -> Evidence | None:
    validation = seen.validation
    best, end = validated(seen)
    if validation is None or best >= LEARNED or not (progress(seen) - end > WORSE):
        return None
    shift, stretch = _inputs(seen.inputs, validation.inputs)
    apart = _labels(seen, validation)
    if not (shift > SHIFT or stretch > STRETCH or apart > APART):
        return None
    figures = {
        "means apart, in deviations": shift, "threshold": SHIFT, "ratio of deviations": stretch,
        "threshold of that": STRETCH, "labels apart": apart, "threshold of these": APART,
        "progress in training": progress(seen), "progress in validation": end,
    }  # fmt: skip
    return Evidence(figures, 0.85)


def _inputs(train: TensorFacts | None, validation: TensorFacts | None) -> tuple[float, float]:
    if train is None or validation is None or train.feature_mean.shape != validation.feature_mean.shape:
        return math.nan, math.nan
    # Features that hardly move in training, such as a picture's corners, say nothing.
    moving = (train.feature_std > 0.05 * np.nanmax(train.feature_std, initial=0)) & np.isfinite(validation.feature_mean)
    if not moving.any():
        return math.nan, math.nan
    deviation = train.feature_std[moving]
    apart = (validation.feature_mean - train.feature_mean)[moving] / deviation
    ratio = np.abs(np.log(np.maximum(validation.feature_std[moving], 1e-12) / deviation))
    return float(np.sqrt(np.mean(apart**2))), math.exp(min(50.0, float(np.median(ratio))))


def _labels(seen: Chart, validation: ValidationFacts) -> float:
    """Total variation distance between the labels' shares; NaN with few of them."""
    train = seen.loss.counts if seen.loss is not None else {}
    if min(sum(train.values()), sum(validation.counts.values())) < 50:
        return math.nan
    shares = [{k: v / sum(c.values()) for k, v in c.items()} for c in (train, validation.counts)]
    return sum(abs(shares[0].get(k, 0) - shares[1].get(k, 0)) for k in shares[0].keys() | shares[1].keys()) / 2


def _raw(**changes: Any) -> Chart:
    train = numbers(feature_mean=np.zeros(8))
    held = ValidationFacts(
        np.array([50, 200]), np.array([2.0, 6.0]), numbers(feature_mean=np.full(8, 90.0), feature_std=np.full(8, 70.0))
    )
    return chart(**{"inputs": train, "validation": held, **changes})


TRAIN_VALIDATION_MISMATCH = Rule(
    name="train-validation-mismatch",
    summary="the validation data are prepared otherwise than the training data",
    check=_check,
    advice="What the network learns does not carry over, and the two sets differ in mean, deviation or labels. Scale both with "
    "the training data's figures, and shuffle before splitting.",
    explains=("overfitting",),
    reference="J. Quiñonero-Candela et al., Dataset shift in machine learning, MIT Press 2009",
    sick=_raw,
    healthy=lambda: _raw(validation=ValidationFacts(np.array([50, 200]), np.array([0.2, 0.1]))),
)
