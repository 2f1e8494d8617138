"""Losses: one number per sample from a network's outputs and the encoded targets.

Targets are float arrays of shape (samples, outputs): 0 or 1 for binary labels, one-hot rows for classes, values for a
regression. A loss says for which tasks it is defined and what the last layer should apply.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainability.core.catalogue import Catalogue, Entry
from trainability.core.errors import SpecError
from trainability.core.types import Dataset, Task


@dataclass(frozen=True, kw_only=True)
class Loss(Entry):
    """A loss.

    Attributes:
        function: (outputs, targets, *parameters) -> loss per sample; JAX arrays (samples, outputs) -> (samples,).
        slope: the same in NumPy -> its derivative by the outputs, (…, samples, outputs) as the outputs; for the theory.
        tasks: the tasks it is defined for.
        on_logits: it contains the output activation itself, so that the last layer must be the identity.
        one_hot_binary: two outputs, one per label, for a binary task too.
        labelled_output: what the last layer applies by default when targets are labels.
        torch, keras: what the libraries call it.
    """

    function: Callable[..., Any]
    slope: Callable[..., np.ndarray]
    tasks: tuple[Task, ...]
    on_logits: bool = False
    one_hot_binary: bool = False
    labelled_output: str = "identity"
    torch: str | None = None
    keras: str | None = None

    def outputs(self, data: Dataset) -> int:
        """How many units the last layer has."""
        if data.task == "regression":
            return data.y_train.shape[1]
        return 1 if data.task == "binary" and not self.one_hot_binary else len(data.classes)

    def encode(self, data: Dataset, y: np.ndarray) -> np.ndarray:
        """Labels or values as float64 targets of shape (samples, outputs)."""
        if data.task == "regression":
            return np.asarray(y, np.float64)
        if self.outputs(data) == 1:
            return np.asarray(y, np.float64)[:, None]
        return np.eye(len(data.classes))[y]

    def default_output(self, task: Task) -> str:
        """What the last layer applies when the user does not say."""
        return "identity" if task == "regression" or self.on_logits else self.labelled_output

    def check(self, data: Dataset, output: str) -> None:
        """SpecError if the loss does not fit the task or the output activation."""
        if data.task not in self.tasks:
            wanted = "values" if self.tasks == ("regression",) else "classes"
            has = {"regression": "values", "binary": "two classes", "classes": f"{len(data.classes)} classes"}
            fits = ", ".join(entry.name for entry in LOSSES if data.task in entry.tasks)
            raise SpecError(
                f"the loss '{self.name}' is for {wanted}, but '{data.name}' has {has[data.task]} as its target; "
                f"losses that fit: {fits}"
            )
        if self.on_logits and output not in ("identity", ""):
            raise SpecError(
                f"the loss '{self.name}' takes logits and applies the output activation itself; "
                f"leave out the output activation '{output}', or take the loss mse"
            )


LOSSES: Catalogue[Loss] = Catalogue("loss", __name__, Loss)

DEFAULT_LOSS: dict[Task, str] = {"binary": "bce", "classes": "cross_entropy", "regression": "mse"}


def boundary(loss: Loss) -> float:
    """The output above which a single unit answers label 1: 0 for logits, 1/2 where targets 0 and 1 are regressed."""
    return 0.0 if loss.on_logits else 0.5
