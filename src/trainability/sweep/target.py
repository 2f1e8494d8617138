"""When a trial counts as solved, as the user writes it: ``accuracy>=1``, ``validation_loss<=0.1``, ``r2>=0.95``."""

from __future__ import annotations

import math
import re
from typing import cast

from trainability.core.errors import SpecError, UnknownName
from trainability.core.types import Dataset
from trainability.engine.interface import Metric, Target

_METRICS = {"accuracy": "score", "r2": "score", "loss": "loss"}
_NAMES = tuple(prefix + name for name in _METRICS for prefix in ("", "train_", "validation_", "val_"))


_SPELLING = re.compile(r"\s*([a-z0-9_²]+)\s*(>=|<=|==|=|>|<)\s*([-+0-9.eE]+)\s*", re.IGNORECASE)


def parse_target(text: str, data: Dataset) -> tuple[Target, float]:
    """The metric with its direction, and the threshold; SpecError if it does not fit the data."""
    split, measure, threshold = _parse(text, data)
    return Target(cast(Metric, f"{split}_{_METRICS[measure]}"), measure != "loss"), threshold


def target_text(text: str, data: Dataset) -> str:
    """The one spelling of a target, ``validation_accuracy>=0.9`` for ``val_accuracy >= 0.90``; raises the same."""
    split, measure, threshold = _parse(text, data)
    prefix = "validation_" if split == "validation" else ""
    number = f"{threshold:g}" if float(f"{threshold:g}") == threshold else repr(threshold)
    return f"{prefix}{measure}{_sign(measure)}{number}"


def _sign(measure: str) -> str:
    return "<=" if measure == "loss" else ">="


def _parse(text: str, data: Dataset) -> tuple[str, str, float]:
    """(split, measure, threshold); SpecError or UnknownName for what is no target, or one of other data."""
    match = _SPELLING.fullmatch(text)
    if not match:
        raise SpecError(f"the target '{text}' is not of the form accuracy>=1, r2>=0.9 or loss<=0.01")
    name, sign, number = match[1].lower().replace("²", "2"), match[2], match[3]
    if name not in _NAMES:
        raise UnknownName("target", name, _NAMES)
    try:
        threshold = float(number)
    except ValueError:
        raise SpecError(f"the target '{text}' ends in '{number}', which is not a number") from None
    split = "validation" if name.startswith("val") else "train"
    measure = name.rpartition("_")[2]
    if sign != _sign(measure):
        raise SpecError(f"the target '{text}' must be written {name}{_sign(measure)}{number}")
    fitting = "r2" if data.task == "regression" else "accuracy"
    if measure not in ("loss", fitting):
        has = "values" if data.task == "regression" else "classes"
        raise SpecError(f"the target '{text}' does not fit '{data.name}', whose target is {has}; use {fitting}")
    if split == "validation" and not len(data.x_validation):
        raise SpecError(f"the target '{text}' needs held-out samples; add a validation share, such as 0.2")
    _check(text, measure, threshold)
    return split, measure, threshold


def _check(text: str, measure: str, threshold: float) -> None:
    """SpecError for a threshold that is always or never met."""
    if measure == "loss":
        if threshold < 0:
            raise SpecError(f"the target '{text}' can never hold: a loss is at least 0")
        if math.isinf(threshold):
            raise SpecError(f"the target '{text}' always holds; name a finite loss")
        return
    name = {"accuracy": "an accuracy", "r2": "R²"}[measure]
    if threshold > 1:
        percent = measure == "accuracy" and 10 <= threshold <= 100
        meant = f"; {threshold:g} % is written {threshold / 100:g}" if percent else ""
        raise SpecError(f"the target '{text}' can never hold: {name} is at most 1{meant}")
    if threshold <= 0 and (measure == "accuracy" or math.isinf(threshold)):
        raise SpecError(f"the target '{text}' always holds; name {name} above 0")
