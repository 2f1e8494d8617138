"""The zoo's Keras runs: what is ill is found, what is healthy left in peace, and PyTorch's cases have their twins."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import keras
import pytest

import trainability
from tests.plain_jax import plain_jax  # noqa: F401
from tests.zoo import torch_cases, torch_healthy
from tests.zoo.files import DATA, missing_data
from tests.zoo.keras_cases import DAILY, EXCUSED, HEALTHY, RECIPES, SICK, Case
from trainability.adapters.keras.trainer import train
from trainability.report.chart import Diagnosis


def diagnosed(case: Case, seed: int = 0) -> Diagnosis:
    missing = missing_data(case)
    if missing:
        pytest.skip(f"{missing} does not lie in {DATA}")
    backends = getattr(case, "backends", (keras.backend.backend(),))
    if keras.backend.backend() not in backends:
        pytest.skip(f"it is for {' and '.join(backends)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras itself warns of some of these mistakes
        if case in RECIPES:
            chart = train(case, (), seed, watch=True).chart
            assert chart is not None
            return Diagnosis(chart, case.__name__)
        keras.utils.set_random_seed(seed)
        run = case()
        with trainability.watch(run.model) as seen:
            run.train()
    return seen.diagnose()


def each(cases: Iterable[Case]) -> list[Any]:
    """The daily ones as they are, the others marked."""
    marks = {case: () if case in DAILY else pytest.mark.soak for case in cases}
    return [pytest.param(case, id=case.__name__, marks=mark) for case, mark in marks.items()]


@pytest.mark.parametrize("case", each(SICK))
def test_what_is_ill_is_found(case: Case):
    roots = [finding.code for finding in diagnosed(case).roots]
    assert set(roots[:2]) & set(SICK[case]), roots


@pytest.mark.parametrize("case", each(HEALTHY))
def test_what_is_healthy_is_left_in_peace(case: Case):
    made = diagnosed(case)
    assert not made.roots, made.text()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 5))
@pytest.mark.parametrize("case", [*SICK, *HEALTHY], ids=lambda case: case.__name__)
def test_other_seeds_agree(case: Case, seed: int):
    made = diagnosed(case, seed)
    roots = [finding.code for finding in made.roots]
    assert set(roots[:2]) & set(SICK[case]) if case in SICK else not roots, made.text()


def test_every_case_of_pytorch_has_a_twin_or_an_excuse():
    here = {case.__name__: SICK.get(case, ()) for case in (*SICK, *HEALTHY)}
    assert len(here) == len(SICK) + len(HEALTHY)
    there: dict[str, tuple[str, ...]] = {case.__name__: codes for case, codes in torch_cases.SICK.items()}
    there |= {case.__name__: () for case in torch_healthy.HEALTHY}
    assert there.keys() - here.keys() == EXCUSED.keys()
    for name in there.keys() & here.keys():
        assert set(here[name]) & set(there[name]) or here[name] == there[name], name
