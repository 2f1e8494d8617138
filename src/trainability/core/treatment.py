"""What came of a treatment: plain records of what was tried and proved."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from trainability.core.chart import Chart
from trainability.core.operation import Operation

Verdict: TypeAlias = Literal["cured", "improved", "no-better"]


@dataclass(frozen=True)
class Tried:
    """A set of operations that the search trained: on how many of its seeds, and their mean score."""

    operations: tuple[Operation, ...]
    seeds: int
    score: float


@dataclass(frozen=True)
class Ablation:
    """How much the mean score falls where one operation of the set is left out."""

    operation: Operation
    loss: float


@dataclass(frozen=True)
class Treatment:
    """A treatment and its proof on paired seeds that the search had not seen.

    Attributes:
        operations: the smallest set that stands; empty where nothing beat doing nothing.
        metric: ``accuracy``, ``r2`` or ``own``; more is better.
        seeds: of the proof; twice as many as were asked for where those left it open.
        untreated, treated, random_search: the metric on held-out samples, one value per seed; NaN where training broke.
        random_operations: what random search chose from the same operations at the search's cost.
        effect, interval: mean of treated − untreated, and its 95 % interval by Student's t.
        over_random, over_random_interval: the same of treated − random search.
        verdict: ``cured``: better, and a look at the treated run finds nothing wrong; ``improved``: better;
            ``no-better``: the interval holds 0 or less.
        ablation: of each operation of the set.
        tried: what the search trained: what it trained most first, then the best.
        search_seeds: of the search; random search draws its operations from the first of them.
        before, after: what was seen of the untreated run of the search's first seed, and of a treated one.
        diff, lines: the change of the source: unified where the places are known, and the lines to write for the rest.
        cost, ablation_cost, random_cost, proof_cost: of the search, of leaving out, of random search (which may
            spend as much as both) and of the proof: samples of all steps over those of one untreated training.
    """

    operations: tuple[Operation, ...]
    metric: str
    seeds: tuple[int, ...]
    untreated: tuple[float, ...]
    treated: tuple[float, ...]
    random_search: tuple[float, ...]
    random_operations: tuple[Operation, ...]
    effect: float
    interval: tuple[float, float]
    over_random: float
    over_random_interval: tuple[float, float]
    verdict: Verdict
    ablation: tuple[Ablation, ...]
    tried: tuple[Tried, ...]
    search_seeds: tuple[int, ...]
    before: Chart = field(repr=False)
    after: Chart | None = field(repr=False)
    cost: float
    ablation_cost: float
    random_cost: float
    proof_cost: float
    diff: str = ""
    lines: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data; a number that is not finite is None."""
        return {
            "operations": [_operation(operation) for operation in self.operations],
            "metric": self.metric,
            "seeds": list(self.seeds),
            "untreated": [_finite(value) for value in self.untreated],
            "treated": [_finite(value) for value in self.treated],
            "random_search": [_finite(value) for value in self.random_search],
            "random_operations": [_operation(operation) for operation in self.random_operations],
            "effect": _finite(self.effect),
            "interval": [_finite(value) for value in self.interval],
            "over_random": _finite(self.over_random),
            "over_random_interval": [_finite(value) for value in self.over_random_interval],
            "verdict": self.verdict,
            "ablation": [{**_operation(one.operation), "loss": _finite(one.loss)} for one in self.ablation],
            "tried": [
                {"operations": [_operation(o) for o in one.operations], "seeds": one.seeds, "score": _finite(one.score)}
                for one in self.tried
            ],
            "search_seeds": list(self.search_seeds),
            "cost": self.cost,
            "ablation_cost": self.ablation_cost,
            "random_cost": self.random_cost,
            "proof_cost": self.proof_cost,
            "patch": {"diff": self.diff, "lines": list(self.lines)},
        }


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "kind": operation.kind,
        "value": operation.value,
        "safety": operation.safety,
        "words": str(operation),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
