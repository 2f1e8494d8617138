"""The gallery as a picture: a panel for each pair, depth to the right, a colour for each width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.gallery import Meeting
from trainability.report.style import INK, decades, drawing, grid_lines, legend_above, new_figure, power_ticks

_ACROSS = 4
_FLOOR = 1e-16


def draw(made: Sequence[Meeting], path: Path) -> None:
    """Write the picture: lines are predicted medians, points measured ones, hollow where they do not agree."""
    import matplotlib
    from matplotlib.lines import Line2D
    from matplotlib.ticker import FixedLocator, NullLocator

    pairs = list(dict.fromkeys((m.activation, m.init) for m in made))
    widths = sorted({m.width for m in made})
    depths = sorted({m.depth for m in made})
    colours = dict(zip(widths, matplotlib.colormaps["viridis"](np.linspace(0.0, 0.85, len(widths))), strict=True))
    down = -(-len(pairs) // _ACROSS)
    with drawing():
        figure = new_figure(0.9 + 1.75 * down, 10.0)
        grid = figure.subplots(down, _ACROSS, squeeze=False, sharex=True)
        for axes, pair in zip(grid.flat, pairs, strict=False):
            own = [m for m in made if (m.activation, m.init) == pair]
            for width in widths:
                _line(axes, [m for m in own if m.width == width], colours[width])
            axes.set(xscale="log", yscale="log", title=f"{pair[0]} · {pair[1]}")
            values = [v for m in own if m.comparable for v in (m.predicted, m.measured) if v > 0]
            axes.set_ylim(*decades(max(min(values), _FLOOR), max(values)))
            axes.xaxis.set_major_locator(FixedLocator(depths))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xticklabels([str(depth) for depth in depths])
            power_ticks(axes.yaxis)
            grid_lines(axes)
        figure.supxlabel("hidden layers", fontsize=9)
        figure.supylabel("first layer's gradient over the output layer's", fontsize=9)
        handles = [Line2D([], [], color=colours[width], linewidth=2.5) for width in widths]
        handles += [
            Line2D([], [], color=INK),
            Line2D([], [], color=INK, marker="o", markersize=4, linestyle=""),
            Line2D([], [], color=INK, marker="o", markersize=4.5, markerfacecolor="white", linestyle=""),
        ]
        names = [f"{width} wide" for width in widths] + ["predicted", "measured", "off by more than 25 %"]
        legend_above(figure, handles, names)
        figure.savefig(path, dpi=100)


def _line(axes: object, own: Sequence[Meeting], colour: np.ndarray) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    shown = [m for m in own if m.comparable]
    axes.plot([m.depth for m in shown], [m.predicted for m in shown], color=colour, linewidth=1.1)
    for m in shown:
        if m.measured > 0 and math.isfinite(m.measured):
            face = colour if m.agrees else "white"
            axes.plot(m.depth, m.measured, "o", color=colour, markerfacecolor=face, markersize=3.8)
