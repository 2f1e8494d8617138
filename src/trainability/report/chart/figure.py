"""The chart drawn: a sign of every layer over the steps as a heat map, and the loss below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from trainability.core.chart import SIGNS, Chart
from trainability.core.errors import UnknownName
from trainability.report.style import SERIES, drawing, grid_lines, new_figure, power_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOGARITHMIC: Final = ("gradient_rms", "output_gradient_rms", "activation_std", "pre_activation_std", "weight_rms")
"""Signs that differ by orders of magnitude."""
SHARES: Final = ("dead", "saturated", "zeros", "equal_signs", "correlation", "twins")
"""Signs between 0 and 1."""
HEADINGS: Final = {
    "gradient_rms": "gradient of the weights (RMS)", "output_gradient_rms": "gradient of the answers (RMS)",
    "activation_std": "deviation of the answers", "pre_activation_std": "deviation of the pre-activations",
    "weight_rms": "weights (RMS)", "dead": "share of dead units", "saturated": "share of saturated units",
    "update_ratio": "log₁₀ of update over weight", "zeros": "share of zeros", "correlation": "likeness of the answers",
    "effective_rank": "effective rank of the answers", "equal_signs": "share of equal gradient signs",
    "activation_mean": "mean answer", "pre_activation_mean": "mean pre-activation",
    "twins": "share of units that are copies",
}  # fmt: skip


def figure(chart: Chart, sign: str) -> Figure:
    """The heat map of `sign`, first layer on top, and the loss of every step."""
    height = _height(chart)
    with drawing():
        made = new_figure(2.6 + height)
        above, below = made.subplots(2, 1, height_ratios=[height, 1.6])
        _heat(above, chart, _known(sign))
        above.set_title(HEADINGS[sign], loc="left")
        _losses(below, chart)
    return made


def heat_map(chart: Chart, sign: str) -> Figure:
    """The heat map of `sign` alone."""
    with drawing():
        made = new_figure(0.8 + _height(chart))
        _heat(made.subplots(), chart, _known(sign))
    return made


def losses(chart: Chart) -> Figure:
    """The loss of every step, and where they are known those of evaluations."""
    with drawing():
        made = new_figure(2.8)
        _losses(made.subplots(), chart)
    return made


def _known(sign: str) -> str:
    if sign not in SIGNS:
        raise UnknownName("sign", sign, SIGNS)
    return sign


def _height(chart: Chart) -> float:
    return 0.24 * max(4, len(chart.layers))


def _losses(axes: Axes, chart: Chart) -> None:
    grid_lines(axes)
    steps, values = np.arange(1, len(chart.losses) + 1), np.asarray(chart.losses, float)
    axes.plot(steps, values, color=SERIES[0], linewidth=1, label="training")
    if chart.validation is not None and len(chart.validation.steps):
        axes.plot(chart.validation.steps, chart.validation.losses, color=SERIES[2], label="evaluation")
    if chart.loss is not None and np.isfinite(chart.loss.constant):
        axes.axhline(
            chart.loss.constant, color=SERIES[1], linestyle=(0, (4, 2)), linewidth=1.2, label="the best constant answer"
        )
    finite = values[np.isfinite(values)]
    if finite.size and finite.min() > 0 and finite.max() / finite.min() > 50:
        axes.set_yscale("log")
        power_ticks(axes.yaxis)
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.set_xlim(left=0)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0)


def _heat(axes: Axes, chart: Chart, sign: str) -> None:
    from matplotlib.colors import LogNorm

    values = np.asarray(chart.signs[sign], float).T
    known = values[np.isfinite(values)]
    if not known.size:
        axes.text(0.5, 0.5, "nothing was measured", transform=axes.transAxes, ha="center", va="center")
        axes.set_axis_off()
        return
    logarithmic = sign in LOGARITHMIC and (known > 0).any()
    if logarithmic:
        positive = known[known > 0]
        least = max(float(positive.min()), float(positive.max()) * 1e-12)
        norm = LogNorm(least, float(positive.max()) * 1.0001)
        values = np.where(values > 0, values, least)
        drawn = axes.imshow(values, aspect="auto", cmap="cividis", norm=norm, interpolation="nearest")
    else:
        low, high = (min(0.0, float(known.min())), 1.0) if sign in SHARES else (None, None)
        drawn = axes.imshow(values, aspect="auto", cmap="cividis", vmin=low, vmax=high, interpolation="nearest")
    axes.set_yticks(range(len(chart.layers)), [layer.name for layer in chart.layers])
    places = np.unique(np.linspace(0, len(chart.moments) - 1, min(10, len(chart.moments))).astype(int))
    axes.set_xticks(places, [f"{chart.moments[i]:,}" for i in places])
    axes.set_xlabel("step")
    axes.spines[:].set_visible(False)
    bar = axes.figure.colorbar(drawn, ax=axes, pad=0.01, fraction=0.05)
    if logarithmic:
        power_ticks(bar.ax.yaxis)
