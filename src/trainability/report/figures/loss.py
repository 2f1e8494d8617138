"""Loss against step, as bands of quantiles over the trials of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from trainability.report.gather import history, quantiles, trials_of
from trainability.report.inputs import RunRecord
from trainability.report.panels import small_multiples
from trainability.report.style import SERIES, Picture, decades, drawing, grid_lines, legend_above, power_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHARES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
# Far below what float32 training resolves; keeps an exact zero on a logarithmic axis.
_FLOOR: Final = 1e-9


def picture(record: RunRecord) -> Picture | None:
    """Small multiples of the training loss (and the median validation loss), both axes logarithmic."""
    with drawing():
        figure, panels, shown = small_multiples(record, "step", "loss")
        drawn: list[np.ndarray] = []
        held_out = False
        for panel in panels:
            rows = trials_of(record.trials, panel.cell["cell"])
            steps, values = history(rows, "history_train_loss")
            grid_lines(panel.axes)
            if not np.isfinite(values).any():
                panel.axes.text(0.5, 0.5, "no finite loss", transform=panel.axes.transAxes, ha="center", va="center")
                continue
            bands = quantiles(np.where(np.isfinite(values), values, np.inf), _SHARES)
            _bands(panel.axes, steps, bands)
            drawn.append(bands[np.isfinite(bands)])
            steps, values = history(rows, "history_validation_loss")
            if np.isfinite(values).any():
                held_out = True
                middle = quantiles(np.where(np.isfinite(values), values, np.inf), (0.5,))[0]
                drawn.append(middle[np.isfinite(middle)])
                panel.axes.plot(steps, _masked(middle), color=SERIES[1], linestyle=(0, (4, 2)))
        values = np.concatenate(drawn) if drawn else np.zeros(0)
        if not values.size:
            return None
        axes = panels[0].axes
        axes.set_yscale("log")
        low, high = max(values.min(), _FLOOR), max(values.max(), 2 * _FLOOR)
        axes.set_ylim(*decades(low, high))
        axes.set_xscale("symlog", linthresh=1, linscale=0.35)
        axes.set_xlim(left=0)
        for panel in panels:
            power_ticks(panel.axes.yaxis)
            power_ticks(panel.axes.xaxis)
        _legend(figure, held_out)
    infinite = (record.trials["ended"] == "nan").any()
    caption = (
        "Training loss against step: half of the trials run inside the strong band and nine of ten "
        "inside the "
        "faint one; a faint band far above the median means that some seeds never start to learn."
        + (" A trial that became NaN counts as infinitely bad from there on." if infinite else "")
        + shown
    )
    return Picture(figure, caption, "Loss against step for each cell, median and quantile bands, logarithmic axes.")


def _bands(axes: Axes, steps: np.ndarray, bands: np.ndarray) -> None:
    top = np.finfo(np.float32).max
    low, q1, _, q3, high = np.clip(bands, _FLOOR, top)
    axes.fill_between(steps, low, high, color=SERIES[0], alpha=0.2, linewidth=0)
    axes.fill_between(steps, q1, q3, color=SERIES[0], alpha=0.35, linewidth=0)
    axes.plot(steps, _masked(bands[2]), color=SERIES[0])


def _masked(middle: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(middle), np.maximum(middle, _FLOOR), np.nan)


def _legend(figure: object, held_out: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries = [
        (Line2D([], [], color=SERIES[0]), "median"),
        (Patch(color=SERIES[0], alpha=0.55, linewidth=0), "25–75 % of trials"),
        (Patch(color=SERIES[0], alpha=0.2, linewidth=0), "5–95 %"),
    ]
    if held_out:
        entries.append((Line2D([], [], color=SERIES[1], linestyle=(0, (4, 2))), "median on held-out samples"))
    legend_above(figure, *zip(*entries, strict=True))  # pyright: ignore[reportArgumentType]
