"""The share of trials that were solved, over the axes that vary."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import numpy as np

from trainability.report.inputs import RunRecord
from trainability.report.style import (
    SERIES,
    SHARES,
    Picture,
    drawing,
    grid_lines,
    ink_on,
    new_figure,
    power_ticks,
)
from trainability.report.words import axis_label, levels, missing, ranked, value, whole_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

_MOST_PANELS: Final = 12
_MOST_DOTS: Final = 40
_LABEL: Final = 0.9  # inches


def picture(record: RunRecord) -> Picture | None:
    """A heat map over two axes (more axes: one map per combination), or dots with intervals over one."""
    if not record.axes or record.cells.height < 2:
        return None
    with drawing():
        return _dots(record) if len(record.axes) == 1 else _maps(record)


def _dots(record: RunRecord) -> Picture:
    axis, cells = record.axes[0], record.cells
    found = levels(cells, axis)
    numeric = all(isinstance(v, int | float) for v in found)
    left_out = 0 if numeric else max(0, len(found) - _MOST_DOTS)
    if left_out:
        order = ranked(cells)[axis].to_list()
        found = [order[i] for i in np.linspace(0, len(order) - 1, _MOST_DOTS).round().astype(int)]
    by_level = {c[axis]: c for c in cells.iter_rows(named=True)}
    rows = [by_level[level] for level in found]
    shares, low, high = (
        np.array([np.nan if missing(r[k]) else 100 * r[k] for r in rows], float)
        for k in ("solved", "solved_low", "solved_high")
    )
    spread = numeric and min(found) > 0 and max(found) / min(found) > 50
    if numeric:
        figure = new_figure(3.2, 7.0)
        axes = figure.subplots()
        axes.errorbar(found, shares, yerr=[shares - low, high - shares], fmt="o-", color=SERIES[0], capsize=3)
        if spread:
            axes.set_xscale("log")
            power_ticks(axes.xaxis)
        elif len(found) <= 12:
            axes.set_xticks(found)
        axes.set(xlabel=axis_label(axis), ylabel="solved, % of trials", ylim=(-4, 104))
    else:
        figure = new_figure(0.9 + 0.24 * len(rows), 7.0)
        axes = figure.subplots()
        place = np.arange(len(rows))[::-1]
        axes.errorbar(shares, place, xerr=[shares - low, high - shares], fmt="o", color=SERIES[0], capsize=3)
        axes.set_yticks(place, [value(level) for level in found])
        axes.set(xlabel="solved, % of trials", xlim=(-4, 104))
    grid_lines(axes)
    caption = (
        f"Share of trials solved at each {axis_label(axis)}: the dot is what was measured and the bar "
        f"its 95 % "
        "interval; where two bars lie apart the difference is hardly chance."
    )
    if left_out:
        caption += f" Shown are {len(found)}, evenly from the best to the worst; {left_out:,} are left out."
    return Picture(figure, caption, f"Solved share over {axis_label(axis)} with 95 % intervals.")


def _maps(record: RunRecord) -> Picture:
    import matplotlib
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    cells = record.cells
    by_size = sorted(record.axes, key=lambda axis: -len(levels(cells, axis)))
    across, down = by_size[:2]
    # Names are long and read better down the side.
    if not all(isinstance(v, int | float) for v in levels(cells, across)):
        across, down = down, across
    others = [axis for axis in record.axes if axis not in (across, down)]
    columns, rows = levels(cells, across), levels(cells, down)
    every = list(itertools.product(*(levels(cells, axis) for axis in others)))
    share = {tuple(c[a] for a in (*others, down, across)): c["solved"] for c in cells.iter_rows(named=True)}
    shown = every[:_MOST_PANELS]

    wide = min(len(shown), max(1, int(12 // max(len(columns), 3))), 4)
    high = -(-len(shown) // wide)
    # The colour bar is as high as the maps together, and its label must fit beside it.
    cell_height = max(0.32, _LABEL / (high * len(rows)))
    beside = max(2.6, 1.9 + 0.075 * max(len(value(v)) for v in rows))
    width = 10.0 if wide > 1 else min(10.0, beside + 0.75 * len(columns))
    points = 72 * width / wide / (len(columns) + 3)
    longest = max(len(value(v)) for v in columns)
    upright = 5.5 * longest > points
    tall = high * (0.55 + cell_height * len(rows) + 0.075 * longest * upright)
    figure = new_figure(0.75 + tall, width)
    panels = figure.subplots(high, wide, squeeze=False)
    colours = matplotlib.colormaps[SHARES]
    for k, axes in enumerate(panels.flat):
        if k >= len(shown):
            axes.set_axis_off()
            continue
        grid = np.array([[_known(share.get((*shown[k], d, a))) for a in columns] for d in rows])
        _map(axes, grid, colours, points)
        axes.set_xticks(range(len(columns)), [value(v) for v in columns])
        axes.set_yticks(range(len(rows)), [value(v) for v in rows])
        if upright:
            axes.tick_params(axis="x", labelrotation=90)
        if k % wide:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel(axis_label(down))
        if k + wide >= len(shown):
            axes.set_xlabel(axis_label(across))
        axes.set_title(", ".join(f"{axis_label(o)} {value(v)}" for o, v in zip(others, shown[k], strict=True)))
    figure.colorbar(
        ScalarMappable(Normalize(0, 100), colours), ax=panels, fraction=0.03,
        shrink=min(1.0, max(0.3, 2.2 / tall)), label="solved,\n% of trials",
    )  # fmt: skip
    more = "" if len(every) == len(shown) else f" {len(every) - len(shown):,} further maps are left out."
    caption = (
        f"Share of trials solved, in per cent, over {axis_label(down)} and {axis_label(across)}: "
        f"yellow learns, "
        f"dark blue does not; look for the edge between them.{more}"
    )
    return Picture(figure, caption, f"Heat map of the solved share over {axis_label(down)} and {axis_label(across)}.")


def _map(axes: Axes, grid: np.ndarray, colours: Colormap, points: float) -> None:
    """One heat map with its numbers; a combination that was not run stays empty."""
    edges = (np.arange(n + 1) - 0.5 for n in reversed(grid.shape))
    axes.pcolormesh(*edges, grid, cmap=colours, vmin=0, vmax=1)
    for (i, j), share in np.ndenumerate(grid):
        if not np.isnan(share):
            axes.text(
                j,
                i,
                whole_percent(share),
                ha="center",
                va="center",
                color=ink_on(colours(float(share))),
                fontsize=8 if points > 24 else 6.5,
            )
    axes.invert_yaxis()


def _known(share: float | None) -> float:
    return np.nan if share is None else float(share)
