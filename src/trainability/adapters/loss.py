"""The loss of a watched run, gathered over the moments."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from trainability.adapters.mixing import mixing
from trainability.adapters.numbers import Gathered
from trainability.core.chart import LossFacts, LossKind

MOST_CLASSES: Final = 1000
MOST_LABELS: Final = 4096
"""Labels of a batch that are counted."""


@dataclass
class LossSeen:
    """The loss of the moments so far; the fields are those of `core.chart.LossFacts`.

    Attributes:
        labels: whether the targets are class labels, whole numbers of their own kind.
        by_hand: whether it is no library's.
        alone: whether nothing else of any weight is added to it.
        factor: what it is multiplied with before it is minimised.
        answers: of each moment the classes that were asked for and those that were answered.
        batches: of each moment the targets, where a sample has one.
    """

    name: str = "custom"
    kind: LossKind = "unknown"
    reduction: str = "mean"
    last: str | None = None
    broadcast: bool = False
    decreasing: bool = True
    across_batch: bool = False
    scrambled: bool = False
    labels: bool = False
    by_hand: bool = False
    alone: bool = True
    factor: float = 1.0
    output: Gathered = field(default_factory=Gathered)
    target: Gathered = field(default_factory=Gathered)
    target_shape: tuple[int, ...] = ()
    counts: Counter[int] = field(default_factory=Counter)
    classes: int = 0
    answers: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    batches: list[np.ndarray] = field(default_factory=list)

    def add(self, output: np.ndarray, target: np.ndarray | None, labels: bool = False, axis: int = -1) -> None:
        """Take in what the loss got at a moment, batch first; `axis` is that of the classes' scores."""
        self.output.add(output)
        if target is None:
            return
        self.target_shape, self.labels = target.shape, labels
        stretched = output.shape != target.shape and self.kind != "classes"
        # Written by hand, dimensions of size 1 that are there are meant: a target against quantiles, or all pairs.
        paired = (self.by_hand or self.name == "custom") and output.ndim == target.ndim
        self.broadcast = self.broadcast or (stretched and not paired)
        self.target.add(target)
        if target.ndim and target.size == len(target):
            self.batches.append(target.reshape(-1)[:MOST_LABELS])
        elif labels is False and self.kind == "classes" and target.ndim == 2:
            self.batches.append(target.argmax(axis)[:MOST_LABELS])
        if labels:
            self.counts.update(int(label) for label in target.reshape(-1)[:MOST_LABELS])
        if self.kind == "classes" and output.ndim > 1:
            self.classes = output.shape[axis]
            self._answered(target if labels else target.argmax(axis), output.argmax(axis))
        elif self.kind == "binary" and output.shape == target.shape:
            if np.isin(target, (0, 1)).all() and not labels:
                self.counts.update(int(label) for label in target.reshape(-1)[:MOST_LABELS])
            self._answered(target, output > (0 if self.name == "bce_with_logits" else 0.5))

    def _answered(self, asked: np.ndarray, answered: np.ndarray) -> None:
        if asked.shape == answered.shape:
            self.answers.append((asked.reshape(-1)[:MOST_LABELS], answered.reshape(-1)[:MOST_LABELS]))

    def _right(self) -> dict[int, float]:
        """Share of right answers for each label, over the last third of the moments."""
        if not self.answers:
            return {}
        asked, answered = (np.concatenate(one) for one in zip(*self.answers[len(self.answers) * 2 // 3 :], strict=True))
        labels = np.unique(asked)
        if len(labels) > MOST_CLASSES or not np.isfinite(labels).all():
            return {}
        return {int(label): float(np.mean(answered[asked == label] == label)) for label in labels}

    def facts(self) -> LossFacts | None:
        """What is known by now; None if nothing came."""
        output = self.output.facts()
        if output is None:
            return None
        return LossFacts(
            name=self.name, kind=self.kind, reduction=self.reduction, output_shape=self.output.shape,
            target_shape=self.target_shape, output=output, target=self.target.facts(), last=self.last,
            counts=dict(self.counts) if len(self.counts) <= MOST_CLASSES else {}, broadcast=self.broadcast,
            constant=self._constant(), decreasing=self.decreasing, classes=self.classes, right=self._right(),
            improbable=self._improbable(), scrambled=self.scrambled, across_batch=self.across_batch,
            mixing=mixing(self.batches, self.kind in ("classes", "binary")),
        )  # fmt: skip

    @property
    def one_sided(self) -> bool:
        """Whether all targets of two classes are the same, as in the parts of an adversarial loss."""
        rows = self.target.rows
        return self.kind == "binary" and rows.size > 1 and bool((rows == rows[0, 0]).all())

    def _improbable(self) -> bool:
        """As `LossFacts.improbable`."""
        shaped = self.kind == "classes" and self.name == "cross_entropy" and self.target_shape == self.output.shape
        return shaped and not self.counts and self.target.rows.size > 0 and math.isnan(self._constant_of_one())

    def _constant(self) -> float:
        """The loss of the best constant answer to the targets that were seen; of a batch, where it is a sum."""
        if not self.target.parts or self.reduction == "none" or not self.alone:
            return math.nan
        samples = self.target.shape[0] if self.reduction == "sum" and self.target.shape else 1
        return self.factor * samples * self._constant_of_one()

    def _constant_of_one(self) -> float:
        y = self.target.rows
        if self.kind == "classes" and self.labels:
            p = np.array(list(self.counts.values()), float)
            p = p[p > 0] / p.sum()
            return float(-(p * np.log(p)).sum())
        if self.kind == "classes" and y.size and (y >= 0).all() and np.allclose(y.sum(axis=1), 1, atol=1e-3):
            p = y.mean(axis=0)
            return float(-(p[p > 0] * np.log(p[p > 0])).sum())
        if self.kind == "binary":
            p = np.clip(y.mean(axis=0), 1e-12, 1 - 1e-12)
            return float(np.mean(-(p * np.log(p) + (1 - p) * np.log(1 - p))))
        if self.name in ("mse", "custom"):
            return float(np.mean((y - y.mean(axis=0)) ** 2))
        if self.name == "mae":
            return float(np.mean(np.abs(y - np.median(y, axis=0))))
        return math.nan
