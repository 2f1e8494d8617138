"""Accuracies are counted, not rounded: a threshold that is met is met, for any number of samples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.made import cells, dataset, train
from trainability.engine.columns import counted
from trainability.sweep import plan


@pytest.mark.parametrize("samples", [25, 41, 100])
def test_all_right_labels_are_an_accuracy_of_1(samples: int):
    """41 · fl(1/41) is below 1 in float32, and 0.8 · 25 is not 20 there."""
    data = dataset(samples=samples)
    easy = (data.x_train[:, 0] > 0).astype(np.int64)
    data = dataclasses.replace(data, y_train=easy)
    result = train(data, cells(data, width=8, lr=0.05, steps=400), [(0, t) for t in range(4)])
    assert (result.columns["train_loss"] < 0.05).all()
    assert (result.columns["train_score"] == 1.0).all()
    assert (result.columns["ended"] == "solved").all()


@pytest.mark.parametrize("split", ["train", "validation"])
def test_every_share_of_samples_is_a_threshold_that_it_meets(split: str):
    for samples in range(2, 260):
        sizes = {"samples": samples, "held_out": 7} if split == "train" else {"samples": 7, "held_out": samples}
        data = dataset(**sizes)
        one = cells(data, target=f"{split}_accuracy>=1")
        for right in {1, samples // 3, samples - 1, samples} - {0}:
            grid = (dataclasses.replace(one[0], numbers={**one[0].numbers, "threshold": right / samples}),)
            rows = plan.trials(plan.Block("b", grid[0].program, 1, np.array([(0, 0)])), grid, 0)
            assert counted(grid[0].program, rows, data).numbers["threshold"].tolist() == [right]
