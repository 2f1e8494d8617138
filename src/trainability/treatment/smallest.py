"""The smallest set of operations that is as good as a larger one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from trainability.core.operation import Operation
from trainability.core.treatment import Ablation
from trainability.treatment.trials import Operations, Trials

BETTER: Final = 0.005
"""By which share of a score a larger set has to be better in the mean, and a smaller one may be worse."""
HARDLY: Final = 0.02
"""The same where the seeds cannot tell a smaller set from the larger one: its loss is within two standard errors."""
MISSING: Final = 0.25
"""Of what is missing to the best score, the share that counts as much in any case."""
PLAIN: Final = 0.04
PLAIN_SEEDS: Final = 2
"""Where each of so many seeds loses so large a share, no more of them are asked."""


def shrink(
    trials: Trials, operations: Operations, seeds: Sequence[int], stay: Operations = ()
) -> tuple[Operations, tuple[Ablation, ...]]:
    """The smallest set that is as good, by leaving out one operation after the other, and what each of it is worth.

    What is missed least goes first. A single operation is left as it is: doing nothing took part in the search. Those
    in `stay` are not left out. Of a rate that is changed more than tenfold, a tenth of the change is tried as well.
    """
    kept = list(operations)
    while len(kept) > 1 and (missed := _least_missed(trials, tuple(kept), seeds, stay)) is not None:
        kept.remove(missed)
    for place, operation in enumerate(kept):
        milder = (*kept[:place], _milder(operation), *kept[place + 1 :])
        if milder != tuple(kept) and _as_good(_lost(trials, milder, tuple(kept), seeds)):
            kept = list(milder)
    if len(kept) < 2:
        return tuple(kept), ()
    whole = tuple(kept)
    return whole, tuple(Ablation(o, float(_without(trials, whole, o, seeds).by.mean())) for o in whole)


def _least_missed(trials: Trials, operations: Operations, seeds: Sequence[int], stay: Operations) -> Operation | None:
    """What the set is as good without, that of the least loss, or the first of none at all.

    More epochs come before all else, so that the rest costs less.
    """
    missed: dict[Operation, float] = {}
    for operation in sorted(operations, key=lambda o: (o.kind != "epochs", o.safety == "changes training")):
        if operation in stay:
            continue
        lost = _without(trials, operations, operation, seeds)
        if _as_good(lost):
            missed[operation] = float(lost.by.mean())
            if operation.kind == "epochs" or missed[operation] <= 0:
                return operation
    return min(missed, key=missed.__getitem__, default=None)


def _without(trials: Trials, operations: Operations, operation: Operation, seeds: Sequence[int]) -> _Lost:
    return _lost(trials, tuple(other for other in operations if other != operation), operations, seeds)


def _milder(operation: Operation) -> Operation:
    """A rate's change without a factor of 10, where that leaves one; another operation as it is."""
    value = operation.value
    if operation.kind != "rate" or not isinstance(value, float) or 0.09 < value < 11:
        return operation
    return Operation("rate", float(f"{value / 10 if value > 1 else value * 10:.12g}"))


@dataclass(frozen=True)
class _Lost:
    """How much worse a smaller set's scores are than a larger one's on the same seeds, and the larger one's mean."""

    by: np.ndarray
    larger: float
    highest: float

    @property
    def plain(self) -> bool:
        return len(self.by) >= PLAIN_SEEDS and float(self.by.min()) > PLAIN * max(abs(self.larger), 1.0)


def _lost(trials: Trials, fewer: Operations, more: Operations, seeds: Sequence[int]) -> _Lost:
    """Of all the seeds, or of the first at which it is plain that the smaller set is worse."""
    lost = None
    for used in range(1, len(seeds) + 1):
        larger = trials.scores(more, seeds[:used])
        lost = _Lost(larger - trials.scores(fewer, seeds[:used]), float(larger.mean()), trials.highest)
        if lost.plain:
            break
    assert lost is not None, "there are seeds"
    return lost


def _as_good(lost: _Lost) -> bool:
    """Whether a smaller set is as good as a larger one, for all that the seeds can tell."""
    by = lost.by
    error = float(by.std(ddof=1)) / math.sqrt(len(by)) if len(by) > 1 else 0.0
    hardly = min(much(HARDLY, lost.larger, lost.highest), 2 * error)
    return float(by.mean()) <= max(BETTER * max(abs(lost.larger), 1.0), hardly)


def much(share: float, score: float, highest: float) -> float:
    """What counts as a difference of scores."""
    return min(share * max(abs(score), 1.0), MISSING * max(highest - score, 0.0))
