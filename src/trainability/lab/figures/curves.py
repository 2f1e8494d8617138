"""What changes over training: the median over seeds with its band, and the notes' single run drawn in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainability.lab.text import Lang, Text
from trainability.report.gather import quantiles
from trainability.report.style import SERIES, drawing, grid_lines, legend_above, new_figure, power_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEDIAN = Text("median, band 25–75 % of seeds", "중앙값과 25–75 % 구간")
SINGLE = Text("the notes' single run", "노트와 같은 단일 실행")


@dataclass(frozen=True)
class Curve:
    """One quantity over training, of many trials.

    Attributes:
        label: for the legend; curves of one label share a colour over all panels.
        x: steps or epochs, shape (points,).
        values: shape (trials, points); NaN after a trial's end.
        single: whether the first trial is drawn by itself, as the notes' run.
    """

    label: str
    x: np.ndarray
    values: np.ndarray
    single: bool = False


def curves(
    panels: Mapping[str, Sequence[Curve]],
    x_label: str,
    y_label: str,
    lang: Lang,
    *,
    y_scale: Literal["log", "linear"] = "log",
    x_scale: Literal["log", "linear"] = "log",
    floor: float = 1e-12,
    columns: int = 3,
) -> Figure:
    """A panel for each title, all on the same axes."""
    from matplotlib.lines import Line2D

    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    labels = list(dict.fromkeys(curve.label for group in panels.values() for curve in group))
    with drawing():
        figure = new_figure(0.6 + 2.5 * rows)
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes, (title, group) in zip(grid.flat, panels.items(), strict=False):
            axes.set_title(title, loc="left")
            grid_lines(axes)
            for curve in group:
                # Where two curves lie on each other, both are seen.
                width = 3.0 if len(labels) == 2 and curve.label == labels[0] else 1.5
                colour = SERIES[labels.index(curve.label) % len(SERIES)]
                low, middle, high = quantiles(curve.values, (0.25, 0.5, 0.75))
                if y_scale == "log":
                    low, middle, high = (np.maximum(v, floor) for v in (low, middle, high))
                axes.fill_between(curve.x, low, high, color=colour, alpha=0.25, linewidth=0)
                axes.plot(curve.x, middle, color=colour, linewidth=width)
                if curve.single:
                    one = np.maximum(curve.values[0], floor) if y_scale == "log" else curve.values[0]
                    axes.plot(curve.x, one, color=colour, linestyle=(0, (1, 1.5)), linewidth=1.2)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        for axes in grid.flat[max(0, len(panels) - columns) : len(panels)]:  # nothing lies below these
            axes.tick_params(labelbottom=True)
        first = grid[0, 0]
        if y_scale == "log":
            first.set_yscale("log")
        if x_scale == "log":
            first.set_xscale("symlog", linthresh=1, linscale=0.35)
            first.set_xlim(left=0)
        for axes in grid.flat[: len(panels)]:
            for axis, scale in ((axes.xaxis, x_scale), (axes.yaxis, y_scale)):
                if scale == "log":
                    power_ticks(axis)
        figure.supxlabel(x_label, fontsize=9)
        figure.supylabel(y_label, fontsize=9)
        handles = [Line2D([], [], color=SERIES[i % len(SERIES)]) for i in range(len(labels))]
        handles += [Line2D([], [], color="0.45")]
        names = [*labels, MEDIAN.to(lang)]
        if any(curve.single for group in panels.values() for curve in group):
            handles.append(Line2D([], [], linestyle=(0, (1, 1.5)), color="0.45"))
            names.append(SINGLE.to(lang))
        legend_above(figure, handles, names)
    return figure
