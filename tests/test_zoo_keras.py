"""The zoo's Keras runs: what is ill is found, what is healthy is left in peace; treated cases get well."""

from __future__ import annotations

import warnings

import pytest

from tests.zoo.keras_cases import HEALTHY, SICK, Case
from trainability.adapters.keras.trainer import train
from trainability.report.chart import Diagnosis


def diagnosed(case: Case, seed: int = 0) -> Diagnosis:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras itself warns of some of these mistakes
        chart = train(case, (), seed, watch=True).chart
    assert chart is not None
    return Diagnosis(chart, case.__name__)


@pytest.mark.parametrize("case", SICK, ids=lambda case: case.__name__)
def test_what_is_ill_is_found(case: Case):
    roots = [finding.code for finding in diagnosed(case).roots]
    assert set(roots[:2]) & set(SICK[case]), roots


@pytest.mark.parametrize("case", HEALTHY, ids=lambda case: case.__name__)
def test_what_is_healthy_is_left_in_peace(case: Case):
    made = diagnosed(case)
    assert not made.roots, made.text()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 5))
def test_other_seeds_agree(seed: int):
    for case, codes in SICK.items():
        roots = [finding.code for finding in diagnosed(case, seed).roots]
        assert set(roots[:2]) & set(codes), (case, roots)
    for case in HEALTHY:
        made = diagnosed(case, seed)
        assert not made.roots, (case, made.text())
