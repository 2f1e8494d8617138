"""An image with what networks answer to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from trainability.report.style import INK, SERIES, drawing, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def digit(
    image: np.ndarray, classes: tuple[str, ...], right: int, panels: Mapping[str, np.ndarray], title: str
) -> Figure:
    """The image (rows, columns) or (rows, columns, 3), 0 to 1, and for each title its outputs (classes,) as bars.

    The bar of the `right` class is coloured; the largest is marked.
    """
    columns = 3
    rows = -(-len(panels) // columns)
    with drawing():
        figure = new_figure(0.3 + 1.75 * rows)
        places = figure.add_gridspec(rows, columns + 1, width_ratios=[1.1, *[1.3] * columns])
        axes = figure.add_subplot(places[:, 0])
        axes.imshow(image, cmap="Greys", vmin=0, vmax=1)
        axes.set_title(title, loc="left")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        long = max(map(len, classes)) > 2
        for i, (name, outputs) in enumerate(panels.items()):
            axes = figure.add_subplot(places[i // columns, i % columns + 1])
            colours = [SERIES[2] if k == right else SERIES[4] for k in range(len(classes))]
            axes.bar(range(len(classes)), outputs, color=colours)
            top = int(np.argmax(outputs))
            axes.plot(top, float(outputs[top]) + 0.06, "v", color=INK, markersize=4.5)
            axes.set_ylim(0, 1.15)
            axes.set_yticks([0, 0.5, 1])
            axes.set_xticks(range(len(classes)), classes, fontsize=5 if long else 7, rotation=40 if long else 0)
            axes.set_title(name, loc="left", fontsize=8.5)
    return figure
