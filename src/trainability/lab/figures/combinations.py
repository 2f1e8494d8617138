"""A factorial experiment: every combination's result, and what each change earned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from trainability.lab.factorial import Factorial, mean_interval
from trainability.report.style import INK, SERIES, drawing, grid_lines, ink_on, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def combinations(result: Factorial, labels: Mapping[str, str], y_label: str) -> Figure:
    """All combinations from the worst to the best: mean and interval in per cent, and below it which changes it has."""
    chosen = sorted(result.combinations(), key=lambda changes: result.at(*changes).mean())
    middle, low, high = (100 * v for v in mean_interval([result.at(*changes) for changes in chosen]))
    x = np.arange(len(chosen))
    with drawing():
        figure = new_figure(4.6)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 1])
        grid_lines(above)
        above.vlines(x, low, high, color=SERIES[0], linewidth=2.4, alpha=0.5)
        above.plot(x, middle, "o", color=SERIES[0], markersize=5)
        above.set_ylabel(y_label)
        for row, name in enumerate(result.names):
            made = np.array([name in changes for changes in chosen])
            below.plot(x[~made], np.full((~made).sum(), row), "o", color=INK, alpha=0.13, markersize=6)
            below.plot(x[made], np.full(made.sum(), row), "o", color=SERIES[1], markersize=7)
        below.set_yticks(range(len(result.names)), [labels[name] for name in result.names])
        below.set_ylim(len(result.names) - 0.5, -0.5)
        below.set_xticks([])
        for side in ("left", "bottom"):
            below.spines[side].set_visible(False)
        below.tick_params(length=0)
    return figure


def effects(
    result: Factorial, labels: Mapping[str, str], kinds: tuple[str, str], title: str, gain_label: str
) -> Figure:
    """Left, what each change earns on average and alone; right, how much more the row earns where the column is made.

    Args:
        kinds: what the average gain and the gain alone are called.
        title: of the right panel.
        gain_label: of the axis of gains, in points of per cent.
    """
    from matplotlib.lines import Line2D

    names = result.names
    rows = {0: [result.main_effect(name) for name in names], 1: [result.gain(name) for name in names]}
    table = np.array([[np.nan if a == b else 100 * result.interaction(a, b).mean() for b in names] for a in names])
    most = float(np.nanmax(np.abs(table))) or 1.0
    with drawing():
        figure = new_figure(3.2)
        left, right = figure.subplots(1, 2, width_ratios=[1.1, 1])
        grid_lines(left)
        left.axvline(0, color=INK, linewidth=0.8)
        for kind, samples in rows.items():
            middle, low, high = (100 * v for v in mean_interval(samples))
            y = np.arange(len(names)) + (0.16 if kind else -0.16)
            left.hlines(y, low, high, color=SERIES[kind], linewidth=2.4, alpha=0.5)
            left.plot(middle, y, "s" if kind else "o", color=SERIES[kind], markersize=5)
        left.set_yticks(range(len(names)), [labels[name] for name in names])
        left.set_ylim(len(names) - 0.5, -0.5)
        left.set_xlabel(gain_label)
        handles = [Line2D([], [], color=SERIES[kind], marker="os"[kind], markersize=5) for kind in rows]
        left.legend(handles, kinds, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
        image = right.imshow(table, cmap="RdBu", vmin=-most, vmax=most, aspect="auto")
        for i, j in np.ndindex(table.shape):
            if np.isfinite(table[i, j]):
                colour = ink_on(image.cmap(image.norm(table[i, j])))
                said = f"{table[i, j]:+.0f}".replace("-", "−")
                right.text(j, i, said, ha="center", va="center", fontsize=8, color=colour)
        right.set_xticks(range(len(names)), [labels[name] for name in names], rotation=28, ha="right", fontsize=7.5)
        right.set_yticks(range(len(names)), [labels[name] for name in names], fontsize=7.5)
        right.set_title(title, loc="left")
        right.tick_params(length=0)
    return figure
