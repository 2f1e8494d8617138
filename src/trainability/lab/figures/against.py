"""A quantity against a number: a line for each label, with the band of its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainability.report.style import MARKERS, SERIES, drawing, grid_lines, legend_above, new_figure, power_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Line:
    """One line; all arrays of shape (points,). A value that is not finite is not drawn."""

    label: str
    x: np.ndarray
    middle: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Panel:
    """A panel: its lines, what its axes say, and whether they are logarithmic."""

    lines: Sequence[Line]
    x_label: str
    y_label: str
    x_log: bool = False
    y_log: bool = False


def against(panels: Mapping[str, Panel], columns: int = 3, height: float = 2.7) -> Figure:
    """A panel for each title; lines of one label share colour and mark over all panels."""
    from matplotlib.lines import Line2D

    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    labels = list(dict.fromkeys(line.label for panel in panels.values() for line in panel.lines))
    with drawing():
        figure = new_figure(0.5 + height * rows)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, (title, panel) in zip(grid.flat, panels.items(), strict=False):
            axes.set_title(title, loc="left")
            grid_lines(axes)
            for line in panel.lines:
                i = labels.index(line.label)
                colour = SERIES[i % len(SERIES)]
                middle, low, high = (np.where(np.isfinite(v), v, np.nan) for v in (line.middle, line.low, line.high))
                axes.fill_between(line.x, low, high, color=colour, alpha=0.22, linewidth=0)
                axes.plot(line.x, middle, color=colour, marker=MARKERS[i % len(MARKERS)], markersize=4)
            for axis, scale, log in (
                (axes.xaxis, axes.set_xscale, panel.x_log),
                (axes.yaxis, axes.set_yscale, panel.y_log),
            ):
                if log:
                    scale("log")
                    power_ticks(axis)
            axes.set_xlabel(panel.x_label)
            axes.set_ylabel(panel.y_label)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        handles = [
            Line2D([], [], color=SERIES[i % len(SERIES)], marker=MARKERS[i % len(MARKERS)], markersize=4)
            for i in range(len(labels))
        ]
        legend_above(figure, handles, labels)
    return figure
