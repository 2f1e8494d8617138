"""A quantity of every layer, from the first to the output layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from trainability.report.gather import quantiles
from trainability.report.style import MARKERS, SERIES, drawing, grid_lines, legend_above, new_figure, power_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def layers(
    panels: Mapping[str, Mapping[str, np.ndarray]],
    x_label: str,
    y_label: str,
    *,
    log: bool = True,
    floor: float = 1e-30,
    lines: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    line_label: str = "",
    columns: int = 3,
) -> Figure:
    """A panel for each title and in it a line for each label: the median over trials, with the band of quartiles.

    Args:
        panels: title to label to values, shape (trials, layers).
        lines: title to label to what theory says, shape (layers,), drawn dashed in the label's colour.
        line_label: what the dashed lines are.
    """
    from matplotlib.lines import Line2D
    from matplotlib.ticker import MaxNLocator

    labels = list(dict.fromkeys(label for group in panels.values() for label in group))
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    with drawing():
        figure = new_figure(0.6 + 2.6 * rows)
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
        for axes, (title, group) in zip(grid.flat, panels.items(), strict=False):
            axes.set_title(title, loc="left")
            grid_lines(axes)
            for label, values in group.items():
                i = labels.index(label)
                x = np.arange(1, values.shape[1] + 1)
                low, middle, high = quantiles(np.where(np.isfinite(values), values, np.nan), (0.25, 0.5, 0.75))
                if log:
                    low, middle, high = (np.maximum(v, floor) for v in (low, middle, high))
                colour = SERIES[i % len(SERIES)]
                axes.fill_between(x, low, high, color=colour, alpha=0.25, linewidth=0)
                axes.plot(x, middle, color=colour, marker=MARKERS[i % len(MARKERS)], markersize=3.5)
                said = (lines or {}).get(title, {}).get(label)
                if said is not None:
                    axes.plot(x, said, color=colour, linestyle=(0, (4, 2)), linewidth=1.1)
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        if log:
            grid[0, 0].set_yscale("log")
            for axes in grid.flat[: len(panels)]:
                power_ticks(axes.yaxis)
        figure.supxlabel(x_label, fontsize=9)
        figure.supylabel(y_label, fontsize=9)
        handles = [
            Line2D([], [], color=SERIES[i % len(SERIES)], marker=MARKERS[i % len(MARKERS)], markersize=4)
            for i in range(len(labels))
        ]
        if lines and line_label:
            handles.append(Line2D([], [], color="0.45", linestyle=(0, (4, 2))))
            labels = [*labels, line_label]
        legend_above(figure, handles, labels)
    return figure
