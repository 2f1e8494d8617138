"""Trainings of one recipe, each done once, and what they cost."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from trainability.core.operation import Operation, in_order
from trainability.core.recipe import Outcome, Recipe, Trainer
from trainability.core.treatment import Tried

Operations = tuple[Operation, ...]
LOWEST: Final = {"accuracy": 0.0, "r2": -1.0}
"""What a score counts as at least: below, a model is as good as none, and how far below says nothing."""
HIGHEST: Final = {"accuracy": 1.0, "r2": 1.0}


class Trials:
    """Trains a recipe under sets of operations, each once, and keeps the outcomes.

    Attributes:
        cost: samples that went through a training step for what was asked so far.
        unit: the same of one untreated training that does not break.
    """

    def __init__(self, make: Callable[[int], Recipe], train: Trainer, said: Callable[[str], None]):
        self._make, self._train, self._said = make, train, said
        self._outcomes: dict[tuple[Operations, int], Outcome] = {}
        self._asked: set[tuple[Operations, int]] = set()
        self.cost = 0
        self.metric = "own"
        self.unit = 0

    def afresh(self) -> Trials:
        """An account of its own over the same outcomes: what it asks for costs it the same, but is trained once."""
        other = copy.copy(self)
        other._asked, other.cost = set(), 0
        return other

    def outcome(self, operations: Operations, seed: int, watch: bool = False) -> Outcome:
        """Train once, and once more for what was not watched; SpecError where an operation does not fit the recipe."""
        key = (in_order(operations), seed)
        known, new = self._outcomes.get(key), False
        if known is None or (watch and known.chart is None):
            known = self._outcomes[key] = self._train(self._make, key[0], seed, watch)
            self.metric = known.metric
            if not key[0] and not self.unit:
                self.unit = known.planned
            what = "; ".join(map(str, key[0])) or "untreated"
            self._said(f"{what}: {known.metric} {known.score:.3g} (seed {seed})")
            new = True
        if new or key not in self._asked:
            self._asked.add(key)
            self.cost += known.cost
        return known

    def scores(self, operations: Operations, seeds: Sequence[int]) -> np.ndarray:
        """Scores of the seeds, bounded from below so that one broken training does not decide alone."""
        found = np.array([self.outcome(operations, seed).score for seed in seeds], float)
        lowest = LOWEST.get(self.metric, -math.inf)
        return np.maximum(np.where(np.isnan(found), lowest, found), lowest)

    def trained(self, operations: Operations, seeds: Sequence[int]) -> list[int]:
        """Those of the seeds on which the operations were trained."""
        return [seed for seed in seeds if (in_order(operations), seed) in self._asked]

    def tried(self, seeds: Sequence[int]) -> tuple[Tried, ...]:
        """Every set that was trained on some of the seeds: those on most of them first, then the best."""
        sets = dict.fromkeys(operations for operations, _ in self._asked)
        used = {one: self.trained(one, seeds) for one in sets}
        found = [Tried(one, len(on), float(self.scores(one, on).mean())) for one, on in used.items() if on]
        return tuple(sorted(found, key=lambda one: (-one.seeds, -one.score, len(one.operations), str(one.operations))))

    def expected(self, operations: Operations, seeds: Sequence[int]) -> float:
        """What it will cost, in samples, to train the operations on those of the seeds that they were not yet."""
        new = len(seeds) - len(self.trained(operations, seeds))
        return new * self.unit * math.prod(float(o.value) for o in operations if o.kind == "epochs")

    @property
    def highest(self) -> float:
        """The best score there can be."""
        return HIGHEST.get(self.metric, math.inf)
