"""The size of the gradient in each layer, at the start and at the end."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.report.gather import history, quantiles, trials_of
from trainability.report.inputs import RunRecord
from trainability.report.panels import small_multiples
from trainability.report.style import (
    MARKERS,
    SERIES,
    Picture,
    decades,
    drawing,
    grid_lines,
    legend_above,
    power_ticks,
)

# The smallest normal float32 is near 1e-38: below this floor a gradient moves nothing.
_FLOOR: Final = 1e-12


def picture(record: RunRecord) -> Picture | None:
    """Small multiples of the root mean square gradient over the layers, on a logarithmic axis."""
    from matplotlib.lines import Line2D
    from matplotlib.ticker import MaxNLocator

    if "gradient_rms" not in record.trials.columns:
        return None
    with drawing():
        figure, panels, shown = small_multiples(record, "layer (the last is the output)", "gradient (RMS)")
        drawn: list[np.ndarray] = []
        deepest = 1
        for panel in panels:
            _, values = history(trials_of(record.trials, panel.cell["cell"]), "gradient_rms")
            grid_lines(panel.axes)
            if not np.isfinite(values).any():
                panel.axes.text(0.5, 0.5, "no finite gradient", transform=panel.axes.transAxes, ha="center")
                continue
            layers = np.arange(1, values.shape[2] + 1)
            deepest = max(deepest, layers[-1])
            for place, colour, marker in ((0, SERIES[0], MARKERS[0]), (-1, SERIES[1], MARKERS[1])):
                at = values[:, place]
                low, middle, high = np.maximum(quantiles(np.where(np.isinf(at), np.nan, at), (0.25, 0.5, 0.75)), _FLOOR)
                panel.axes.fill_between(layers, low, high, color=colour, alpha=0.25, linewidth=0)
                panel.axes.plot(layers, middle, marker=marker, markersize=3.2, color=colour)
                band = np.stack([low, middle, high])
                drawn.append(band[np.isfinite(band)])
        values = np.concatenate(drawn) if drawn else np.zeros(0)
        if not values.size:
            return None
        panels[0].axes.set_yscale("log")
        panels[0].axes.set_ylim(*decades(values.min(), values.max()))
        panels[0].axes.set_xlim(0.7, deepest + 0.3)
        for panel in panels:
            panel.axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            power_ticks(panel.axes.yaxis)
        handles = [Line2D([], [], color=SERIES[i], marker=MARKERS[i], markersize=4) for i in (0, 1)]
        legend_above(figure, handles, ["at the start (median, band 25–75 % of trials)", "at the end"])
    caption = (
        "Gradient of each layer's weights (root mean square): a level line trains every layer alike; a line "
        f"that falls towards layer 1 is a vanishing gradient, and the layers on its low end do not "
        f"learn.{shown}"
    )
    return Picture(figure, caption, "Gradient size over the layers for each cell, at the start and at the end.")
