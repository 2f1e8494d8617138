"""Paths of optimisers over the contours of a loss surface of two weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from trainability.lab.surfaces import Surface
from trainability.report.style import ON_COLOUR, SERIES, drawing, legend_above, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LIGHT: Final = 0.45
"""The share of the greys that the ground takes."""


@dataclass(frozen=True)
class Walk:
    """A panel: the surface, the window (low x, high x, low y, high y), and label to paths (starts, steps + 1, 2)."""

    surface: Surface
    window: tuple[float, float, float, float]
    paths: Mapping[str, np.ndarray]


def walks(panels: Mapping[str, Walk], x_label: str, y_label: str, columns: int = 2) -> Figure:
    """A map for each title; a dot marks each path's start, a cross its end, a star the lowest point."""
    from matplotlib.lines import Line2D

    rows = -(-len(panels) // columns)
    labels = list(dict.fromkeys(label for walk in panels.values() for label in walk.paths))
    with drawing():
        figure = new_figure(0.5 + 2.9 * rows)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, (title, walk) in zip(grid.flat, panels.items(), strict=False):
            x, y = np.linspace(*walk.window[:2], 241), np.linspace(*walk.window[2:], 181)
            loss = walk.surface(np.stack(np.meshgrid(x, y), -1))
            lowest = np.unravel_index(loss.argmin(), loss.shape)
            # Even steps in the root show the ground as well as the walls.
            levels = loss.min() + np.linspace(0.03, 1, 22) ** 2 * (loss.max() - loss.min())
            # Only the light end of the greys, opaque: paths and contours are read on it whatever the page's ground.
            ground = {"cmap": "Greys_r", "vmin": loss.max() - np.ptp(loss) / _LIGHT, "vmax": loss.max()}
            axes.contourf(x, y, loss, levels=[loss.min(), *levels], **ground).set_rasterized(True)
            axes.contour(x, y, loss, levels=levels, colors=ON_COLOUR, linewidths=0.35, alpha=0.45).set_rasterized(True)
            for label, paths in walk.paths.items():
                colour = SERIES[labels.index(label) % len(SERIES)]
                for path in paths:
                    axes.plot(*path.T, color=colour, linewidth=1.1, alpha=0.9)
                    axes.plot(*path[0], "o", color=ON_COLOUR, markersize=3.5)
                    axes.plot(*path[-1], "X", color=colour, mec=ON_COLOUR, markeredgewidth=0.6, markersize=7)
            axes.plot(x[lowest[1]], y[lowest[0]], "*", color="white", mec=ON_COLOUR, markersize=11, zorder=5)
            axes.set_xlim(*walk.window[:2])
            axes.set_ylim(*walk.window[2:])
            axes.set_title(title, loc="left")
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        figure.supxlabel(x_label, fontsize=9)
        figure.supylabel(y_label, fontsize=9)
        legend_above(figure, [Line2D([], [], color=SERIES[i % len(SERIES)]) for i in range(len(labels))], labels)
    return figure
