"""When a trial counts as solved, as the user writes it: ``accuracy>=1``, ``validation_loss<=0.1``, ``r2>=0.95``."""

from __future__ import annotations

import re
from typing import cast

from trainability.core.errors import SpecError, UnknownName
from trainability.core.types import Dataset
from trainability.engine.interface import Metric, Target

_METRICS = {"accuracy": "score", "r2": "score", "loss": "loss"}
_NAMES = tuple(prefix + name for name in _METRICS for prefix in ("", "train_", "validation_", "val_"))


def parse_target(text: str, data: Dataset) -> tuple[Target, float]:
    """The metric with its direction, and the threshold; SpecError if it does not fit the data."""
    match = re.fullmatch(r"\s*([a-z0-9_]+)\s*(>=|<=|==|=|>|<)\s*([-+0-9.eE]+)\s*", text)
    if not match:
        raise SpecError(f"the target '{text}' is not of the form accuracy>=1, r2>=0.9 or loss<=0.01")
    name, sign, number = match.groups()
    if name not in _NAMES:
        raise UnknownName("target", name, _NAMES)
    try:
        threshold = float(number)
    except ValueError:
        raise SpecError(f"the target '{text}' ends in '{number}', which is not a number") from None
    split = "validation" if name.startswith("val") else "train"
    measure = name.rpartition("_")[2]
    wanted = "<=" if measure == "loss" else ">="
    if sign != wanted:
        raise SpecError(f"the target '{text}' must be written {name}{wanted}{number}")
    fitting = "r2" if data.task == "regression" else "accuracy"
    if measure not in ("loss", fitting):
        has = "values" if data.task == "regression" else "classes"
        raise SpecError(f"the target '{text}' does not fit '{data.name}', whose target is {has}; use {fitting}")
    if split == "validation" and not len(data.x_validation):
        raise SpecError(f"the target '{text}' needs held-out samples; add a validation share, such as 0.2")
    if measure == "accuracy" and threshold > 1:
        raise SpecError(f"the target '{text}' can never hold: an accuracy is at most 1")
    if measure == "r2" and threshold > 1:
        raise SpecError(f"the target '{text}' can never hold: R² is at most 1")
    return Target(cast(Metric, f"{split}_{_METRICS[measure]}"), sign == ">="), threshold
