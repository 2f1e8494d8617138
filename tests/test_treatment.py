"""The search finds what helps inside its budget, the proof is fair, and what does not help is not sold."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.command import strict_json
from trainability.core.errors import SpecError
from trainability.core.operation import KINDS, Operation, in_order
from trainability.core.recipe import Outcome, Recipe
from trainability.diagnosis import RULES, Finding, diagnose, examples
from trainability.diagnosis.finding import Evidence
from trainability.report.chart import Diagnosis
from trainability.treatment import treat
from trainability.treatment.candidates import MOST_RANDOM, at_random, further, of_diagnosis
from trainability.treatment.course import course
from trainability.treatment.search import grow, halving
from trainability.treatment.smallest import shrink
from trainability.treatment.trials import Trials

CLIP = Operation("clip", 1.0)
SCALE, RATE, ADAM = Operation("scale_inputs", "standardize"), Operation("rate", 10.0), Operation("optimizer", "adam")


class World:
    """A trainer whose scores are known: a base, the gain of each operation, and a seed's noise."""

    def __init__(self, gains: dict[Operation, float], base: float = 0.3, noise: float = 0.01):
        self.gains, self.base, self.noise = gains, base, noise
        self.trained: list[tuple[tuple[Operation, ...], int]] = []
        self.watched: list[tuple[tuple[Operation, ...], int]] = []

    def __call__(
        self, make: Callable[[int], Recipe], operations: tuple[Operation, ...], seed: int, watch: bool = False
    ) -> Outcome:
        if any(operation.kind == "normalize" for operation in operations):
            raise SpecError("there is nothing to normalise")
        (self.watched if watch else self.trained).append((operations, seed))
        score = self.base + sum(self.gains.get(operation, 0.0) for operation in operations)
        score += self.noise * np.random.default_rng([seed, len(operations)]).standard_normal()
        cost = 100 * math.prod(int(o.value) for o in operations if o.kind == "epochs")
        seen = RULES["learning-rate-low"].sick() if score < 0.6 else examples.chart()
        return Outcome(score, "own", cost, cost, seen if watch else None)


def make(seed: int) -> Recipe:
    raise AssertionError("the world trains without a recipe")


def test_what_helps_is_found_and_cures():
    found = treat(make, World({SCALE: 0.5}), budget=6.0)
    assert found.operations == (SCALE,)
    assert found.verdict == "cured"
    assert found.interval[0] > 0.4
    assert found.effect == pytest.approx(0.5, abs=0.05)
    assert found.ablation[0].loss == pytest.approx(0.5, abs=0.05)


def test_two_changes_that_help_only_together():
    sick = dataclasses.replace(RULES["targets-unscaled"].sick(), inputs=RULES["inputs-unscaled"].sick().inputs)
    world = World({})

    def train(
        make: Callable[[int], Recipe], operations: tuple[Operation, ...], seed: int, watch: bool = False
    ) -> Outcome:
        made = world(make, operations, seed, watch)
        kinds = {operation.kind for operation in operations}
        good = {"scale_inputs", "scale_targets"} <= kinds
        return Outcome(
            made.score + (0.5 if good else 0.0), made.metric, made.cost, made.planned, sick if watch else None
        )

    found = treat(make, train)
    assert {operation.kind for operation in found.operations} == {"scale_inputs", "scale_targets"}
    assert all(one.loss == pytest.approx(0.5, abs=0.06) for one in found.ablation)


def test_what_does_not_help_is_not_sold():
    found = treat(make, World({}))
    assert found.verdict == "no-better"
    assert "othing" in Diagnosis(found.before, "net", found).text()


def test_better_but_not_healthy_is_improved_only():
    found = treat(make, World({RATE: 0.1}))
    assert (found.operations, found.verdict) == ((RATE,), "improved")


def test_the_search_keeps_its_budget_and_never_sees_the_proofs_seeds():
    world = World({SCALE: 0.5})
    found = treat(make, world, budget=2.0)
    assert found.cost <= 2.0 * 5
    assert found.random_cost <= found.cost + found.ablation_cost
    assert set(found.seeds).isdisjoint(found.search_seeds)
    assert {seed for _, seed in world.trained + world.watched} <= {*found.seeds, *found.search_seeds}
    again = treat(make, World({SCALE: 0.5}), budget=2.0)
    assert (again.untreated, again.treated, again.random_search) == (
        found.untreated,
        found.treated,
        found.random_search,
    )


def test_nothing_is_trained_twice_but_to_watch_it():
    world = World({SCALE: 0.5})
    found = treat(make, world, budget=5.0)
    assert found.operations == (SCALE,)
    for done in (world.trained, world.watched):
        assert len(set(done)) == len(done)
    assert len(set(world.trained) & set(world.watched)) <= 1


def test_the_interval_is_scipys():
    found = treat(make, World({SCALE: 0.5}, noise=0.05), seeds=8)
    twin = stats.ttest_rel(found.treated, found.untreated)
    assert found.interval == pytest.approx(tuple(twin.confidence_interval(0.95)))
    assert found.effect == pytest.approx(float(np.mean(np.subtract(found.treated, found.untreated))))


def test_a_broken_training_counts_as_the_worst_and_stays_visible():
    def train(
        make: Callable[[int], Recipe], operations: tuple[Operation, ...], seed: int, watch: bool = False
    ) -> Outcome:
        score = 0.9 if SCALE in operations else math.nan
        return Outcome(score, "accuracy", 100, 100, examples.chart() if watch else None)

    found = treat(make, train)
    assert found.operations == (SCALE,)
    assert found.effect == pytest.approx(0.9)
    document = strict_json(json.dumps(found.to_dict()))
    assert document["untreated"] == [None] * 5
    assert document["verdict"] == "cured"
    for key in ("operations", "treated", "random_search", "effect", "interval", "cost"):
        assert key in document


def test_few_seeds_and_small_budgets_are_refused():
    with pytest.raises(SpecError, match="at least 5 seeds, got 3"):
        treat(make, World({}), seeds=3)
    with pytest.raises(SpecError, match="at least 1"):
        treat(make, World({}), budget=0.5)


def test_halving_trains_the_better_half_once_more():
    world = World({SCALE: 0.5, RATE: 0.2})
    trials = Trials(make, world, lambda line: None)
    trials.scores((), [1000])
    ranked = halving(trials, [(RATE,), (SCALE,), (ADAM,)], [1000, 1001, 1002], 100 * 100)
    assert ranked[:2] == [(SCALE,), (RATE,)]
    assert [len(trials.trained(one, [1000, 1001, 1002])) for one in ranked] == [2, 2, 1, 1]


def test_candidates_begin_with_all_that_the_diagnosis_asks_for():
    findings = [Finding(rule.name, "root", Evidence({}, 0.8), "") for rule in RULES if rule.treatments][:3]
    sets = of_diagnosis(findings)
    assert len(sets) == len(set(sets))
    firsts = {RULES[finding.code].treatments[0].kind for finding in findings}
    assert {operation.kind for operation in sets[0]} == firsts


def test_what_mends_a_certain_mistake_is_in_every_set_and_stays():
    sick = RULES["double-softmax"].sick()

    def train(
        make: Callable[[int], Recipe], operations: tuple[Operation, ...], seed: int, watch: bool = False
    ) -> Outcome:
        score = 0.4 + (0.5 if RATE in operations else 0.0)
        mended = any(operation.kind == "output" for operation in operations)
        return Outcome(score, "accuracy", 100, 100, (examples.chart() if mended else sick) if watch else None)

    fit = Operation("output", "fit")
    assert all(fit in one for one in of_diagnosis(diagnose(sick)))
    found = treat(make, train)
    assert set(found.operations) == {fit, RATE}
    assert found.verdict == "cured"


@given(st.integers(0, 2**31))
def test_random_sets_are_of_the_closed_set_and_repeat(seed: int):
    sets, again = at_random(seed), at_random(seed)
    for _ in range(20):
        one = next(sets)
        assert one == next(again) == in_order(one)
        assert 1 <= len({operation.kind for operation in one}) == len(one) <= MOST_RANDOM
        assert all(operation.value in KINDS[operation.kind].values for operation in one)


def test_operations_are_a_closed_set():
    with pytest.raises(SpecError, match="there is no operation 'prune'"):
        Operation("prune", 1.0)
    with pytest.raises(SpecError, match="takes relu, leaky_relu"):
        Operation("activation", "rolu")
    with pytest.raises(SpecError, match="takes a number"):
        Operation("rate", -1.0)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.treatments], ids=lambda rule: rule.name)
def test_a_rules_treatments_are_operations_of_different_values(rule: Any):
    assert len(set(rule.treatments)) == len(rule.treatments)


def test_of_sets_that_score_alike_the_smaller_is_ahead():
    world = World({SCALE: 0.5}, noise=0.0)
    ranked = halving(Trials(make, world, lambda line: None), [(SCALE, RATE), (SCALE,)], (1, 2), 10_000.0)
    assert ranked[0] == (SCALE,)


def test_what_helps_on_later_seeds_alone_is_added():
    """On the first seed both score alike, as accuracies of a few samples often do."""

    def train(
        make: Callable[[int], Recipe], operations: tuple[Operation, ...], seed: int, watch: bool = False
    ) -> Outcome:
        both = RATE in operations and SCALE in operations and seed > 1
        return Outcome(0.75 + 0.2 * both if SCALE in operations else 0.5, "own", 100, 100, None)

    trials = Trials(make, train, lambda line: None)
    trials.outcome((), 1)
    for one in ((SCALE,), (RATE,)):
        trials.scores(one, (1, 2, 3))
    assert grow(trials, [(SCALE,), (RATE,)], (1, 2, 3), 10_000.0) == in_order((SCALE, RATE))


@pytest.mark.parametrize(("gains", "kept"), [
    ((0.0, 0.0, 0.03, 0.0, 0.0), False), ((0.01, -0.02, 0.04, 0.0, 0.0), False),
    ((0.02, 0.01, 0.015, 0.02, 0.01), True),
    ((0.0, 0.0, 0.4, 0.0, 0.0), True),
])  # fmt: skip
def test_a_change_stays_if_the_seeds_can_tell_it_from_nothing_or_it_saves_one(gains: tuple[float, ...], kept: bool):
    def train(
        make: Callable[[int], Recipe], operations: tuple[Operation, ...], seed: int, watch: bool = False
    ) -> Outcome:
        score = 0.3 + 0.5 * (SCALE in operations) + gains[seed] * (RATE in operations)
        return Outcome(score, "own", 100, 100, None)

    operations, _ = shrink(Trials(make, train, lambda line: None), (SCALE, RATE), range(5))
    assert (RATE in operations) is kept


def test_the_course_of_the_diagnosis_goes_through_a_valley():
    """Scaled inputs score lower until the rate is raised as well, which only a look at that run advises."""
    raw, slow = RULES["inputs-unscaled"].sick(), RULES["learning-rate-low"].sick()

    def train(
        make: Callable[[int], Recipe], operations: tuple[Operation, ...], seed: int, watch: bool = False
    ) -> Outcome:
        scaled, faster = SCALE in operations, RATE in operations
        score = 0.9 if scaled and faster else 0.45 if scaled else 0.4 if faster else 0.5
        seen = examples.chart() if scaled and faster else slow if scaled else raw
        return Outcome(score, "accuracy", 100, 100, seen if watch else None)

    found = treat(make, train)
    assert set(found.operations) == {SCALE, RATE}
    assert found.verdict == "cured"


def test_where_nothing_shows_why_it_does_not_learn_it_is_made_faster():
    still = examples.chart(losses=examples.stays())
    assert not [finding for finding in diagnose(still) if RULES[finding.code].treatments]

    def train(
        make: Callable[[int], Recipe], operations: tuple[Operation, ...], seed: int, watch: bool = False
    ) -> Outcome:
        return Outcome(0.5, "accuracy", 100, 100, still if watch else None)

    trials = Trials(make, train, lambda line: None)
    trials.outcome((), 1)
    assert list(course(trials, diagnose(RULES["inputs-unscaled"].sick()), 1, 1e4))[:2] == [(SCALE,), (SCALE, RATE)]


def test_the_course_ends_at_what_makes_it_worse():
    sick = RULES["learning-rate-low"].sick()

    def train(
        make: Callable[[int], Recipe], operations: tuple[Operation, ...], seed: int, watch: bool = False
    ) -> Outcome:
        rate = max((float(o.value) for o in operations if o.kind == "rate"), default=1.0)
        return Outcome(0.2 if rate > 10 else 0.5, "accuracy", 100, 100, sick if watch else None)

    trials = Trials(make, train, lambda line: None)
    trials.outcome((), 1)
    assert list(course(trials, diagnose(sick), 1, 1e4)) == [(RATE,), (Operation("rate", 100.0),)]
    assert list(course(trials.afresh(), diagnose(sick), 1, 150.0)) == [(RATE,)]


def _of_seeds(gains: dict[tuple[Operation, ...], tuple[float, ...]]) -> Any:
    def train(
        make: Callable[[int], Recipe], operations: tuple[Operation, ...], seed: int, watch: bool = False
    ) -> Outcome:
        return Outcome(gains[operations][seed], "accuracy", 100, 100, None)

    return Trials(make, train, lambda line: None)


def test_what_was_lucky_on_the_seeds_of_its_choice_gives_way():
    trials = _of_seeds(
        {(): (0.5,) * 4, (SCALE,): (0.9, 0.9, 0.3, 0.3), (ADAM,): (0.85,) * 4, (SCALE, ADAM): (0.1,) * 4}
    )
    for one in ((), (SCALE,), (ADAM,)):
        trials.scores(one, (0, 1))
    assert grow(trials, [(SCALE,), (ADAM,), ()], (0, 1, 2, 3), 10_000.0) == (ADAM,)


@pytest.mark.parametrize(("noisy", "seeds"), [(0.14, 10), (0.01, 5), (0.45, 5)])
def test_a_proof_that_is_open_takes_as_many_seeds_again_where_they_are_likely_to_tell(noisy: float, seeds: int):
    """Five differences of mean 0.16 and deviation 0.14 leave it open, ten do not; with 0.45 ten would as well."""
    parts = np.array([-1.3, -0.4, 0.1, 0.3, 1.3])  # of mean 0 and deviation 0.95

    def train(
        make: Callable[[int], Recipe], operations: tuple[Operation, ...], seed: int, watch: bool = False
    ) -> Outcome:
        score = 0.8 if SCALE in operations else 0.64 + noisy * (parts[seed % 5] if seed < 1000 else 0.0)
        seen = examples.chart() if operations else RULES["inputs-unscaled"].sick()
        return Outcome(score, "accuracy", 100, 100, seen if watch else None)

    found = treat(make, train)
    assert found.seeds == tuple(range(seeds))
    twin = stats.ttest_rel(found.treated, found.untreated)
    assert found.interval == pytest.approx(tuple(twin.confidence_interval(0.95)))
    assert found.verdict == ("no-better" if noisy == 0.45 else "cured")


def test_of_rates_that_score_alike_the_milder_stays():
    far, mild = (Operation("rate", 1000.0),), (Operation("rate", 100.0),)
    trials = _of_seeds({far: (0.85, 0.84, 0.83, 0.85, 0.84), mild: (0.84, 0.85, 0.83, 0.84, 0.84)})
    assert shrink(trials, far, range(5))[0] == mild
    trials = _of_seeds({far: (0.85, 0.84, 0.83, 0.85, 0.84), mild: (0.5, 0.6, 0.5, 0.5, 0.5)})
    assert shrink(trials, far, range(5))[0] == far


def test_what_is_plainly_worse_is_not_trained_on_every_seed():
    both, scale, adam = (SCALE, ADAM), (SCALE,), (ADAM,)
    trials = _of_seeds({both: (0.9,) * 5, scale: (0.5,) * 5, adam: (0.87,) * 5})
    kept, ablation = shrink(trials, both, range(5))
    assert kept == both
    assert {one.operation: one.loss for one in ablation} == pytest.approx({SCALE: 0.03, ADAM: 0.4})
    assert [len(trials.trained(one, range(5))) for one in (both, scale, adam)] == [5, 2, 5]


def test_near_the_best_score_small_differences_count():
    both = (SCALE, ADAM)
    close = _of_seeds({both: (1.0, 1.0, 0.99, 1.0, 1.0), (SCALE,): (0.98, 1.0, 0.99, 0.98, 1.0), (ADAM,): (0.5,) * 5})
    assert shrink(close, both, range(5))[0] == both
    far = _of_seeds({both: (0.7, 0.7, 0.69, 0.7, 0.7), (SCALE,): (0.68, 0.7, 0.69, 0.68, 0.7), (ADAM,): (0.5,) * 5})
    assert shrink(far, both, range(5))[0] == (SCALE,)


def test_what_trains_longer_is_tried_last():
    sets = of_diagnosis(diagnose(RULES["too-few-steps"].sick()))
    lengths = [math.prod(float(o.value) for o in one if o.kind == "epochs") for one in sets]
    assert lengths == sorted(lengths)
    assert max(lengths) > 1


def test_what_follows_multiplies_rates_and_begins_with_what_the_treated_run_shows():
    slow = RULES["learning-rate-low"].sick()
    sets = further((SCALE, RATE), slow, diagnose(RULES["vanishing-gradient"].sick()))
    assert sets[0] == (SCALE, Operation("rate", 100.0))
    assert (SCALE, Operation("activation", "elu"), RATE) in sets
    assert (SCALE, RATE) not in sets
    pixels = examples.chart(inputs=examples.numbers(low=0.0, high=255.0, mean=90.0, std=70.0))
    assert (SCALE,) in further((), pixels, ())
    assert (SCALE,) not in further((), examples.chart(), ())


def test_looking_again_costs_a_training():
    trials = Trials(make, World({}), lambda line: None)
    trials.outcome((), 1)
    trials.outcome((), 1, watch=True)
    trials.outcome((), 1, watch=True)
    assert trials.cost == 200


def test_what_is_missed_least_is_left_out():
    """Without either it is as good for all that the seeds can tell; which of them, they can tell."""
    trials = _of_seeds({
        (RATE, CLIP): (0.6, 0.5, 0.55, 0.62, 0.58), (CLIP,): (0.62, 0.46, 0.5, 0.63, 0.56),
        (RATE,): (0.6, 0.5, 0.56, 0.61, 0.58), (): (0.5,) * 5,
    })  # fmt: skip
    assert shrink(trials, (RATE, CLIP), range(5))[0] == (RATE,)
    assert shrink(trials, (RATE, CLIP), range(5), stay=(CLIP,))[0] == (CLIP,)
