"""The table of failed against solved trials: right numbers, the telling cells, and nothing where nothing failed."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl

from tests.made_pages import Elements, page
from tests.made_runs import FIXED, made, run, xor
from trainability.report import render
from trainability.report.failed import MOST, _medians
from trainability.report.words import number, percent

HEADING = "<h2>Inside those that failed</h2>"


def twin(rows: list[dict]) -> dict[str, float | None]:
    """The medians by loops over the rows."""

    def middle(values: list[float]) -> float | None:
        known = [v for v in values if np.isfinite(v)]
        return float(np.median(known)) if known else None

    hidden = {k: [row[k][-1][:-1] for row in rows] for k in ("dead", "saturated", "correlation")}
    return {
        "gradient": middle([row["gradient_rms"][0][0] / row["gradient_rms"][0][-1] for row in rows]),
        "dead": middle([float(np.mean(layers)) for layers in hidden["dead"]]),
        "saturated": middle([float(np.mean(layers)) for layers in hidden["saturated"]]),
        "correlation": middle([layers[-1] for layers in hidden["correlation"]]),
        "nan": float(np.mean([row["ended"] == "nan" for row in rows])),
        "loss": middle([row["train_loss"] for row in rows]),
        "trials": len(rows),
    }


def test_the_medians_agree_with_a_slower_twin():
    """`blobs` has several depths and trials that became NaN."""
    trials = run("blobs").trials
    found = _medians(trials, trials["cell"].unique().to_list())
    groups = {(row["cell"], row["solved"]): [] for row in trials.iter_rows(named=True)}
    for row in trials.iter_rows(named=True):
        groups[row["cell"], row["solved"]].append(row)
    assert found.keys() == groups.keys()
    for key, rows in groups.items():
        for name, expected in twin(rows).items():
            got = found[key][name]
            assert (got is None) == (expected is None)
            if expected is not None:
                np.testing.assert_allclose(got, expected, rtol=1e-6, err_msg=f"{key} {name}")


def test_the_rows_say_what_was_measured():
    record = run("depths")
    head, *rows = Elements(page("depths")).tables[1]
    assert head == ["depth", "outcome", "trials", "gradient ratio", "dead", "saturated", "correlation", "NaN",
                    "final loss"]  # fmt: skip
    found = _medians(record.trials, [4])
    place = next(i for i, row in enumerate(rows) if row[:2] == ["9", "failed"])
    for solved, row in ((False, rows[place][1:]), (True, rows[place + 1])):
        item = found[4, solved]
        assert row[1:3] == [str(item["trials"]), number(item["gradient"], 2)]
        assert row[4] == f"{percent(item['saturated'])} %"
        assert row[-1] == number(item["loss"], 2)


def test_nothing_failed_is_no_section():
    assert HEADING not in render(made(xor(), {"depth": [1, 2]}, lambda _: 1.0, n=5, fixed=FIXED))
    assert HEADING in page("depths")


def test_where_none_solved_there_are_dashes_to_compare_with():
    rows = Elements(page("unsolved")).tables[1][1:]
    assert [row[-8:] for row in rows[1::2]] == [["solved", "0", *"––––––"]] * 4


def test_the_telling_cells_are_shown_and_the_rest_counted():
    """Half-solved cells come before those that failed or solved nearly always."""
    rates = [0.5] * 5 + [0.0] * 20 + [0.97] * 20
    record = made(xor(), {"depth": [2], "width": list(range(1, 46))}, lambda c: rates[c["width"] - 1], n=60)
    failing = record.cells.filter(pl.col("solved") < 1).height
    text = render(record)
    widths = [int(row[0]) for row in Elements(text).tables[1][1::2]]
    assert len(widths) == MOST
    assert set(range(1, 6)) < set(widths) <= set(range(1, 26))
    assert f"{failing - MOST} more have failed trials" in text


def test_trials_without_vital_signs_are_still_counted():
    record = run("one")
    bare = record.trials.drop("gradient_rms", "dead", "saturated", "correlation")
    empty = record.trials.with_columns(pl.lit(None).cast(record.trials.schema["dead"]).alias("dead"))
    for trials in (bare, empty):
        row = Elements(render(dataclasses.replace(record, trials=trials))).tables[1][1]
        assert int(row[1]) == trials.filter(~pl.col("solved")).height
        assert row[3] == "–"
