"""The zoo's Flax NNX runs: what is ill is found, what is healthy is left in peace."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import trainability
from tests.plain_jax import plain_jax  # noqa: F401
from tests.zoo.flax_cases import HEALTHY, SICK, Run
from trainability.report.chart import Diagnosis


def diagnosed(case: Callable[[], Run]) -> Diagnosis:
    run = case()
    with trainability.watch(run.model, run.optimizer) as chart:
        run.train(chart.wrap(run.step()))
    return chart.diagnose()


@pytest.mark.parametrize("case", SICK, ids=lambda case: case.__name__)
def test_what_is_ill_is_found(case: Callable[[], Run]):
    roots = [finding.code for finding in diagnosed(case).roots]
    assert set(roots[:2]) & set(SICK[case]), roots


@pytest.mark.parametrize("case", HEALTHY, ids=lambda case: case.__name__)
def test_what_is_healthy_is_left_in_peace(case: Callable[[], Run]):
    made = diagnosed(case)
    assert made.healthy, made.text()
