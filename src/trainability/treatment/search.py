"""Successive halving over sets of operations, inside a budget of training samples."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from trainability.core.errors import SpecError
from trainability.core.operation import in_order
from trainability.core.treatment import Ablation
from trainability.treatment.trials import Operations, Trials

FIRST: Final = 0.5
"""Share of the budget that the first round may spend, one seed a set."""
MOST_MISSES: Final = 50
"""Sets in a row that do not fit the recipe or the budget before the first round ends."""
BETTER: Final = 0.005
"""By which share of a score a larger set has to be better in the mean, and a smaller one may be worse."""
HARDLY: Final = 0.02
"""The same where the seeds cannot tell a smaller set from the larger one: its loss is within two standard errors."""


def halving(trials: Trials, sets: Iterable[Operations], seeds: Sequence[int], budget: float) -> list[Operations]:
    """Train sets on one seed, the better half on one more, and so on; the sets that were trained, the best first.

    Doing nothing takes part, and of sets that score alike a smaller one is ahead, then the one that came first.

    Args:
        sets: the likeliest first; may go on for ever.
        budget: of the trials' whole cost, in samples.

    Reference: K. Jamieson, A. Talwalkar, Non-stochastic best arm identification and hyperparameter optimization,
    AISTATS 2016.
    """
    alive: list[Operations] = []
    misses = 0
    for one in itertools.chain([()], sets):
        if misses >= MOST_MISSES:
            break
        misses += 1
        if one in alive or (one and trials.cost + trials.expected(one, seeds[:1]) > FIRST * budget):
            continue
        try:
            trials.scores(one, seeds[:1])
        except SpecError:  # it does not fit this recipe
            continue
        alive.append(one)
        misses = 0
    out: list[Operations] = []
    for used in range(1, len(seeds) + 1):
        alive.sort(key=lambda one: (-trials.scores(one, seeds[:used]).mean(), len(one)))
        keep = max(1, len(alive) // 2)
        out, alive = alive[keep:] + out, alive[:keep]
        if len(alive) == 1 or used == len(seeds):
            break
        if trials.cost + sum(trials.expected(one, seeds[: used + 1]) for one in alive) > budget:
            break
        for one in alive:
            trials.scores(one, seeds[: used + 1])
    return alive + out


def grow(trials: Trials, ranked: Sequence[Operations], seeds: Sequence[int], budget: float) -> Operations:
    """The best set, with what of the others makes it better still on the same seeds."""
    best = ranked[0]
    seeds = trials.trained(best, seeds)
    for other in ranked[1:]:
        both = in_order((*best, *(o for o in other if all(o.kind != kept.kind for kept in best))))
        now = trials.scores(best, seeds).mean()
        if now >= trials.highest or len(both) == len(best):
            continue
        if trials.cost + trials.expected(both, seeds) > budget:
            break
        try:
            first = trials.scores(both, seeds[:1]).mean()
            if first >= trials.scores(best, seeds[:1]).mean() and trials.scores(both, seeds).mean() > _above(now):
                best = both
        except SpecError:
            continue
    return best


def shrink(
    trials: Trials, operations: Operations, seeds: Sequence[int], stay: Operations = ()
) -> tuple[Operations, tuple[Ablation, ...]]:
    """The smallest set that is as good, by leaving out one operation after the other, and what each of it is worth.

    A single operation is left as it is: doing nothing took part in the search. Those in `stay` are not left out.
    """
    kept = list(operations)
    # What changes the model is left out first.
    for operation in sorted(operations, key=lambda o: o.safety == "changes training"):
        fewer = tuple(o for o in kept if o != operation)
        if not fewer or operation in stay:
            continue
        if _as_good(trials.scores(fewer, seeds), trials.scores(tuple(kept), seeds)):
            kept = list(fewer)
    if len(kept) < 2:
        return tuple(kept), ()
    whole = trials.scores(tuple(kept), seeds).mean()
    without = {o: trials.scores(tuple(other for other in kept if other != o), seeds).mean() for o in kept}
    return tuple(kept), tuple(Ablation(o, float(whole - score)) for o, score in without.items())


def _above(score: float) -> float:
    return score + BETTER * max(abs(score), 1.0)


def _as_good(fewer: np.ndarray, more: np.ndarray) -> bool:
    """Whether a smaller set's scores are as good as a larger one's on the same seeds."""
    lost = more - fewer
    scale = max(abs(float(more.mean())), 1.0)
    error = float(lost.std(ddof=1)) / math.sqrt(len(lost)) if len(lost) > 1 else 0.0
    return float(lost.mean()) <= max(BETTER * scale, min(HARDLY * scale, 2 * error))
