"""What a network answers over its two inputs, with the samples."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainability.core.records import region_grid
from trainability.report.figures.answers import Portrait, decide, portraits, target_label
from trainability.report.inputs import RunRecord
from trainability.report.style import INK, MARKERS, SERIES, SHARES, Picture, drawing, new_figure
from trainability.report.words import short

_MOST_SAMPLES: Final = 400


def picture(record: RunRecord) -> Picture | None:
    """A panel per portrait: the class (or the first target) over the plane, and the training samples."""
    data = record.dataset
    found = [p for p in portraits(record) if p.region is not None]
    if not found or data.x_train.shape[1] != 2:
        return None
    regression = data.task == "regression"
    with drawing():
        figure = new_figure(3.0 if len(found) > 2 else 3.6, {1: 4.2, 2: 7.4, 3: 9.2}.get(len(found), 10.0))
        grid = figure.subplots(1, len(found), squeeze=False, sharex=True, sharey=True)[0]
        drawn: Any = None
        for axes, portrait in zip(grid, found, strict=True):
            drawn = (_surface if regression else _classes)(axes, record, portrait)
            axes.set_title(portrait.title, fontsize=8.5)
            axes.set(xlabel=short(data.features[0]))
        grid[0].set_ylabel(short(data.features[1]))
        if regression:
            figure.colorbar(drawn, ax=list(grid), label=target_label(data), fraction=0.03)
        else:
            _legend(figure, record)
    what = "The surface" if regression else "The class"
    caption = (
        f"{what} that single networks answer over their two inputs, marks are training samples: a "
        f"network that "
        f"failed shows as {'a plane' if regression else 'a region'} that the samples of other "
        f"{'heights' if regression else 'classes'} fall into."
    )
    return Picture(figure, caption, "Decision regions of typical solved and failed networks over the two inputs.")


def _extent(record: RunRecord) -> tuple[float, float, float, float]:
    first, second = region_grid(record.dataset.x_train)
    return first[0], first[-1], second[0], second[-1]


def _square(values: np.ndarray) -> np.ndarray:
    side = round(len(values) ** 0.5)
    return values.reshape(side, side)


def _classes(axes: Any, record: RunRecord, portrait: Portrait) -> Any:
    from matplotlib.colors import to_rgb

    data = record.dataset
    assert portrait.region is not None
    decided = _square(decide(portrait.region))
    # Tinted, not filled: the page behind shows through, light or dark, and the samples stay on top.
    tint = np.zeros((*decided.shape, 4))
    for k in range(max(len(data.classes), 2)):
        tint[decided == k] = (*to_rgb(SERIES[k % len(SERIES)]), 0.38)
    image = axes.imshow(tint, extent=_extent(record), origin="lower", aspect="auto", interpolation="none")
    for k, x in _samples(record):
        axes.scatter(
            x[:, 0],
            x[:, 1],
            s=26 if len(data.x_train) <= 50 else 11,
            marker=MARKERS[k % len(MARKERS)],
            color=SERIES[k % len(SERIES)],
            edgecolors=INK,
            linewidths=0.7,
        )
    return image


def _surface(axes: Any, record: RunRecord, portrait: Portrait) -> Any:
    data = record.dataset
    assert portrait.region is not None
    low, high = data.y_train[:, 0].min(), data.y_train[:, 0].max()
    image = axes.imshow(
        _square(portrait.region[:, 0]),
        extent=_extent(record),
        origin="lower",
        aspect="auto",
        cmap=SHARES,
        vmin=low,
        vmax=high,
        interpolation="none",
    )
    some = slice(None, None, -(-len(data.x_train) // _MOST_SAMPLES))
    axes.scatter(
        data.x_train[some, 0],
        data.x_train[some, 1],
        c=data.y_train[some, 0],
        cmap=SHARES,
        vmin=low,
        vmax=high,
        s=11,
        edgecolors="white",
        linewidths=0.5,
    )
    return image


def _samples(record: RunRecord) -> list[tuple[int, np.ndarray]]:
    data = record.dataset
    step = -(-len(data.x_train) // _MOST_SAMPLES)
    x, y = data.x_train[::step], data.y_train[::step].reshape(-1)
    return [(int(k), x[y == k]) for k in np.unique(y)]


def _legend(figure: Any, record: RunRecord) -> None:
    from matplotlib.lines import Line2D

    names = record.dataset.classes[:8] or ("0", "1")
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=MARKERS[k % len(MARKERS)],
            color=SERIES[k % len(SERIES)],
            markeredgecolor=INK,
            markeredgewidth=0.7,
        )
        for k in range(len(names))
    ]
    figure.legend(
        handles,
        [f"class {n}" if n.isdigit() else short(n) for n in names],
        loc="outside upper left",
        ncols=len(names),
        handletextpad=0.2,
    )
