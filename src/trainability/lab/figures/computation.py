"""A computation graph from left to right: on every edge the value that goes forward and the gradient that returns."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import numpy as np

from trainability.lab.graph import Graph, Passes
from trainability.lab.text import Lang, Text
from trainability.report.style import ON_COLOUR, SERIES, WIDTH, drawing, legend_above, new_figure
from trainability.report.words import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SWEEPS: Final = 24
_FORWARD, _BACKWARD = SERIES[0], SERIES[7]


def layout(graph: Graph) -> tuple[np.ndarray, dict[tuple[int, int], list[tuple[float, float]]]]:
    """Where nodes stand and how edges run: by layers, in each of which nodes keep the order of what they hang on.

    Returns:
        places (nodes, 2): x is the layer, from 0; y grows upwards, neighbours of a layer at least 1 apart. And of each
        edge (node, place among its operands) the points that it runs through, from the operand to the node.

    Reference: K. Sugiyama, S. Tagawa, M. Toda, Methods for visual understanding of hierarchical system structures, IEEE
    Trans. Syst. Man Cybern. 11 (1981).
    """
    layer = _layers(graph)
    # An edge over several layers has a stand-in in each of those between, so that it keeps clear of their nodes.
    count, chains = len(graph.nodes), {}
    levels = list(layer)
    for i, parts in enumerate(graph.parts):
        for slot, part in enumerate(parts):
            between = range(layer[part] + 1, layer[i])
            chains[i, slot] = [part, *range(len(levels), len(levels) + len(between)), i]
            levels += between
    near: list[set[int]] = [set() for _ in levels]
    for chain in chains.values():
        for a, b in itertools.pairwise(chain):
            near[a].add(b)
            near[b].add(a)
    columns = [[i for i, level in enumerate(levels) if level == x] for x in range(max(levels) + 1)]
    y = np.zeros(len(levels))
    for column in columns:
        y[column] = np.arange(len(column))[::-1] - (len(column) - 1) / 2
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 else columns[::-1]:
            wanted = {i: np.mean([y[j] for j in near[i]]) if near[i] else y[i] for i in column}
            column.sort(key=lambda i: (-wanted[i], i))
            y[column] = _apart(np.array([wanted[i] for i in column]))
    runs = {edge: [(float(levels[i]), float(y[i])) for i in chain] for edge, chain in chains.items()}
    return np.stack([layer, y[:count]], axis=1).astype(float), runs


def _layers(graph: Graph) -> list[int]:
    """Of each node the longest way from a leaf; a leaf stands right before the first node that needs it."""
    layer = [0] * len(graph.nodes)
    for i, parts in enumerate(graph.parts):
        layer[i] = 1 + max((layer[part] for part in parts), default=-1)
    for leaf in (i for i, parts in enumerate(graph.parts) if not parts):
        layer[leaf] = min((layer[i] for i, parts in enumerate(graph.parts) if leaf in parts), default=1) - 1
    return layer


def _apart(wanted: np.ndarray) -> np.ndarray:
    """The heights nearest to those wanted, from the top down, that lie at least 1 apart.

    Least squares under that order: what is wanted plus its place must fall, so neighbours that do not are pooled.
    """
    shifted = wanted + np.arange(len(wanted))
    pools: list[list[float]] = []
    for value in shifted:
        pools.append([float(value)])
        while len(pools) > 1 and np.mean(pools[-2]) < np.mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    return np.repeat([np.mean(pool) for pool in pools], [len(pool) for pool in pools]) - np.arange(len(wanted))


def computation(graph: Graph, found: Passes, whole: str, lang: Lang) -> Figure:
    """The graph at its first point; `whole` is the name of what comes out."""
    from matplotlib.lines import Line2D

    places, runs = layout(graph)
    places, runs = _centred(places, runs)
    width, height = (
        places[:, 0].max() + 1.0,
        places[:, 1].max() - min(0.0, min(y for run in runs.values() for _, y in run)),
    )
    with drawing():
        across = min(WIDTH, 1.9 * (width + 0.7))
        figure = new_figure(0.9 + 0.95 * (height + 1), across)
        axes = figure.subplots()
        axes.set_axis_off()
        small = 8.0 if width <= 6 else 7.0
        for ((i, slot), run), here in zip(runs.items(), _label_places(places, list(runs.values())), strict=True):
            x, y = np.array(run).T
            axes.plot(x, y, color="0.6", linewidth=1.0, zorder=1)
            back = found.edges.get((i, slot))
            _write(axes, here, found.values[graph.parts[i][slot], 0], None if back is None else back[0], small)
        for i, (x, y) in enumerate(places):
            operation = graph.templates[i] is not None
            box = {"boxstyle": "circle,pad=0.35" if len(graph.label(i)) < 3 else "round,pad=0.4", "linewidth": 1.1}
            fill = "#eef3f8" if operation else "white"
            axes.text(
                x, y, graph.label(i), ha="center", va="center", fontsize=10 if len(graph.label(i)) < 8 else 8, zorder=3,
                bbox={**box, "facecolor": fill, "edgecolor": "0.45"}, color=ON_COLOUR,
            )  # fmt: skip
        last_x, last_y = places[-1]
        axes.plot([last_x, last_x + 0.85], [last_y, last_y], color="0.6", linewidth=1.0, zorder=1)
        _write(axes, (last_x + 0.55, last_y), found.values[-1, 0], found.gradients[-1, 0], small)
        axes.text(last_x + 0.9, last_y, whole, ha="left", va="center", fontsize=10)
        axes.set_xlim(-0.35, width + 0.15)
        low = min(y for run in runs.values() for _, y in run)
        axes.set_ylim(low - 0.55, places[:, 1].max() + 0.55)
        handles = [Line2D([], [], color=_FORWARD, linewidth=3), Line2D([], [], color=_BACKWARD, linewidth=3)]
        names = (Text("value, forwards", "값 (순전파)"), Text("gradient, backwards", "기울기 (역전파)"))
        legend_above(figure, handles, [name.to(lang) for name in names])
    return figure


def _label_places(places: np.ndarray, runs: list[list[tuple[float, float]]]) -> list[tuple[float, float]]:
    """A point on each edge, away from nodes, from other edges and from labels that stand already."""
    dense = [np.concatenate([np.linspace(a, b, 21) for a, b in itertools.pairwise(run)]) for run in runs]
    shape = np.array([1.7, 1.0])  # a label is wider than high
    taken, chosen = list(places), []
    for k, points in enumerate(dense):
        others = np.concatenate([line for j, line in enumerate(dense) if j != k] or [np.full((1, 2), np.inf)])
        away = _distance(points, np.array(taken), shape)
        clear = _distance(points, others, shape)
        best = int(np.argmax(np.minimum(away, 0.9) + 0.5 * np.minimum(clear, 0.5)))
        taken.append(points[best])
        chosen.append((float(points[best][0]), float(points[best][1])))
    return chosen


def _distance(points: np.ndarray, others: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Of each point the distance to the nearest of the others."""
    return np.linalg.norm((points[:, None] - others[None]) * shape, axis=2).min(axis=1)


def _centred(
    places: np.ndarray, runs: dict[tuple[int, int], list[tuple[float, float]]]
) -> tuple[np.ndarray, dict[tuple[int, int], list[tuple[float, float]]]]:
    """The same with the lowest point at height 0."""
    low = min(y for run in runs.values() for _, y in run)
    return places - np.array([0.0, low]), {edge: [(x, y - low) for x, y in run] for edge, run in runs.items()}


def _write(axes: object, place: tuple[float, float], value: float, gradient: float | None, size: float) -> None:
    x, y = place
    ground = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    # Adding 0 turns −0 into 0.
    above, below = (None if item is None else number(float(item) + 0.0).replace("-", "−") for item in (value, gradient))
    write = axes.text  # pyright: ignore[reportAttributeAccessIssue]
    write(x, y + 0.06, above, ha="center", va="bottom", fontsize=size, color=_FORWARD, bbox=ground, zorder=2)
    if below is not None:
        write(x, y - 0.06, below, ha="center", va="top", fontsize=size, color=_BACKWARD, bbox=ground, zorder=2)
