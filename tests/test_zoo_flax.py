"""The zoo's Flax NNX runs: what is ill is found, what is healthy is left in peace; PyTorch's cases have their twins."""

from __future__ import annotations

from typing import Any

import pytest

import trainability
from tests.plain_jax import plain_jax  # noqa: F401
from tests.zoo.files import DATA, missing_data
from tests.zoo.flax_cases import DAILY, HEALTHY, NOT_HERE, SICK, Case
from tests.zoo.flax_run import manual_seed
from trainability import Recipe
from trainability.adapters.flax.trainer import train
from trainability.report.chart import Diagnosis


def diagnosed(case: Case, seed: int = 0) -> Diagnosis:
    missing = missing_data(case)
    if missing:
        pytest.skip(f"{missing} does not lie in {DATA}")
    manual_seed(seed)
    made = case()
    if isinstance(made, Recipe):
        chart = train(lambda _: made, (), seed, watch=True).chart
        assert chart is not None
        return Diagnosis(chart, case.__name__)
    with trainability.watch(made.model, made.optimizer) as chart:
        made.train(chart.wrap(made.step()))
    manual_seed(0)
    return chart.diagnose()


def each(cases: Any) -> Any:
    """A day's cases, and in the long tests the others."""
    marked = [pytest.param(case, marks=[] if case in DAILY else pytest.mark.soak, id=case.__name__) for case in cases]
    return pytest.mark.parametrize("case", marked)


@each(SICK)
def test_what_is_ill_is_found(case: Case):
    roots = [finding.code for finding in diagnosed(case).roots]
    assert set(roots[:2]) & set(SICK[case]), roots


@each(HEALTHY)
def test_what_is_healthy_is_left_in_peace(case: Case):
    made = diagnosed(case)
    assert made.healthy, made.text()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 5))
def test_other_seeds_agree(seed: int):
    for case, codes in ((case, codes) for case, codes in SICK.items() if not missing_data(case)):
        roots = [finding.code for finding in diagnosed(case, seed).roots]
        assert set(roots[:2]) & set(codes), (case, roots)
    for case in (case for case in HEALTHY if not missing_data(case)):
        made = diagnosed(case, seed)
        assert not made.roots, (case, made.text())


def test_every_case_of_pytorch_is_here_or_cannot_be():
    from tests.zoo.torch_cases import SICK as TORCH_SICK
    from tests.zoo.torch_healthy import HEALTHY as TORCH_HEALTHY

    for theirs, ours in ((TORCH_SICK, SICK), (TORCH_HEALTHY, HEALTHY)):
        here = {case.__name__ for case in ours}
        missing = {case.__name__ for case in theirs} - here - NOT_HERE.keys()
        assert not missing, "neither in Flax NNX' zoo nor in NOT_HERE"
    everything = {case.__name__ for case in (*TORCH_SICK, *TORCH_HEALTHY)}
    assert NOT_HERE.keys() <= everything - {case.__name__ for case in (*SICK, *HEALTHY)}
    for case, codes in SICK.items():
        twin = next((one for one in TORCH_SICK if one.__name__ == case.__name__), None)
        assert twin is None or TORCH_SICK[twin] == codes, case.__name__


def test_a_day_has_every_code_that_the_zoo_has():
    assert {codes[0] for codes in SICK.values()} == {SICK[case][0] for case in DAILY if case in SICK}
