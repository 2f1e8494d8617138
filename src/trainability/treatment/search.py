"""Successive halving over sets of operations, inside a budget of training samples."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from trainability.core.errors import SpecError
from trainability.core.operation import in_order
from trainability.treatment.smallest import BETTER, much
from trainability.treatment.trials import Operations, Trials

FIRST: Final = 0.67
"""Share of the budget that the first round may spend, one seed a set."""
COMPARED: Final = 2
"""New seeds on which the best set is compared with what may be better."""
MOST_MISSES: Final = 50
"""Sets in a row that do not fit the recipe or the budget before the first round ends."""


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


def grow(
    trials: Trials,
    ranked: Sequence[Operations],
    seeds: Sequence[int],
    budget: float,
    advised: Callable[[Operations], Iterable[Operations]] = lambda best: (),
) -> Operations:
    """The best set, with what makes it better still: what is advised for it, then others of the sets.

    It is compared on seeds that it was not chosen by, where there are some: on those by which it was, it was lucky.

    Args:
        advised: of a best set, larger ones; asked again of each that is taken.
    """
    best = ranked[0]
    seen = trials.trained(best, seeds)
    seeds = [seed for seed in seeds if seed not in seen][:COMPARED] or seen
    if trials.cost + trials.expected(best, seeds) > budget:
        seeds = seen
    reached = trials.scores(best, [*seen, *seeds]).mean()
    rivals = [one for one in ranked[1:] if trials.scores(one, trials.trained(one, seen)).mean() > reached]
    waiting, asked = rivals, False
    others = [one for one in ranked[1:] if one]
    while trials.scores(best, seeds).mean() < trials.highest and trials.cost + trials.unit <= budget:
        if not waiting and not asked:
            waiting, asked = list(advised(best)), True
        if waiting:
            both = waiting.pop(0)
        elif others:
            more = others.pop(0)
            both = in_order((*best, *(o for o in more if all(o.kind != kept.kind for kept in best))))
        else:
            break
        if both == best or trials.cost + trials.expected(both, seeds) > budget:
            continue
        try:
            if _better(trials, both, best, seeds):
                best, waiting, asked = both, [], False
        except SpecError:  # it does not fit this recipe
            continue
    return best


def _better(trials: Trials, larger: Operations, best: Operations, seeds: Sequence[int]) -> bool:
    """Whether a larger set is clearly better; where it is worse on the first seed, no more is spent."""
    if trials.scores(larger, seeds[:1]).mean() < trials.scores(best, seeds[:1]).mean():
        return False
    now = float(trials.scores(best, seeds).mean())
    return float(trials.scores(larger, seeds).mean()) > now + much(BETTER, now, trials.highest)
