"""The score of a trained model on held-out samples: more is better."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np

from trainability.core.errors import SpecError

Task: TypeAlias = Literal["classes", "binary", "regression"]


def task_of(targets: np.ndarray) -> Task:
    """What targets ask for: labels or one-hot rows are classes, 0 and 1 alone are binary, the rest is a regression."""
    if np.issubdtype(targets.dtype, np.integer) or targets.dtype == bool:
        column = targets.ndim == 1 or targets.shape[1:] == (1,)
        return "classes" if column or targets.ndim > 2 else "binary"
    if not np.isin(targets, (0.0, 1.0)).all():
        return "regression"
    columns = targets.shape[-1] if targets.ndim > 1 else 1
    return "classes" if columns > 1 and (targets.sum(axis=-1) == 1).all() else "binary"


def labels_of(targets: np.ndarray) -> np.ndarray:
    """Class labels (samples,) of labels or one-hot rows."""
    one_hot = targets.ndim > 1 and targets.shape[-1] > 1
    return targets.argmax(axis=-1) if one_hot else targets.reshape(-1).astype(int)


def metric_name(metric: str | Callable[..., float] | None, targets: np.ndarray) -> str:
    """``accuracy``, ``r2`` or ``own``."""
    if callable(metric):
        return "own"
    return metric or ("r2" if task_of(targets) == "regression" else "accuracy")


def score(
    answers: np.ndarray,
    targets: np.ndarray,
    metric: str | Callable[[Any, Any], float] | None,
    logits: bool = False,
) -> float:
    """The metric of answers to held-out samples.

    Args:
        answers, targets: samples first.
        metric: as `core.recipe.Recipe` has it.
        logits: whether a single answer means class 1 above 0, not above 1/2.

    Returns:
        a number of which more is better; NaN where an answer is not finite.
    """
    if not np.isfinite(answers).all():
        return math.nan
    if callable(metric):
        return float(metric(answers, targets))
    if metric_name(metric, targets) == "r2":
        if answers.size != targets.size:
            raise SpecError(f"answers of shape {answers.shape} cannot be held against targets of {targets.shape}")
        a, y = answers.reshape(len(answers), -1).astype(float), targets.reshape(len(targets), -1).astype(float)
        spread = float(np.sum((y - y.mean(axis=0)) ** 2))
        return 1 - float(np.sum((a - y) ** 2)) / spread if spread > 0 else math.nan
    if answers.ndim > 1 and answers.shape[-1] > 1 and task_of(targets) == "classes":
        return float(np.mean(answers.argmax(axis=-1).reshape(-1) == labels_of(targets)))
    said = answers.reshape(len(answers), -1) > (0.0 if logits else 0.5)
    return float(np.mean(said == (targets.reshape(len(targets), -1) > 0.5)))
