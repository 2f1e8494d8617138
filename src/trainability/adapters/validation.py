"""Evaluations between updates, gathered."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from trainability.adapters.loss import MOST_CLASSES, MOST_LABELS
from trainability.adapters.numbers import Gathered
from trainability.core.chart import ValidationFacts

MOST_BATCHES: Final = 64
"""Batches whose numbers are kept: those of the first evaluation, which often come in the data's own order."""
ROWS: Final = 64
"""Of a batch."""


@dataclass
class ValidationSeen:
    """The evaluations so far; the fields are those of `core.chart.ValidationFacts`."""

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    inputs: Gathered = field(default_factory=Gathered)
    target: Gathered = field(default_factory=Gathered)
    counts: Counter[int] = field(default_factory=Counter)

    @property
    def wants_data(self) -> bool:
        """Whether `see` would keep anything."""
        return not self.steps and len(self.target.parts) < MOST_BATCHES

    def see(self, inputs: np.ndarray | None, target: np.ndarray, labels: bool = False) -> None:
        """Take in a batch of the first evaluation, batch first."""
        if not self.wants_data:
            return
        for gathered, values in ((self.inputs, inputs), (self.target, target)):
            if values is not None and values.ndim:
                gathered.add(values[:: max(1, -(-len(values) // ROWS))])
        if labels:
            self.counts.update(int(label) for label in target.reshape(-1)[:MOST_LABELS])

    def add(self, step: int, losses: list[float]) -> None:
        """Take in an evaluation after so many updates: the losses of its batches."""
        if losses:
            self.steps.append(step)
            self.losses.append(math.fsum(losses) / len(losses))

    def facts(self) -> ValidationFacts | None:
        """What is known by now; None without an evaluation."""
        if not self.steps:
            return None
        counts = dict(self.counts) if len(self.counts) <= MOST_CLASSES else {}
        return ValidationFacts(
            np.array(self.steps, int), np.array(self.losses), self.inputs.facts(), self.target.facts(), counts
        )
