"""Small multiples: which cells get a panel, and where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from trainability.report.inputs import RunRecord, shown_note
from trainability.report.style import WIDTH, new_figure
from trainability.report.words import cell_title, levels, ranked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Cell: TypeAlias = Mapping[str, Any]

MOST: Final = 12
MOST_IN_GRID: Final = 30
_MOST_COLUMNS: Final = 6


@dataclass(frozen=True)
class Panel:
    """One cell's axes."""

    cell: Cell
    axes: Axes


def choose(record: RunRecord) -> tuple[list[list[Cell | None]], int]:
    """Rows of cells to draw (None leaves a gap), and how many cells are left out.

    Two axes with few levels lie as in the table of their combinations; otherwise at most `MOST` cells, evenly
    from the best to the worst.
    """
    cells = record.cells
    if len(record.axes) == 2 and cells.height <= MOST_IN_GRID:
        counts = {axis: len(levels(cells, axis)) for axis in record.axes}
        down, across = sorted(record.axes, key=lambda axis: counts[axis])
        if counts[across] > _MOST_COLUMNS and counts[across] <= 2 * _MOST_COLUMNS and counts[down] <= _MOST_COLUMNS:
            down, across = across, down
        if counts[across] <= _MOST_COLUMNS and counts[down] <= 2 * _MOST_COLUMNS and min(counts.values()) > 1:
            place: dict[Any, Cell] = {(c[down], c[across]): c for c in cells.iter_rows(named=True)}
            grid: list[list[Cell | None]] = [
                [place.get((d, a)) for a in levels(cells, across)] for d in levels(cells, down)
            ]
            return grid, 0
    ordered: list[Cell] = [*cells.iter_rows(named=True)]
    if len(ordered) > MOST:
        best_first = ranked(cells).rows(named=True)
        ordered = [best_first[i] for i in np.linspace(0, len(ordered) - 1, MOST).round().astype(int)]
    columns = min(4, len(ordered))
    rows: list[list[Cell | None]] = [[*ordered[i : i + columns]] for i in range(0, len(ordered), columns)]
    return rows, cells.height - len(ordered)


def small_multiples(record: RunRecord, xlabel: str, ylabel: str) -> tuple[Figure, list[Panel], str]:
    """A figure with a titled panel per chosen cell, axes shared; and a clause about the cells left out."""
    grid, left_out = choose(record)
    columns = max(len(row) for row in grid)
    across = {1: 0.6, 2: 0.8}.get(columns, 1.0)
    height = 0.7 + len(grid) * (2.4 if columns < 3 else 1.9 if len(grid) == 1 else 1.55)
    figure = new_figure(height, WIDTH * across)
    axes = figure.subplots(len(grid), columns, squeeze=False, sharex=True, sharey=True)
    panels = []
    for i in range(len(grid)):
        for j in range(columns):
            cell = grid[i][j] if j < len(grid[i]) else None
            if cell is None:
                axes[i, j].set_axis_off()
                continue
            axes[i, j].set_title(cell_title(cell, record.axes), fontsize=8.5)
            below_is_empty = i + 1 == len(grid) or j >= len(grid[i + 1]) or grid[i + 1][j] is None
            axes[i, j].tick_params(labelbottom=below_is_empty)
            panels.append(Panel(cell, axes[i, j]))
    figure.supxlabel(xlabel, fontsize=9)
    figure.supylabel(ylabel, fontsize=9)
    shown = (
        ""
        if not left_out
        else (
            f" Shown are {len(panels)} cells, evenly from the best to the worst; {left_out:,} more "
            f"are in the table only."
        )
    )
    return figure, panels, shown + shown_note(record)
