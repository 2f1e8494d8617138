"""Rates of an XOR experiment that were measured elsewhere, found again within their intervals.

Nine hidden layers of five, weights uniform in ±1, binary cross-entropy, gradient descent 0.1, 10,000 steps, 256 seeds.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from trainability import compare
from trainability.core.statistics import wilson

SEEDS = 256

MEASURED = {
    (9, "sigmoid"): 0.00, (9, "relu"): 0.49, (9, "leaky_relu"): 0.75, (9, "tanh"): 1.00, (9, "elu"): 0.99,
    (2, "sigmoid"): 0.96, (2, "relu"): 0.85,
}  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, str], dict]:
    cells = []
    for depth in (9, 2):
        names = [name for d, name in MEASURED if d == depth]
        out: Path = tmp_path_factory.mktemp("demo") / "run"
        result = compare(
            "xor", depth=depth, width=5, activation=names, init="uniform:1", loss="bce", optimizer="sgd", lr=0.1,
            steps=10_000, seeds=SEEDS, out=out,
        )  # fmt: skip
        cells += result.table.to_dicts()
    return {(cell["depth"], cell["activation"]): cell for cell in cells}


@pytest.mark.parametrize(("depth", "activation"), MEASURED)
def test_the_solved_share_agrees_with_the_measured_one(found, depth: int, activation: str):
    cell = found[depth, activation]
    # The published rate is a share of as many seeds, given in whole per cent.
    low, high = wilson(round(MEASURED[depth, activation] * SEEDS), SEEDS)
    assert cell["n"] == SEEDS
    assert cell["solved_low"] <= high
    assert low <= cell["solved_high"]
