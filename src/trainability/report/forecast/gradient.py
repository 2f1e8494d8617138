"""Predicted and measured gradients over the layers."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.report.forecast.forecast import Forecast, Row
from trainability.report.style import (
    INK,
    MARKERS,
    SERIES,
    WIDTH,
    Picture,
    decades,
    drawing,
    grid_lines,
    legend_above,
    new_figure,
    power_ticks,
)
from trainability.report.words import cell_title

MOST: Final = 12
_FLOOR: Final = 1e-16
_QUARTILE: Final = 0.6744897501960817
"""Half of a normal distribution lies within so many deviations."""


def picture(forecast: Forecast) -> Picture:
    """A panel for each row; of more than `MOST`, the deepest ones. One logarithmic axis for all."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    rows = _chosen(forecast)
    across = min(len(rows), 3 if len(rows) in (5, 6, 9) else 4)
    down = -(-len(rows) // across)
    with drawing():
        figure = new_figure(1.0 + 1.75 * down + (0.6 if down == 1 else 0), {1: 0.62, 2: 0.85}.get(across, 1.0) * WIDTH)
        grid = figure.subplots(down, across, squeeze=False, sharey=True)
        values = np.concatenate([_draw(grid.flat[i], row) for i, row in enumerate(rows)])
        low, high = decades(max(values.min(), _FLOOR), max(values.max(), 10 * _FLOOR))
        for i, axes in enumerate(grid.flat):
            if i >= len(rows):
                axes.set_axis_off()
                continue
            axes.set_yscale("log")
            axes.set_ylim(low, high)
            axes.set_title(cell_title(rows[i].levels, forecast.axes) or "the network", fontsize=8.5)
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            power_ticks(axes.yaxis)
            grid_lines(axes)
        figure.supxlabel("layer (the last is the output)", fontsize=9)
        figure.supylabel("gradient over the output layer's", fontsize=9)
        handles = [
            Line2D([], [], color=INK, linestyle="--", linewidth=1),
            (Line2D([], [], color=SERIES[0]), Patch(color=SERIES[0], alpha=0.2, linewidth=0)),
        ]
        labels = ["predicted, wide layers", "predicted, median network of this width, and half of them"]
        if any(row.measured and row.measured.median for row in rows):
            handles.append(Line2D([], [], color=SERIES[1], marker=MARKERS[0], markersize=4, linestyle=""))
            labels.append("measured (median, quartiles)")
        legend_above(figure, handles, labels)
    caption = (
        "Root mean square gradient of each layer's weights over the output layer's, before training. A line that falls "
        "towards layer 1 is a vanishing gradient: the layers on its low end do not learn."
    )
    if len(rows) < len(forecast):
        caption += f" Shown are {len(rows)} of {len(forecast):,} choices, the deepest ones."
    if values.min() < _FLOOR:
        caption += " What lies below 1e-16 is out of sight."
    return Picture(figure, caption, "Predicted and measured gradients over the layers for each choice.")


def _chosen(forecast: Forecast) -> list[Row]:
    rows = list(forecast)
    if len(rows) > MOST:
        deepest = max(row.prediction.depth for row in rows)
        rows = [row for row in rows if row.prediction.depth == deepest]
    return [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, MOST).round().astype(int))]


def _draw(axes: object, row: Row) -> np.ndarray:
    """One panel; returns the positive values that its lines have."""
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    said, found = row.prediction, row.measured
    layers = np.arange(1, len(said.gradient) + 1)
    wide, median = np.array(said.gradient), np.array(said.gradient_median)
    with np.errstate(all="ignore"):
        reach = np.exp(_QUARTILE * np.array(said.gradient_log_deviation))
        low, high = median / reach, median * reach
    axes.fill_between(layers, _shown(low), _shown(high), color=SERIES[0], alpha=0.2, linewidth=0)
    axes.plot(layers, _shown(median), color=SERIES[0])
    axes.plot(layers, _shown(wide), color=INK, linestyle="--", linewidth=1)
    drawn = [wide, median, low]
    if found and found.median:
        middle, below, above = (np.array(v) for v in (found.median, found.low, found.high))
        axes.vlines(layers, _shown(below, _FLOOR / 1e3), _shown(above), color=SERIES[1], linewidth=1)
        axes.plot(layers, _shown(middle), color=SERIES[1], marker=MARKERS[0], markersize=3.6, linestyle="")
        drawn += [middle, below, above]
    axes.set_xlim(0.6, layers[-1] + 0.4)
    if not any((values[:-1] > 0).any() for values in drawn):
        axes.text(0.5, 0.5, "no gradient reaches\na hidden layer", transform=axes.transAxes, ha="center", va="center")
    values = np.concatenate(drawn)
    return values[np.isfinite(values) & (values > 0)]


def _shown(values: np.ndarray, nothing: float = np.nan) -> np.ndarray:
    """`values` on a logarithmic axis, where 0 has no place."""
    return np.where(np.isfinite(values) & (values > 0), values, nothing)
