"""A treatment and its proof in words, as a figure, and as a part of the page."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np

from trainability.core.operation import Operation
from trainability.core.treatment import Treatment
from trainability.report.document import figure_section
from trainability.report.style import SERIES, Picture, drawing, grid_lines, new_figure
from trainability.report.words import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METRICS: Final = {"accuracy": "accuracy", "r2": "R²", "own": "the recipe's metric"}
NOTHING: Final = "doing nothing"
WIDTH: Final = 100


def named(operations: Sequence[Operation]) -> str:
    """The operations in a clause."""
    return "; ".join(map(str, operations)) or NOTHING


def conclusion(treatment: Treatment) -> str:
    """What was proved, in a sentence or two."""
    metric, seeds = METRICS[treatment.metric], len(treatment.seeds)
    if not treatment.operations:
        return f"Nothing beat doing nothing: of {len(treatment.tried) - 1} treatments none was better in the search."
    if treatment.verdict == "no-better":
        return (
            f"Nothing is proved to beat doing nothing. The best in the search, {named(treatment.operations)}, is not "
            f"surely better on {seeds} paired seeds that the search had not seen ({_effect(treatment)})."
        )
    verdict = "Cured" if treatment.verdict == "cured" else "Improved, not cured"
    before, after = (number(float(np.median(one))) for one in (treatment.untreated, treatment.treated))
    return (
        f"{verdict}: {named(treatment.operations)}. Median {metric} on held-out data {before} → {after} over {seeds} "
        f"paired seeds ({_effect(treatment)})."
    )


def _effect(treatment: Treatment) -> str:
    return f"effect {_difference(treatment.effect, treatment.interval)}"


def _difference(mean: float, interval: tuple[float, float]) -> str:
    return f"{mean:+.3g}, 95 % interval {interval[0]:+.3g} to {interval[1]:+.3g}"


def text(treatment: Treatment) -> str:
    """The proof for a terminal: what to change, each seed's score, random search, and what it cost."""
    lines = textwrap.wrap(conclusion(treatment), WIDTH)
    for one in treatment.ablation:
        lines.append(f"  - {one.operation} ({one.operation.safety}); without it {-one.loss:+.3g}")
    rows = {"untreated": treatment.untreated, "treated": treatment.treated, "random search": treatment.random_search}
    lines += ["", f"  {METRICS[treatment.metric]:<16}" + "".join(f"  seed {seed:<4}" for seed in treatment.seeds)]
    lines += [f"  {name:<16}" + "".join(f"  {number(value):<9}" for value in values) for name, values in rows.items()]
    lines += ["", *textwrap.wrap(_costs(treatment), WIDTH, initial_indent="  ", subsequent_indent="  ")]
    if treatment.diff or treatment.lines:
        lines += ["", "  What to change:", *(f"  {line}" for line in (*treatment.diff.splitlines(), *treatment.lines))]
    return "\n".join(lines)


def _costs(treatment: Treatment) -> str:
    over = _difference(treatment.over_random, treatment.over_random_interval)
    return (
        f"Random search of the same operations chose: {named(treatment.random_operations)}; treated − random {over}. "
        f"Cost in untreated trainings: search {treatment.cost:.0f}, leaving out {treatment.ablation_cost:.0f}, random "
        f"search {treatment.random_cost:.0f}, proof {treatment.proof_cost:.0f}."
    )


def figure(treatment: Treatment) -> Figure:
    """Every seed's score untreated, treated and by random search, pairs joined."""
    groups = {"untreated": treatment.untreated, "treated": treatment.treated, "random search": treatment.random_search}
    with drawing():
        made = new_figure(3.2)
        axes = made.subplots()
        grid_lines(axes)
        scores = np.array(list(groups.values()), float)
        aside = 0.04 * (np.arange(scores.shape[1]) - (scores.shape[1] - 1) / 2)  # so that equal scores are all seen
        for seed, shift in enumerate(aside):
            axes.plot(np.arange(3) + shift, scores[:, seed], color="#8a8f98", linewidth=0.7, alpha=0.7, zorder=1)
        for place, (values, colour) in enumerate(zip(scores, (SERIES[4], SERIES[2], SERIES[1]), strict=True)):
            axes.scatter(place + aside, values, color=colour, s=28, zorder=2)
            known = values[np.isfinite(values)]
            if known.size:
                axes.hlines(np.median(known), place - 0.14, place + 0.14, color=colour, linewidth=2.2, zorder=3)
        axes.set_xticks(range(3), list(groups))
        axes.set_xlim(-0.4, 2.4)
        axes.set_ylabel(f"{METRICS[treatment.metric]}, held out")
        axes.margins(y=0.12)
    return made


def section(treatment: Treatment) -> str:
    """The page's part: the proof in words, what each change is worth, the figure, and what was tried."""
    changes = "".join(
        f"<li>{escape(str(one.operation))} <span class=note>({escape(one.operation.safety)}; without it "
        f"{-one.loss:+.3g})</span></li>"
        for one in treatment.ablation
    )
    caption = (
        f"Each dot is one seed's {METRICS[treatment.metric]} on held-out data, seeds joined; the bars are medians. The "
        "search had not seen these seeds."
    )
    tried = "".join(
        f"<tr><td>{escape(named(one.operations))}</td><td>{one.seeds}</td><td>{number(one.score)}</td></tr>"
        for one in treatment.tried
    )
    head = f"<tr><th>change</th><th>seeds</th><th>mean {METRICS[treatment.metric]}</th></tr>"
    table = (
        "<details><summary>What the search tried</summary><div class=scroll><table>"
        f"<thead>{head}</thead><tbody>{tried}</tbody></table></div></details>"
    )
    change = "\n".join([*treatment.diff.splitlines(), *treatment.lines])
    patch = f"<p>What to change:</p>\n<pre>{escape(change)}</pre>\n" if change else ""
    words = f"<section><h2>Treatment</h2>\n<p>{escape(conclusion(treatment))}</p>\n<ul>{changes}</ul>"
    return f"{words}\n{patch}<p class=note>{escape(_costs(treatment))}</p>\n{table}</section>\n" + figure_section(
        "Proof", Picture(figure(treatment), caption, caption), "proof"
    )
