"""What a run shows, in one or two sentences that claim no more than the trials carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from trainability.core.statistics import holm, mcnemar
from trainability.report.words import (
    cell_name,
    interval,
    missing,
    number,
    p_value,
    percent,
    ranked,
    starts_sentence,
)

if TYPE_CHECKING:
    import polars as pl

LEVEL: Final = 0.05
COLUMNS: Final = ("cell", "trial", "solved", "end_step", "first_step")
"""The columns of the trials table that a conclusion reads."""

# With fewer trials the interval of a share near one half is wider than a third of the scale.
_FEW: Final = 30

Cell = Mapping[str, Any]


def conclude(cells: pl.DataFrame, trials: pl.DataFrame, axes: Sequence[str]) -> str:
    """Name the best cell, those that cannot be told from it, and the worst.

    Where Cochran's test finds any difference, cells are compared pairwise with the best by McNemar's exact
    test, over the trials that they share (the same trial number has the same seed in every cell). If all
    cells solve everything, Friedman's and Wilcoxon's signed-rank tests do the same for the steps. Pairs are
    corrected with Holm's method; all is read at 5 %.

    Args:
        cells: a row per cell, as in `RunRecord.cells`.
        trials: a row per trial with `COLUMNS`.
        axes: the axes that vary.
    """
    order: list[Cell] = [*ranked(cells).iter_rows(named=True)]
    if not order:
        return "No cell has been run, so nothing can be said."
    known = [c for c in order if not missing(c["solved"])]
    if not known:
        return "No trial has ended, so nothing can be said."
    few = _few(known)
    if len(known) == 1:
        return _alone(known[0], axes) + few
    if all(c["solved"] == 0 for c in known):
        return _none(known) + few
    if all(c["solved"] == 1 for c in known):
        return _all(known, trials, axes) + few
    return _ordered(known, trials, axes) + few


def tied(order: Sequence[Cell], trials: pl.DataFrame) -> list[bool]:
    """For each cell after the first: whether its solved share cannot be told from the first one's.

    The first is the best of many, chosen on these same trials, and would beat some equals by luck: so
    Cochran's test over all cells must first find any difference at all.
    """
    if len(order) > 2 and _cochran(order, trials) > LEVEL:
        return [True] * (len(order) - 1)
    found = _outcomes(order, trials, "solved")
    return _same([_mcnemar(found[0], other) for other in found[1:]])


def _ordered(order: list[Cell], trials: pl.DataFrame, axes: Sequence[str]) -> str:
    best = order[0]
    same = tied(order, trials)
    others = sum(same)
    behind = [cell for cell, tie in zip(order[1:], same, strict=True) if not tie]
    name = starts_sentence(cell_name(best, axes), axes)
    if not behind:
        return _unclear(order, trials, axes)
    if not others:
        text = f"{name} learns best and {_solves(best)}"
    elif best["solved"] == 1:
        within = interval(best["solved_low"], best["solved_high"])
        text = f"{name} and {_others(others)} solve every trial or cannot be told from that (95 % interval {within})"
    else:
        text = f"{name} {_solves(best)}, and {_others(others)} cannot be told from it"
    worst = behind[-1]
    middle = _between(behind)
    if middle is not None:
        text += f"; {cell_name(middle, axes)} {_solves(middle)}"
    text += f"; {cell_name(worst, axes)} {_solves(worst)}"
    if not missing(worst["nan"]) and worst["nan"] > 0.5:
        text += f", as {percent(worst['nan'])} % of its trials became NaN"
    return text + "."


def _unclear(order: list[Cell], trials: pl.DataFrame, axes: Sequence[str]) -> str:
    """No cell can be told from the best one; all together they may still differ."""
    best, worst = order[0], order[-1]
    ends = (
        f"{starts_sentence(cell_name(best, axes), axes)} {_solves(best)} and {cell_name(worst, axes)} {_solves(worst)}"
    )
    p = _cochran(order, trials) if len(order) > 2 else 1.0
    if p <= LEVEL:
        return (
            f"{ends}: the choice matters (Cochran's test over all cells, {p_value(p)}), but these trials "
            "are too few to tell any one cell from the best."
        )
    rest = (
        "the two cannot be told apart"
        if len(order) == 2
        else (f"none of the {len(order):,} cells can be told from the best")
    )
    return f"{ends}, yet {rest}, so this run does not show that the choice matters."


def _between(behind: list[Cell]) -> Cell | None:
    """The cell behind the best whose share is nearest one half; None if it is as bad as the worst."""
    middle = min(behind, key=lambda c: abs(c["solved"] - 0.5))
    return middle if 0.1 <= middle["solved"] <= 0.9 and middle["solved"] > behind[-1]["solved"] else None


def _all(order: list[Cell], trials: pl.DataFrame, axes: Sequence[str]) -> str:
    best = order[0]
    low = percent(min(c["solved_low"] for c in order))
    count = f"{len(order):,}"
    lead = f"All {count} cells solve every trial, so they tie (each {low} to 100 % with 95 % confidence)"
    if missing(best["median_steps"]):
        return lead + "."
    column = "first_step" if "first_step" in trials.columns else "end_step"
    steps = _outcomes(order, trials, column)
    alike = len(order) > 2 and _friedman(steps) > LEVEL
    same = [True] * (len(order) - 1) if alike else _same([_wilcoxon(steps[0], other) for other in steps[1:]])
    speed = f"with a median of {number(best['median_steps'])} steps"
    slowest = order[-1]
    name = cell_name(best, axes)
    if not any(same):
        return (
            f"{lead}; {name} is fastest {speed}, {cell_name(slowest, axes)} slowest with "
            f"{number(slowest['median_steps'])}."
        )
    if all(same):
        return f"{lead}, and none can be told from the fastest, {name} {speed}."
    return (
        f"{lead}; {name} is fastest {speed}, but {_cells(sum(same))} cannot be told from it; "
        f"{cell_name(slowest, axes)} is slowest with {number(slowest['median_steps'])}."
    )


def _none(order: list[Cell]) -> str:
    high = percent(max(c["solved_high"] for c in order))
    text = (
        f"None of the {len(order):,} cells solved a single trial (each 0 to {high} % with 95 % "
        f"confidence), so "
        "this run names no winner: give it more steps, another learning rate or a target within reach."
    )
    broken = sum(1 for c in order if not missing(c["nan"]) and c["nan"] > 0.5)
    if broken:
        text += f" In {_cells(broken)} most trials became NaN, which a smaller learning rate often mends."
    return text


def _alone(cell: Cell, axes: Sequence[str]) -> str:
    name = starts_sentence(cell_name(cell, axes), axes)
    text = f"{name} {_solves(cell)} over {cell['n']:,} trial{'s' * (cell['n'] != 1)}"
    if cell["solved"] and not missing(cell["median_steps"]):
        text += f", with a median of {number(cell['median_steps'])} steps"
    if not missing(cell["nan"]) and cell["nan"] > 0:
        text += f"; {percent(cell['nan'])} % became NaN"
    return text + "."


def _few(order: Sequence[Cell]) -> str:
    least = min(c["n"] for c in order)
    if least >= _FEW:
        return ""
    each = "One trial" if least == 1 else f"{least} trials"
    return f" {each} a cell {'is' if least == 1 else 'are'} few: take {_FEW} or more before relying on this."


def _solves(cell: Cell) -> str:
    """What a cell does, with its interval: ``solves 49 % (43 to 55 %)``."""
    within = f"({interval(cell['solved_low'], cell['solved_high'])})"
    if cell["solved"] == 0:
        return f"solves none {within}"
    if cell["solved"] == 1:
        return f"solves every trial {within}"
    return f"solves {percent(cell['solved'])} % {within}"


def _others(count: int) -> str:
    return "one other" if count == 1 else f"{count:,} others"


def _cells(count: int) -> str:
    return "one cell" if count == 1 else f"{count:,} cells"


def _outcomes(order: Sequence[Cell], trials: pl.DataFrame, name: str) -> np.ndarray:
    """Each trial's value by its number, shape (cells, trials); NaN where there is none."""
    places = {cell["cell"]: i for i, cell in enumerate(order)}
    rows = trials.filter(trials["cell"].is_in(list(places)))
    cell, trial, value = (rows[column].to_numpy() for column in ("cell", "trial", name))
    found = np.full((len(order), trial.max(initial=-1) + 1), np.nan)
    indices, inverse = np.unique(cell, return_inverse=True)
    found[np.array([places[i] for i in indices], int)[inverse], trial] = value
    return found


def _pairs(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    both = ~np.isnan(a) & ~np.isnan(b)
    return a[both], b[both]


def _mcnemar(a: np.ndarray, b: np.ndarray) -> float:
    x, y = _pairs(a, b)
    return mcnemar(x.astype(bool), y.astype(bool))


def _wilcoxon(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import wilcoxon

    x, y = _pairs(a, b)
    differ = x - y if len(x) else np.zeros(0)
    # Without a difference there is nothing to rank.
    return float(np.asarray(wilcoxon(differ, method="asymptotic"))[1]) if np.any(differ) else 1.0


def _cochran(order: Sequence[Cell], trials: pl.DataFrame) -> float:
    """Cochran's Q test that all cells solve alike, over the trial numbers that every cell has.

    Reference: Cochran (1950), Biometrika 37:256-266.
    """
    from scipy.stats import chi2

    solved = _shared(_outcomes(order, trials, "solved"))
    k, by_cell, by_trial = len(solved), solved.sum(axis=1), solved.sum(axis=0)
    below = (by_trial * (k - by_trial)).sum()
    if below == 0:
        return 1.0
    return float(chi2.sf(k * (k - 1) * ((by_cell - by_cell.mean()) ** 2).sum() / below, k - 1))


def _shared(found: np.ndarray) -> np.ndarray:
    """The trials for which every cell has a value."""
    return found[:, ~np.isnan(found).any(axis=0)]


def _friedman(steps: np.ndarray) -> float:
    """Friedman's test that three or more cells take alike many steps, over the trials that every cell has."""
    from scipy.stats import friedmanchisquare

    table = _shared(steps)
    # Where every trial ties, or there is none, there is nothing to rank.
    if not table.size or not np.ptp(table, axis=0).any():
        return 1.0
    return float(np.asarray(friedmanchisquare(*table))[1])


def _same(p: list[float]) -> list[bool]:
    return [bool(adjusted > LEVEL) for adjusted in holm(np.array(p))]
