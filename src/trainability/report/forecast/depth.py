"""The depth that trains: the predicted band, and the solved share that was measured at each depth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from trainability.report.forecast.forecast import Forecast, Row
from trainability.report.style import INK, SERIES, SHARES, Picture, drawing, ink_on, new_figure, power_ticks
from trainability.report.words import cell_title, whole_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST: Final = 24
_BAR: Final = 0.34


def picture(forecast: Forecast) -> Picture | None:
    """A line for each combination of the other axes, depth to the right; None where theory gives no band at all."""
    import matplotlib
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    lines = _lines(forecast)
    axes_named = tuple(axis for axis in forecast.axes if axis != "depth")
    if not lines:
        return None
    shown = lines[:_MOST]
    deepest = max(row.prediction.depth for rows in shown for row in rows)
    edges = [r.prediction.band.high for rows in shown for r in rows if r.prediction.band]
    reach = max([1.6 * deepest, 10, *(1.3 * edge for edge in edges if math.isfinite(edge) and edge < 40 * deepest)])
    measured = any(row.measured and row.measured.solved is not None for rows in shown for row in rows)
    with drawing():
        titles = [cell_title(rows[0].levels, axes_named, 60) or "the network" for rows in shown]
        figure = new_figure(1.3 + 0.42 * len(shown), 8.6)
        axes = figure.subplots()
        colours = matplotlib.colormaps[SHARES]
        for i, rows in enumerate(shown):
            _band(axes, i, rows[0], reach)
            for row in rows:
                share = row.measured.solved if row.measured else None
                colour = (1.0, 1.0, 1.0, 1.0) if share is None else colours(float(share))
                size = 30 if share is None else 300
                axes.scatter(row.prediction.depth, i, s=size, color=[colour], edgecolor=INK, linewidth=0.7, zorder=3)
                if share is not None:
                    axes.text(row.prediction.depth, i, whole_percent(share), ha="center", va="center",
                              fontsize=7.5, color=ink_on(colour), zorder=4)  # fmt: skip
        axes.set_xscale("log")
        axes.set_xlim(0.8, reach)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_yticks(range(len(shown)), titles)
        axes.set_xlabel("hidden layers")
        axes.tick_params(axis="y", length=0)
        power_ticks(axes.xaxis)
        handles = [
            Patch(color=SERIES[2], alpha=0.45, linewidth=0), Patch(color=SERIES[2], alpha=0.18, linewidth=0),
            Line2D([], [], color=INK, marker="o", markerfacecolor="w", linestyle="", markersize=9 if measured else 5),
        ]  # fmt: skip
        labels = [
            "predicted to train",
            "training stops in here",
            "measured: solved, % of trials" if measured else "asked",
        ]
        figure.legend(handles, labels, loc="outside upper left", ncols=3, handlelength=1.8, columnspacing=1.6)
    from trainability.theory.trainable import SOURCE

    caption = f"Depth that trains: {SOURCE}. A bar that reaches the right edge has no limit there."
    if measured:
        caption += (
            " The numbers are what the engine found; whether a task is learned also hangs on what theory leaves out: "
            "the task, the width, the optimiser, the steps."
        )
    if len(lines) > len(shown):
        caption += f" {len(lines) - len(shown):,} further combinations are left out."
    return Picture(figure, caption, "Predicted band of trainable depth for each choice, with measured solved shares.")


def _lines(forecast: Forecast) -> list[list[Row]]:
    """Rows that differ in depth alone, where theory gives a band."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in forecast:
        if row.prediction.band is not None:
            key = tuple(row.levels[axis] for axis in forecast.axes if axis not in ("depth", "hidden"))
            groups.setdefault(key, []).append(row)
    return list(groups.values())


def _band(axes: Axes, place: int, row: Row, reach: float) -> None:
    band = row.prediction.band
    assert band is not None
    low, high = (min(max(edge, 0.8), reach) for edge in (band.low, band.high))
    for start, end, alpha in ((0.8, low, 0.45), (low, high, 0.18)):
        axes.barh(place, end - start, left=start, height=2 * _BAR, color=SERIES[2], alpha=alpha, linewidth=0)
