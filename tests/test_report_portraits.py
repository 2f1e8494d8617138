"""Which networks are portrayed: typical ones, each cell and outcome once."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.made_runs import run, sine, xor
from trainability.report.figures.answers import portraits, target_label
from trainability.sweep import tables


@pytest.mark.parametrize("name", ["xor", "depths", "blobs"])
def test_a_cell_in_several_blocks_is_shown_once_by_its_median_trial(name):
    record = run(name)
    stored = []
    for row in record.portraits.iter_rows(named=True):
        same = record.trials.filter((pl.col("cell") == row["cell"]) & (pl.col("solved") == row["solved"])).head(5)
        ordered = same.sort(pl.col("train_loss").fill_nan(float("inf")))["trial"].to_list()
        typical = ordered[(len(ordered) - 1) // 2]
        for trial in same["trial"]:
            stored.append(row | {"trial": trial, "answers": [float(trial == typical)] * len(row["answers"])})
    several = pl.DataFrame(stored, schema=record.portraits.schema)
    found = portraits(dataclasses.replace(record, portraits=several))
    titles = [portrait.title for portrait in found]
    assert len(titles) == len(set(titles)) == len(portraits(record))
    assert all((portrait.answers == 1).all() for portrait in found)
    lossless = dataclasses.replace(record, portraits=several, trials=record.trials.drop("train_loss"))
    assert [portrait.title for portrait in portraits(lossless)] == titles


def test_the_portrait_kept_is_that_of_the_median_loss(monkeypatch):
    """NaN counts as the largest loss; trials beyond the first ones are not looked at."""
    monkeypatch.setattr(tables, "answers", lambda program, parameters, numbers, x: np.zeros((len(x), 1)))
    loss = np.array([0.9, np.nan, 0.5, 0.2, 0.01, 0.03, 0.02, 7.0])
    trial = np.array([0, 1, 2, 3, 4, 5, 6, tables.PORTRAIT_TRIALS])
    solved = np.array([False] * 4 + [True] * 3 + [False])
    made: Any = SimpleNamespace(cell=np.zeros(8, int), trial=trial, numbers={})
    result: Any = SimpleNamespace(columns={"solved": solved, "train_loss": loss}, parameters={})
    nothing: Any = None
    table = tables.portraits_table(nothing, made, result, xor())
    assert table.select("solved", "trial").rows() == [(False, 2), (True, 6)]


def test_a_standardised_target_says_so():
    data = sine()
    assert target_label(data) == "y"
    noted = dataclasses.replace(data, notes=("target 'y' is standardised: minus 1, divided by 2",))
    assert target_label(noted) == "y (standardised)"
    other = dataclasses.replace(data, notes=("target 'z' is standardised: minus 1, divided by 2",))
    assert target_label(other) == "y"
