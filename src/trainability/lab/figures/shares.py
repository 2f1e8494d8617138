"""Shares of networks, each with its Wilson interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from trainability.core.statistics import wilson
from trainability.report.style import MARKERS, SERIES, drawing, grid_lines, legend_above, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def shares(groups: Mapping[str, Mapping[str, np.ndarray]], x_label: str) -> Figure:
    """A line for each group, top to bottom, and on it a mark for each label: the share of true outcomes, 0 to 100 %.

    Args:
        groups: name to label to outcomes, bool of shape (trials,).
    """
    from matplotlib.lines import Line2D

    labels = list(dict.fromkeys(label for group in groups.values() for label in group))
    with drawing():
        figure = new_figure(0.9 + 0.16 * len(groups) * max(2, len(labels)) + 0.1 * len(groups))
        axes = figure.subplots()
        grid_lines(axes)
        for place, (_, group) in enumerate(groups.items()):
            for label, outcomes in group.items():
                i = labels.index(label)
                low, high = wilson(np.sum(outcomes), len(outcomes))
                y = place + 0.7 * ((i + 0.5) / len(labels) - 0.5)
                colour = SERIES[i % len(SERIES)]
                axes.plot([100 * float(low), 100 * float(high)], [y, y], color=colour, linewidth=2.2, alpha=0.55)
                axes.plot(100 * np.mean(outcomes), y, MARKERS[i % len(MARKERS)], color=colour, markersize=5)
        axes.set_yticks(range(len(groups)), list(groups))
        axes.set_ylim(len(groups) - 0.5, -0.5)
        axes.set_xlim(-2, 102)
        axes.set_xlabel(x_label)
        if len(labels) > 1:
            handles = [
                Line2D([], [], color=SERIES[i % len(SERIES)], marker=MARKERS[i % len(MARKERS)], markersize=5)
                for i in range(len(labels))
            ]
            legend_above(figure, handles, labels)
    return figure
