"""What a network of two inputs answers: as a map and as a surface, on 101 × 101 points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from trainability.report.style import ON_COLOUR, WIDTH, drawing, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points: TypeAlias = tuple[np.ndarray, np.ndarray]
SIDE: Final = 101
_COLOURS: Final = "coolwarm"
_PALE: Final = 0.15
"""So far beyond 0 and 1 the colours go on, so that marks are seen on the answers 0 and 1."""
_PANE: Final = (0.8, 0.81, 0.83, 1.0)
_CONSTANT: Final = 1e-3
"""Answers that differ by less have no border: it would be drawn through rounding."""


def grid(low: float = 0.0, high: float = 1.0, side: int = SIDE) -> np.ndarray:
    """The points of a square, shape (side, side, 2): the last axis is (x1, x2); x1 runs along the second."""
    axis = np.linspace(low, high, side)
    return np.stack(np.meshgrid(axis, axis), axis=-1)


def maps(
    panels: Mapping[str, np.ndarray],
    points: Points | Mapping[str, Points],
    *,
    low: float = 0.0,
    high: float = 1.0,
    surface: bool = False,
    columns: int = 4,
    labels: bool = True,
) -> Figure:
    """A map for each title, and under each its surface if asked: answers from 0 (blue) to 1 (red), the border at 1/2.

    Args:
        panels: title to answers on `grid`, shape (side, side); one that is all NaN stays white.
        points: inputs (samples, 2) and labels 0 or 1, drawn over the maps; the same for all, or those of each title.
        labels: whether the axes have names and numbers; small panels have no room for them.
    """
    import matplotlib

    colours = matplotlib.colormaps[_COLOURS].with_extremes(bad="white")
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    each = 2 if surface else 1
    side = min(2.5, WIDTH / columns)
    with drawing():
        figure = new_figure(0.3 + (side if labels else 1.2 * side) * rows * each, width=side * columns)
        for i, (title, answers) in enumerate(panels.items()):
            row, column = divmod(i, columns)
            axes = figure.add_subplot(rows * each, columns, row * each * columns + column + 1)
            axes.imshow(
                answers, origin="lower", extent=(low, high, low, high), cmap=colours, vmin=-_PALE, vmax=1 + _PALE,
                aspect="equal", interpolation="bilinear",
            )  # fmt: skip
            if answers.min() < 0.5 < answers.max() and np.ptp(answers) > _CONSTANT:
                axis = np.linspace(low, high, len(answers))
                axes.contour(axis, axis, answers, levels=[0.5], colors=ON_COLOUR, linewidths=1.2)
            x, y = points[title] if isinstance(points, Mapping) else points
            for label, marker in ((0, "o"), (1, "s")):
                chosen = np.asarray(y) == label
                if not chosen.any():  # a line without points has a place that is not a number, which upsets the layout
                    continue
                axes.plot(
                    *np.asarray(x)[chosen].T, marker, color="white" if label else ON_COLOUR,
                    markeredgecolor=ON_COLOUR if label else "white", markersize=5.5, linestyle="none", clip_on=False,
                )  # fmt: skip
            axes.set_title(title, loc="left", fontsize=8.5 if labels else 7.5)
            if labels:
                axes.set_xlabel("x₁")
                axes.set_ylabel("x₂", rotation=0, ha="right", va="center")
            else:
                axes.set_xticks([])
                axes.set_yticks([])
                axes.spines[:].set_visible(True)
            if surface:
                _surface(figure, (rows * each, columns, (row * each + 1) * columns + column + 1), answers, low, high)
    return figure


def _surface(figure: Figure, place: tuple[int, int, int], answers: np.ndarray, low: float, high: float) -> None:
    axes = figure.add_subplot(*place, projection="3d")
    points = grid(low, high, len(answers))
    axes.plot_surface(  # pyright: ignore[reportAttributeAccessIssue]
        points[..., 0], points[..., 1], answers, cmap=_COLOURS, vmin=-_PALE, vmax=1 + _PALE, rcount=SIDE, ccount=SIDE,
        linewidth=0, antialiased=False, rasterized=True,
    )  # fmt: skip
    for name in "xyz":  # an answer of 1/2 is white, too
        getattr(axes, f"{name}axis").set_pane_color(_PANE)
    axes.set_zlim(0, 1)  # pyright: ignore[reportAttributeAccessIssue]
    axes.view_init(elev=28, azim=-125)  # pyright: ignore[reportAttributeAccessIssue]
    axes.tick_params(labelsize=6, pad=-2)
