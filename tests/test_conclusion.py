"""The conclusion: what may be said of a run, and what chance alone would say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.made_runs import run
from trainability.core.statistics import wilson
from trainability.report import conclude
from trainability.report.conclusion import COLUMNS, _cochran
from trainability.report.result import Result
from trainability.sweep.spec import Spec


def outcomes(shares: dict[str, list[bool]], steps: dict[str, list[int]] | None = None) -> tuple:
    """Cells and trials with exactly these outcomes, named by an activation each."""
    cells, trials = [], []
    for cell, (name, solved) in enumerate(shares.items()):
        low, high = wilson(sum(solved), len(solved))
        taken = (steps or {}).get(name, [100] * len(solved))
        cells.append(
            {
                "cell": cell,
                "activation": name,
                "n": len(solved),
                "solved": float(np.mean(solved)),
                "solved_low": float(low),
                "solved_high": float(high),
                "median_steps": float(np.median(taken)) if any(solved) else None,
                "accuracy": 1.0,
                "final_loss": 0.1,
                "nan": 0.0,
            }
        )
        trials += [
            {"cell": cell, "trial": t, "solved": s, "first_step": k if s else None, "end_step": 999}
            for t, (s, k) in enumerate(zip(solved, taken, strict=True))
        ]
    return pl.DataFrame(cells), pl.DataFrame(trials), ("activation",)


def share(k: int, n: int = 100) -> list[bool]:
    return [i < k for i in range(n)]


def test_a_clear_winner_is_named_with_its_interval():
    text = conclude(*outcomes({"relu": share(40), "tanh": share(99), "sigmoid": share(0)}))
    assert text == (
        "tanh learns best and solves 99 % (94.6 to 99.8 %); relu solves 40 % (31 to 50 %); "
        "sigmoid solves none (0 to 3.7 %)."
    )


def test_cells_that_cannot_be_told_from_the_best_are_counted():
    text = conclude(*outcomes({"relu": share(99), "tanh": share(100), "gelu": share(98), "step": share(0)}))
    assert text.startswith("tanh and 2 others solve every trial or cannot be told from that (95 % interval")
    assert "step solves none" in text


def test_pairs_decide_and_not_the_shares_alone():
    """The same two shares: nested failures can be told apart, scattered ones cannot."""
    nested = conclude(*outcomes({"tanh": share(60), "relu": share(50)}))
    draw = np.random.default_rng(0)
    shuffled = list(draw.permutation(share(50)))
    scattered = conclude(*outcomes({"tanh": share(60), "relu": [bool(s) for s in shuffled]}))
    assert "learns best" in nested
    assert "cannot be told apart" in scattered


def test_chance_does_not_name_a_loser():
    """Of sixty equal cells some lie far below the best by chance; hardly ever is one called worse.

    Without Cochran's test first, about a third of such runs name one.
    """
    draw = np.random.default_rng(5)
    wrong = 0
    for _ in range(40):
        same = {f"a{k}": [bool(s) for s in draw.random(60) < 0.5] for k in range(60)}
        wrong += "does not show that the choice matters" not in conclude(*outcomes(same))
    assert wrong <= 6  # 2 are expected at 5 %


def test_one_bad_cell_does_not_make_its_equal_neighbours_worse():
    """Thirty equal cells and a broken one: Holm pays for the many comparisons with the best."""
    draw = np.random.default_rng(7)
    blamed = 0
    for _ in range(20):
        cells = {f"a{k}": [bool(s) for s in draw.random(100) < 0.5] for k in range(30)} | {"broken": share(0)}
        text = conclude(*outcomes(cells))
        assert "broken solves none" in text
        blamed += "29 others cannot be told" not in text
    assert blamed <= 10


def test_nothing_solved_crowns_nobody():
    text = conclude(*outcomes({"relu": share(0), "tanh": share(0)}))
    assert text.startswith("None of the 2 cells solved a single trial (each 0 to 3.7 %")
    assert "tanh" not in text
    assert "relu" not in text


def test_all_solved_is_a_tie_that_speed_may_break():
    draw = np.random.default_rng(1)
    slow = [int(k) for k in draw.integers(150, 200, 100)]
    fast = [int(k) for k in draw.integers(90, 130, 100)]
    cells = {"relu": share(100), "tanh": share(100)}
    text = conclude(*outcomes(cells, {"relu": slow, "tanh": fast}))
    assert "they tie" in text
    assert "tanh is fastest" in text
    text = conclude(*outcomes(cells, {"relu": fast, "tanh": list(draw.permutation(fast))}))
    assert "none can be told from the fastest" in text


def test_chance_does_not_name_a_slower_one():
    """Without Friedman's test first, about one in five such runs names one."""
    draw = np.random.default_rng(6)
    names = [f"a{k}" for k in range(40)]
    solved = {name: share(100) for name in names}
    wrong = 0
    for _ in range(40):
        steps = {name: [int(k) for k in draw.integers(90, 300, 100)] for name in names}
        wrong += "none can be told from the fastest" not in conclude(*outcomes(solved, steps))
    assert wrong <= 5  # 2 are expected at 5 %
    assert "none can be told" in conclude(*outcomes(solved))


def test_few_trials_are_said_to_be_few():
    text = conclude(*outcomes({"relu": share(0, 4), "tanh": share(4, 4)}))
    assert "cannot be told apart" in text
    assert "4 trials a cell are few: take 30 or more" in text
    assert "few" not in conclude(*outcomes({"relu": share(0, 40), "tanh": share(40, 40)}))


def test_a_single_cell_is_reported_by_itself():
    assert run("one").conclusion.startswith("The network solves 78 % (66 to 87 %) over 60 trials")


def test_no_cells_and_no_trials_are_no_conclusion():
    cells, trials, axes = outcomes({"relu": share(3)})
    assert conclude(cells.clear(), trials, axes) == "No cell has been run, so nothing can be said."
    nothing = cells.with_columns(pl.lit(None).cast(pl.Float64).alias("solved"))
    assert conclude(nothing, trials.clear(), axes) == "No trial has ended, so nothing can be said."


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_cochran_of_two_cells_is_mcnemar_without_correction(pairs):
    from scipy.stats import chi2

    cells, trials, _ = outcomes({"a": [p[0] for p in pairs], "b": [p[1] for p in pairs]})
    b, c = sum(x and not y for x, y in pairs), sum(y and not x for x, y in pairs)
    expected = float(chi2.sf((b - c) ** 2 / (b + c), 1)) if b + c else 1.0
    assert _cochran(cells.rows(named=True), trials) == pytest.approx(expected)


def test_a_trial_that_a_cell_lacks_is_left_out_of_every_pair():
    """As in a run that was stopped: told from the same run without that trial in any cell, rows in another order."""
    draw = np.random.default_rng(3)
    cells, trials, _ = outcomes({name: [bool(s) for s in draw.random(50) < 0.6] for name in "abc"})
    lacks = trials.filter(~((pl.col("cell") == 1) & (pl.col("trial") == 7)))
    order = cells.rows(named=True)
    assert _cochran(order, lacks.sample(fraction=1, shuffle=True, seed=0)) == _cochran(
        order, trials.filter(pl.col("trial") != 7)
    )
    assert _cochran(order, lacks) != _cochran(order, trials)


@pytest.mark.parametrize(("name", "needs"), [("xor", [("trials", COLUMNS)]), ("one", [])])
def test_a_result_reads_only_what_its_conclusion_needs(name: str, needs: list):
    record, asked = run(name), []

    def load(kind, columns=None, first=None):
        assert first is None
        asked.append((kind, columns))
        return record.trials.select(columns)

    levels = {axis: tuple(record.cells[axis].unique(maintain_order=True)) for axis in record.axes}
    result = Result(spec=Spec(problem="xor", **levels), dataset=record.dataset,
                    table=record.cells, engine="reference", net_steps_per_second=None, compile_seconds=0.0,
                    seconds=0.0, directory=Path(), load=load)  # fmt: skip
    assert result.conclusion == record.conclusion
    assert asked == needs
