"""Predicted against true for a regression, and the curve for one input."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.core.records import portrait_points
from trainability.report.figures.answers import portraits, target_label
from trainability.report.inputs import RunRecord
from trainability.report.style import INK, SERIES, Picture, drawing, grid_lines, new_figure
from trainability.report.words import short

_MOST_SAMPLES: Final = 250


def picture(record: RunRecord) -> Picture | None:
    """A column per portrait: the first target, predicted against true; for one input, its curve above."""
    data, found = record.dataset, portraits(record)
    if data.task != "regression" or not found:
        return None
    x, y, source = portrait_points(data)
    truth = y.reshape(len(x), -1)[:, 0]
    curve = x.shape[1] == 1
    target = target_label(data)
    some = slice(None, None, -(-len(x) // _MOST_SAMPLES))
    with drawing():
        figure = new_figure(2.9 + 2.4 * curve, {1: 4.2, 2: 7.4, 3: 9.2}.get(len(found), 10.0))
        grid = figure.subplots(1 + curve, len(found), squeeze=False, sharey="row", sharex="row")
        margin = 0.08 * (np.ptp(truth) or 1.0)
        low, high = truth.min() - margin, truth.max() + margin
        for j, portrait in enumerate(found):
            predicted = portrait.answers[:, 0]
            axes = grid[-1, j]
            axes.plot([low, high], [low, high], color=INK, alpha=0.5, linewidth=0.8)
            axes.scatter(
                truth[some],
                np.clip(predicted, low - margin, high + margin)[some],
                s=9,
                alpha=0.7,
                color=SERIES[0],
                linewidths=0,
            )
            axes.set(xlabel=f"true {target}")
            grid_lines(axes)
            grid[0, j].set_title(portrait.title, fontsize=8.5)
            if curve:
                order = np.argsort(x[:, 0])
                grid[0, j].scatter(x[some, 0], truth[some], s=8, color=SERIES[4], alpha=0.7, linewidths=0)
                grid[0, j].plot(x[order, 0], predicted[order], color=SERIES[1])
                grid[0, j].set(xlabel=short(data.features[0]), ylim=(low - 2 * margin, high + 2 * margin))
                grid_lines(grid[0, j])
        grid[-1, 0].set_ylabel(f"predicted {target}")
        if curve:
            grid[0, 0].set_ylabel(target)
    which = "held-out" if source == "validation" else "training"
    caption = (
        f"Answers of single networks on {which} samples: "
        + ("above, the network's curve over the grey samples; below, " if curve else "")
        + "each dot is a sample, and on the diagonal prediction and truth agree; a flat row of dots is "
        "a network "
        "that answers one constant."
    )
    if len(data.targets) > 1:
        caption += f" Drawn is the first of {len(data.targets)} targets."
    return Picture(figure, caption, "Predicted against true values for typical solved and failed networks.")
