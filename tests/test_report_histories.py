"""The histories of many trials, gathered into arrays and quantiles."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from trainability.report.gather import MOST_STEPS, history, quantiles


def rows_of(*trials: tuple[list[int], list[float], str, int]) -> pl.DataFrame:
    names = ("checkpoint", "history_train_loss", "ended", "end_step")
    return pl.DataFrame([dict(zip(names, t, strict=True)) for t in trials])


def test_an_early_end_keeps_its_value_and_a_nan_does_not():
    rows = rows_of(
        ([0, 1, 4], [3.0, 2.0, 1.0], "steps", 4),
        ([0, 1, 2], [3.0, 1.0, 0.5], "stopped", 2),
        ([0, 1], [3.0, 9.0], "nan", 2),
    )
    steps, values = history(rows, "history_train_loss")
    assert steps.tolist() == [0, 1, 2, 4]
    expected = [[3, 2, 2, 1], [3, 1, 0.5, 0.5], [3, 9, np.nan, np.nan]]
    np.testing.assert_array_equal(values, expected)


def test_layers_stay_with_their_steps():
    nested = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]
    rows = rows_of(([0, 5], [0.0, 0.0], "steps", 5), ([0, 5], [0.0, 0.0], "steps", 5))
    steps, values = history(rows.with_columns(pl.Series("dead", nested)), "dead")
    assert steps.tolist() == [0, 5]
    np.testing.assert_array_equal(values, nested)


def test_many_steps_are_thinned_but_keep_both_ends():
    marks = list(range(0, 5000, 3))
    steps, values = history(rows_of((marks, [float(m) for m in marks], "steps", 5000)), "history_train_loss")
    assert len(steps) <= MOST_STEPS
    assert steps[[0, -1]].tolist() == [0, marks[-1]]
    np.testing.assert_array_equal(values[0], steps)


@given(st.lists(st.floats(-1e6, 1e6) | st.just(np.inf), min_size=1, max_size=30), st.floats(0.01, 0.99))
def test_quantiles_agree_with_numpy_and_bear_infinity(values, share):
    found = quantiles(np.array([*values, np.nan]), (share,))[0]
    assert found == np.quantile(np.array(values), share, method="inverted_cdf")
