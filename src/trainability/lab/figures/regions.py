"""What a network of two inputs answers: as a map and as a surface, on 101 × 101 points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from trainability.report.style import INK, drawing, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE: Final = 101
_COLOURS: Final = "RdBu_r"
_PANE: Final = (0.8, 0.81, 0.83, 1.0)
_CONSTANT: Final = 1e-3
"""Answers that differ by less have no border: it would be drawn through rounding."""


def grid(low: float = 0.0, high: float = 1.0, side: int = SIDE) -> np.ndarray:
    """The points of a square, shape (side, side, 2): the last axis is (x1, x2); x1 runs along the second."""
    axis = np.linspace(low, high, side)
    return np.stack(np.meshgrid(axis, axis), axis=-1)


def maps(
    panels: Mapping[str, np.ndarray],
    points: tuple[np.ndarray, np.ndarray],
    *,
    low: float = 0.0,
    high: float = 1.0,
    surface: bool = False,
    columns: int = 4,
) -> Figure:
    """A map for each title, and under each its surface if asked: answers from 0 (blue) to 1 (red), the border at 1/2.

    Args:
        panels: title to answers on `grid`, shape (side, side).
        points: inputs (samples, 2) and labels 0 or 1, drawn over the maps.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    each = 2 if surface else 1
    x, y = points
    with drawing():
        figure = new_figure(0.3 + 2.5 * rows * each, width=min(10.0, 2.5 * columns))
        for i, (title, answers) in enumerate(panels.items()):
            row, column = divmod(i, columns)
            axes = figure.add_subplot(rows * each, columns, row * each * columns + column + 1)
            axes.imshow(
                answers, origin="lower", extent=(low, high, low, high), cmap=_COLOURS, vmin=0, vmax=1, aspect="equal",
                interpolation="bilinear",
            )  # fmt: skip
            if answers.min() < 0.5 < answers.max() and np.ptp(answers) > _CONSTANT:
                axis = np.linspace(low, high, len(answers))
                axes.contour(axis, axis, answers, levels=[0.5], colors=INK, linewidths=1.2)
            for label, marker in ((0, "o"), (1, "s")):
                chosen = np.asarray(y) == label
                axes.plot(
                    *np.asarray(x)[chosen].T, marker, color="white" if label else INK, markeredgecolor=INK,
                    markersize=5, linestyle="none", clip_on=False,
                )  # fmt: skip
            axes.set_title(title, loc="left", fontsize=8.5)
            axes.set_xlabel("x₁")
            axes.set_ylabel("x₂", rotation=0)
            if surface:
                _surface(figure, (rows * each, columns, (row * each + 1) * columns + column + 1), answers, low, high)
    return figure


def _surface(figure: Figure, place: tuple[int, int, int], answers: np.ndarray, low: float, high: float) -> None:
    axes = figure.add_subplot(*place, projection="3d")
    points = grid(low, high, len(answers))
    axes.plot_surface(  # pyright: ignore[reportAttributeAccessIssue]
        points[..., 0], points[..., 1], answers, cmap=_COLOURS, vmin=0, vmax=1, rcount=SIDE, ccount=SIDE, linewidth=0,
        antialiased=False, rasterized=True,
    )  # fmt: skip
    for name in "xyz":  # an answer of 1/2 is white, too
        getattr(axes, f"{name}axis").set_pane_color(_PANE)
    axes.set_zlim(0, 1)  # pyright: ignore[reportAttributeAccessIssue]
    axes.view_init(elev=28, azim=-125)  # pyright: ignore[reportAttributeAccessIssue]
    axes.tick_params(labelsize=6, pad=-2)
