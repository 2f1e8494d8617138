"""Gains of treatments: a dot for each sample, the median and its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from trainability.lab.text import same
from trainability.lab.verdicts import median
from trainability.report.style import INK, SERIES, drawing, grid_lines, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def gains(rows: Mapping[str, np.ndarray], x_label: str, scale: float = 100.0) -> Figure:
    """A line for each name, top to bottom: every gain as a grey dot, their median with its 95 % interval."""
    with drawing():
        figure = new_figure(0.9 + 0.3 * len(rows))
        axes = figure.subplots()
        grid_lines(axes)
        axes.axvline(0, color=INK, linewidth=0.8)
        for place, values in enumerate(rows.values()):
            found = median(values, same(""), above=0.0)
            axes.plot(scale * values, np.full(len(values), place), "o", color=SERIES[4], markersize=3.5, zorder=4)
            if found.interval is not None and np.isfinite(found.interval).all():
                low, high = found.interval
                axes.plot([scale * low, scale * high], [place, place], color=SERIES[0], linewidth=7, alpha=0.35)
            axes.plot(scale * found.value, place, "D", color=SERIES[0], markersize=6.5, zorder=5)
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(x_label)
    return figure
