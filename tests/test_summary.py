"""The summary of a cell against a plain loop over its trials, and the memory that it takes."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from tests.made import cells, dataset
from tests.made_store import child
from trainability.sweep.summary import COLUMNS, summarize

DATA = dataset()
GRID = cells(DATA, activation="relu,tanh,sigmoid", lr=[0.1, 0.01])
NAN, INF = math.nan, math.inf
KINDS: dict[str, Any] = {
    "cell": pl.Int32, "ended": pl.String, "solved": pl.Boolean, "first_step": pl.Int64,
    "train_loss": pl.Float64, "train_score": pl.Float64, "validation_score": pl.Float64,
    **dict.fromkeys(("gradient_rms", "dead"), pl.List(pl.List(pl.Float32))),
}  # fmt: skip


@st.composite
def made_trials(draw: st.DrawFn) -> dict[str, Any]:
    """A trial as `core.records` has it, of one to three layers and one to four checkpoints."""
    ended = draw(st.sampled_from(("solved", "steps", "stopped", "nan")))
    solved = ended == "solved" or (ended == "stopped" and draw(st.booleans()))
    layers, checkpoints = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    share = st.integers(0, 16).map(lambda n: n / 16)
    size = st.sampled_from((0.0, 2.0**-20, 0.25, 0.5, 1.0, 3.0, 2.0**20, INF, NAN))
    history = lambda one: draw(  # noqa: E731
        st.lists(st.lists(one, min_size=layers, max_size=layers), min_size=checkpoints, max_size=checkpoints)
    )
    return {
        "cell": draw(st.sampled_from((0, 1, 3))),
        "ended": ended,
        "solved": solved,
        # A trial may reach the target and lose it again.
        "first_step": draw(st.integers(0, 9)) if solved or draw(st.booleans()) else None,
        "train_loss": draw(st.sampled_from((0.0, 0.25, 0.5, 7.0, INF, *([NAN] if ended == "nan" else [])))),
        "train_score": draw(share),
        "validation_score": draw(share | st.none()),
        "gradient_rms": history(size),
        "dead": history(share),
    }


def table(trials: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(trials, schema=KINDS)


def order_statistic(values: list[float], share: float) -> float | None:
    """The least value with at least `share` of all at or below it; without NaN and None; None if infinite."""
    known = sorted(v for v in values if v is not None and not math.isnan(v))
    for value in known:
        if sum(v <= value for v in known) >= share * len(known):
            return value if math.isfinite(value) else None
    return None


def expected(trials: list[dict[str, Any]]) -> dict[str, Any]:
    """What a cell's row says besides its axes."""
    n, solved = len(trials), [t for t in trials if t["solved"]]
    low, high = (0.0, 1.0) if n == 0 else binomtest(len(solved), n).proportion_ci(method="wilson")
    row = {"n": n, "solved": len(solved) / n if n else None, "solved_low": low, "solved_high": high}
    steps = [t["first_step"] for t in solved]
    for name, share in (("steps_q1", 0.25), ("median_steps", 0.5), ("steps_q3", 0.75)):
        row[name] = order_statistic(steps, share)
    row["final_loss"] = order_statistic([INF if t["ended"] == "nan" else t["train_loss"] for t in trials], 0.5)
    row["accuracy"] = order_statistic([t["train_score"] for t in trials], 0.5)
    row["validation_accuracy"] = order_statistic([t["validation_score"] for t in trials], 0.5)
    ratios, dead = [], []
    for t in trials:
        first, last = t["gradient_rms"][0][0], t["gradient_rms"][0][-1]
        ratios.append(first / last if last else INF if first > 0 else NAN)
        hidden = t["dead"][-1][:-1]
        dead.append(sum(hidden) / len(hidden) if hidden else 0.0)
    row["gradient_ratio"] = order_statistic(ratios, 0.5)
    row["dead"] = sum(dead) / n if n else None
    row["nan"] = sum(t["ended"] == "nan" for t in trials) / n if n else None
    return row


@given(st.lists(st.lists(made_trials(), max_size=6), max_size=3))
def test_each_row_is_what_a_loop_over_its_trials_says(parts: list[list[dict[str, Any]]]):
    rows = summarize(GRID, map(table, parts)).to_dicts()
    trials = [trial for part in parts for trial in part]
    assert [row.pop("cell") for row in rows] == [cell.index for cell in GRID]
    for cell, row in zip(GRID, rows, strict=True):
        twin = expected([t for t in trials if t["cell"] == cell.index])
        assert {name: row.pop(name) for name in cell.axes} == cell.axes
        assert row.keys() == twin.keys()
        for name, value in twin.items():
            found = row[name]
            assert found is value or found == pytest.approx(value, rel=1e-5, abs=1e-12), name


def trial(**changes: Any) -> dict[str, Any]:
    """A trial of two hidden layers whose first and last checkpoints and layers all differ."""
    usual = {
        "cell": 0, "ended": "solved", "solved": True, "first_step": 5,
        "train_loss": 0.5, "train_score": 0.75, "validation_score": 0.25,
        "gradient_rms": [[1.0, 3.0, 2.0], [5.0, 7.0, 4.0], [8.0, 1.0, 1.0]],
        "dead": [[0.75, 0.25, 1.0], [0.5, 0.5, 0.5], [0.125, 0.25, 1.0]],
    }  # fmt: skip
    return usual | changes


def test_the_gradient_is_compared_before_training_and_dead_units_are_counted_at_the_end():
    row = summarize(GRID, [table([trial()])]).row(0, named=True)
    assert row["gradient_ratio"] == 0.5
    assert row["dead"] == 0.1875


def test_steps_are_those_of_solved_trials_alone():
    lost = trial(ended="steps", solved=False, first_step=1)
    solved = [trial(first_step=step) for step in (40, 10, 30, 20)]
    row = summarize(GRID, [table(solved), table([lost] * 9)]).row(0, named=True)
    assert (row["steps_q1"], row["median_steps"], row["steps_q3"]) == (10, 20, 30)


@pytest.mark.parametrize(("broken", "loss"), [(1, 0.5), (2, 0.5), (3, None), (4, None)])
def test_a_trial_that_became_nan_has_the_largest_loss(broken: int, loss: float | None):
    """Also where its record says the last finite loss."""
    ended = {"ended": "nan", "solved": False, "first_step": None}
    trials = [trial(**ended, train_loss=(0.01, NAN)[i % 2]) for i in range(broken)] + [trial()] * (4 - broken)
    row = summarize(GRID, [table(trials)]).row(0, named=True)
    assert row["final_loss"] == loss
    assert row["nan"] == broken / 4


@pytest.mark.parametrize("parts", [[], [table([])]], ids=["no table", "an empty table"])
def test_cells_without_trials(parts: list[pl.DataFrame]):
    rows = summarize(GRID, parts).to_dicts()
    assert len(rows) == len(GRID)
    for row in rows:
        assert {name: row[name] for name in expected([])} == expected([])


def test_the_columns_that_a_summary_reads_are_enough():
    assert set(COLUMNS) == set(KINDS)
    wide = table([trial()])
    assert summarize(GRID, [wide.select(COLUMNS)]).equals(summarize(GRID, [wide]))


def test_no_held_out_samples_give_no_validation_accuracy():
    nothing = table([trial(validation_score=None)]).with_columns(pl.col("validation_score").cast(pl.Null))
    assert summarize(GRID, [nothing])["validation_accuracy"][0] is None
    assert np.isfinite(summarize(GRID, [nothing])["accuracy"][0])


MEMORY = """
    import sys
    from pathlib import Path

    import numpy as np
    import polars as pl

    from trainability import problems
    from trainability.report import conclude
    from trainability.report.conclusion import COLUMNS as CONCLUDED
    from trainability.store import open_run
    from trainability.sweep import plan
    from trainability.sweep.spec import make_spec
    from trainability.sweep.summary import COLUMNS, summarize
    from trainability.sweep.tables import trials_table

    def peak():
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024

    data, draw = problems.load("xor", seed=0), np.random.default_rng(0)
    spec = plan.resolve(make_spec({"problem": "xor", "lr": "0.1,0.2"}), data)
    grid = plan.cells(spec, data)
    run, size, checkpoints, layers = open_run(Path(sys.argv[1]), spec.toml(), "a" * 64), 1000, 11, 10
    solved = draw.random(size) < 0.5
    columns = {
        "ended": np.where(solved, "solved", "steps"),
        "solved": solved,
        "end_step": np.full(size, 9),
        "first_step": np.where(solved, 5, -1),
        **{f"{part}_{kind}": draw.random(size) for part in ("train", "validation") for kind in ("loss", "score")},
        "gradient_rms": draw.random((size, checkpoints, layers), np.float32),
        "dead": draw.random((size, checkpoints, layers), np.float32),
    }
    with run.lock():
        for i in range(int(sys.argv[2])):
            cell, trial = np.full(size, i % 2, np.int32), np.arange(size, dtype=np.int32) + i // 2 * size
            run.write("trials", f"b{i:07d}", trials_table({"cell": cell, "trial": trial, **columns}))

    def conclusion():
        table = summarize(grid, (part for _, part in run.tables("trials", COLUMNS)))
        return table, conclude(table, run.read("trials", CONCLUDED), ["lr"])

    before = peak()
    table, sentence = conclusion()
    assert table["n"].sum() == size * int(sys.argv[2])
    assert "cannot be told apart" in sentence, sentence
    print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_memory_hardly_grows_with_the_trials(tmp_path: Path):
    """Histories are left behind part by part: a trial of 11 checkpoints of 10 layers has 880 bytes of those two read.

    Between a run and one of three times its trials, so that what is taken once, such as modules, is in neither.
    """
    small, large = 30, 90
    peaks = []
    for parts in (small, large):
        process = child(MEMORY, tmp_path / str(parts), parts)
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0
        peaks.append(int(said))
    assert (peaks[1] - peaks[0]) / ((large - small) * 1000) < 500
