"""The loss of every single step, as training sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from trainability.report.style import SERIES, drawing, grid_lines, new_figure, power_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS = 3000
"""Most dots of a panel; more are thinned evenly."""


def steps(panels: Mapping[str, np.ndarray], x_label: str, y_label: str, window: int, columns: int = 3) -> Figure:
    """A panel for each title: dots for the losses of steps, shape (steps,), and their mean over `window` steps."""
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    with drawing():
        figure = new_figure(0.4 + 2.2 * rows)
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axes, (title, losses) in zip(grid.flat, panels.items(), strict=False):
            grid_lines(axes)
            axes.set_title(title, loc="left")
            x, losses = np.arange(1, len(losses) + 1), np.maximum(losses, 1e-7)
            every = -(-len(x) // DOTS)
            dots = {"alpha": 0.4, "markersize": 2.6, "markeredgewidth": 0, "rasterized": True}
            axes.plot(x[::every], losses[::every], ".", color=SERIES[0], **dots)
            sums = np.concatenate([[0.0], np.cumsum(losses, dtype=float)])
            width = min(window, len(x))
            mean = (sums[width:] - sums[:-width]) / width
            axes.plot(np.arange(width, len(x) + 1), mean, color=SERIES[1])
        grid[0, 0].set_yscale("log")
        for axes in grid.flat:
            power_ticks(axes.yaxis)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        figure.supxlabel(x_label, fontsize=9)
        figure.supylabel(y_label, fontsize=9)
    return figure
