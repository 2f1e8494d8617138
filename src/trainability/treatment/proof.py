"""A treatment and its proof: treated against untreated and against random search, on paired seeds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np

from trainability.core.chart import Chart
from trainability.core.errors import SpecError
from trainability.core.recipe import Recipe, Trainer
from trainability.core.treatment import Ablation, Treatment, Verdict
from trainability.diagnosis import diagnose
from trainability.treatment.candidates import at_random, certain, further, of_diagnosis
from trainability.treatment.course import course
from trainability.treatment.search import grow, halving
from trainability.treatment.smallest import shrink
from trainability.treatment.trials import Operations, Trials

FEWEST: Final = 5
"""Paired seeds that a proof needs."""
HALVED: Final = 0.6
"""Share of the budget that halving may spend; the rest is for what makes the best set better still."""
SEARCH_SEEDS: Final = 1000
"""The search's first seed: far from those of the proof, which it must not have seen."""


def treat(
    make: Callable[[int], Recipe],
    train: Trainer,
    seeds: int = FEWEST,
    budget: float = 3.0,
    said: Callable[[str], None] = lambda line: None,
    seen: Callable[[Chart], None] = lambda chart: None,
) -> Treatment:
    """Search for the smallest set of operations that helps, and prove it.

    Args:
        make: the recipe of a seed.
        train: what trains it: an adapter's.
        seeds: paired seeds of the proof, 0, 1, …; twice as many where these leave open whether it is better, and as
            many again would be likely to tell.
        budget: of the search, in multiples of the untreated training of all seeds.
        said: hears a line after each training.
        seen: gets the chart of the untreated recipe before the search begins.

    Raises:
        SpecError: fewer than 5 seeds, or a budget under 1.

    Reference: paired t interval: Student (1908), Biometrika 6:1-25.
    """
    check_size(seeds, budget)
    proof = tuple(range(seeds))
    search = tuple(range(SEARCH_SEEDS, SEARCH_SEEDS + seeds))

    trials = Trials(make, train, said)
    sick = trials.outcome((), search[0], watch=True).chart
    assert sick is not None
    seen(sick)
    samples = budget * seeds * trials.unit
    findings = diagnose(sick)

    def advised(operations: Operations) -> list[Operations]:
        return further(operations, trials.outcome(operations, search[0], watch=True).chart, findings)

    sets = itertools.chain(course(trials, findings, search[0], HALVED * samples), of_diagnosis(findings))
    best = _search(trials, sets, search, samples, advised)
    searched, tried = trials.cost, trials.tried(search)
    operations, ablation = shrink(trials, best, search, certain(findings))

    chance = trials.afresh()
    by_chance = _search(chance, at_random(search[0]), search, trials.cost)

    final = trials.afresh()
    after = final.outcome(operations, proof[0], watch=True).chart if operations else None
    if operations and _open(final, operations, proof):
        proof = tuple(range(2 * seeds))
    untreated, treated, random = (_each(final, one, proof) for one in ((), operations, by_chance))
    effect, *interval = _paired(final, operations, (), proof)
    over, *over_interval = _paired(final, operations, by_chance, proof)
    return Treatment(
        operations=operations, metric=final.metric, seeds=proof, untreated=untreated, treated=treated,
        random_search=random, random_operations=by_chance, effect=effect, interval=(interval[0], interval[1]),
        over_random=over, over_random_interval=(over_interval[0], over_interval[1]),
        verdict=_verdict(after, interval[0]), before=sick, after=after,
        ablation=ablation or tuple(Ablation(one, effect) for one in operations),
        tried=tried, search_seeds=search,
        cost=searched / trials.unit, ablation_cost=(trials.cost - searched) / trials.unit,
        random_cost=chance.cost / trials.unit, proof_cost=final.cost / trials.unit,
    )  # fmt: skip


def check_size(seeds: int, budget: float) -> None:
    """SpecError for fewer than 5 seeds, or a budget under 1."""
    if seeds < FEWEST:
        raise SpecError(f"a proof needs at least {FEWEST} seeds, got {seeds}")
    if not (math.isfinite(budget) and budget >= 1):
        raise SpecError(f"a budget is at least 1 (times the untreated training of all seeds), got {budget:g}")


def _search(
    trials: Trials,
    sets: Iterable[Operations],
    seeds: Sequence[int],
    budget: float,
    advised: Callable[[Operations], Iterable[Operations]] = lambda best: (),
) -> Operations:
    """The best by halving, with what makes it better still."""
    return grow(trials, halving(trials, sets, seeds, HALVED * budget), seeds, budget, advised)


def _each(trials: Trials, operations: Operations, seeds: Sequence[int]) -> tuple[float, ...]:
    return tuple(trials.outcome(operations, seed).score for seed in seeds)


def _open(trials: Trials, operations: Operations, seeds: Sequence[int]) -> bool:
    """Whether the interval holds 0, and would not if as many seeds again had the same mean and deviation.

    Such a proof looks twice, so that what is no better is called better in at most 2 × 2.5 % of all cases.
    """
    from scipy.stats import t

    mean, low, _ = _paired(trials, operations, (), seeds)
    known = len(seeds)
    half = (mean - low) / math.sqrt(2) * t.ppf(0.975, 2 * known - 1) / t.ppf(0.975, known - 1)
    return low <= 0 < mean - half


def _paired(trials: Trials, a: Operations, b: Operations, seeds: Sequence[int]) -> tuple[float, float, float]:
    """Mean of the paired differences a − b, and its 95 % interval."""
    from scipy.stats import t

    difference = trials.scores(a, seeds) - trials.scores(b, seeds)
    known = difference[np.isfinite(difference)]
    if len(known) < FEWEST:
        return math.nan, math.nan, math.nan
    mean = float(known.mean())
    half = float(t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / math.sqrt(len(known)))
    return mean, mean - half, mean + half


def _verdict(after: Chart | None, lowest: float) -> Verdict:
    if after is None or not lowest > 0:
        return "no-better"
    return "improved" if any(finding.role == "root" for finding in diagnose(after)) else "cured"
