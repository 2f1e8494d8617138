"""The zoo's PyTorch runs: what is ill is found, what is healthy is left in peace."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch

import trainability
from tests.zoo.files import DATA, missing_data
from tests.zoo.torch_cases import SICK
from tests.zoo.torch_healthy import HEALTHY
from tests.zoo.torch_run import Run
from trainability.report.chart import Diagnosis


def diagnosed(case: Callable[[], Run], seed: int = 0) -> Diagnosis:
    missing = missing_data(case)
    if missing:
        pytest.skip(f"{missing} does not lie in {DATA}")
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch itself warns of some of these mistakes
        run = case()
        with trainability.watch(run.model) as chart:
            run.train()
    return chart.diagnose()


@pytest.mark.parametrize("case", SICK, ids=lambda case: case.__name__)
def test_what_is_ill_is_found(case: Callable[[], Run]):
    roots = [finding.code for finding in diagnosed(case).roots]
    assert set(roots[:2]) & set(SICK[case]), roots


@pytest.mark.parametrize("case", HEALTHY, ids=lambda case: case.__name__)
def test_what_is_healthy_is_left_in_peace(case: Callable[[], Run]):
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
