"""Panels of a card that show the function itself: curves, histogram, picture, and a layer for those that mix units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from trainability.activations import Activation, numpy_function, numpy_slope, pieces_of
from trainability.core.catalogue import Choice
from trainability.report.card.picture import own_picture, standardized
from trainability.report.style import INK, SERIES, grid_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REACH: Final = 5.0
_HIGHEST: Final = 6.0
_STEP: Final = 1e-6
_SAMPLES: Final = 100_000
_UNITS: Final = 8
_SPIKE: Final = 0.2
_FARTHEST: Final = 4.0
"""How far a histogram reaches at most, over what the samples before do: they stay to be seen."""
_BEYOND: Final = 0.005


def draw_function(axes: Axes, choice: Choice[Activation]) -> None:
    """φ and φ′: the derivative from the formula as a line, central differences of the function as dots."""
    from matplotlib.patches import Rectangle

    value, slope = numpy_function(choice), numpy_slope(choice)
    assert slope is not None
    x = np.linspace(-REACH, REACH, 1601)
    at = np.linspace(-REACH, REACH, 33) + 0.013  # beside kinks at round numbers, where there is no derivative
    with np.errstate(all="ignore"):
        f, derivative = value(x), slope(x)
        differences = (value(at + _STEP) - value(at - _STEP)) / (2 * _STEP)
    lines = [
        *axes.plot(x, f, color=SERIES[0], label="φ(x)"),
        *axes.plot(x, derivative, color=SERIES[1], linewidth=1.2, label="φ′(x)"),
        *axes.plot(at, differences, "o", markersize=2.6, color=SERIES[1], label="φ′, numerically"),
    ]
    drawn = np.concatenate([f, derivative])
    drawn = drawn[np.isfinite(drawn)]
    low, high = max(drawn.min(), -_HIGHEST), min(drawn.max(), _HIGHEST)
    room = 0.06 * max(high - low, 0.1)
    above = 0.22 * max(high - low, 0.1)  # for the legend, which no curve may cross
    for line in lines:
        line.set_clip_path(Rectangle((-REACH, low - room), 2 * REACH, high - low + 2 * room, transform=axes.transData))
    axes.set(xlim=(-REACH, REACH), ylim=(low - room, high + above), xlabel="x", title="function and derivative")
    axes.axhline(0, color=INK, linewidth=0.5, alpha=0.5)
    axes.axvline(0, color=INK, linewidth=0.5, alpha=0.5)
    axes.legend(loc="upper center", ncols=3, fontsize=7.5, handlelength=1.4, columnspacing=1.0, borderaxespad=0.2)
    grid_lines(axes)


def draw_histogram(axes: Axes, choice: Choice[Activation], width: int | None = None) -> None:
    """Standard normal samples before and after, in layers of `width` units where that counts."""
    units = width or _SAMPLES
    pieces = np.random.default_rng(0).standard_normal((max(_SAMPLES // units, 1), pieces_of(choice), units))
    with np.errstate(all="ignore"):
        after = numpy_function(choice)(pieces.reshape(len(pieces), -1))
    z, after = pieces[:, 0].ravel(), after[np.isfinite(after)]
    reach = _FARTHEST * np.quantile(np.abs(z), 0.996)
    low, high = np.clip(np.quantile(np.concatenate([z, after]), [0.002, 0.998]), -reach, reach)
    bins = np.linspace(low, high, 61)
    shares = [np.histogram(values, bins)[0] / z.size for values in (z, after)]
    top = min(max(s.max() for s in shares), 2.5 * shares[0].max())
    axes.stairs(shares[1], bins, fill=True, color=SERIES[1], alpha=0.55, label="after")
    axes.stairs(shares[0], bins, color=SERIES[0], linewidth=1.4, label="before: N(0, 1)")
    axes.set(ylim=(0, 1.3 * top), xlim=(low, high), title="samples before and after", yticks=[])
    axes.spines["left"].set_visible(False)
    place = int(shares[1].argmax())
    if shares[1][place] > max(1.3 * top, _SPIKE):
        right = bins[place] > 0.5 * (low + high)
        axes.text(
            0.02 if right else 0.98, 0.95 / 1.3, f"{100 * shares[1][place]:.0f} % in one bar",
            transform=axes.transAxes, ha="left" if right else "right", va="center", fontsize=7.5,
        )  # fmt: skip
    beyond = 1 - shares[1].sum()
    if beyond > _BEYOND:
        words = "all of them lie" if beyond > 0.9995 else f"{100 * beyond:.0f} % lie"
        axes.set_xlabel(f"after: {words} farther out", fontsize=8)
    axes.legend(loc="upper center", ncols=2, fontsize=7.5)


def draw_pictures(before: Axes, after: Axes, choice: Choice[Activation], picture: np.ndarray | None) -> None:
    """A picture of mean 0 and deviation 1, and what the activation makes of it."""
    shown = standardized(own_picture() if picture is None else picture)
    with np.errstate(all="ignore"):
        made = numpy_function(choice)(shown)
    for axes, title, values in ((before, "picture before", shown), (after, "picture after", made)):
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()) + 0.0, float(finite.max()) + 0.0) if finite.size else (0.0, 0.0)  # no -0
        axes.imshow(np.where(np.isfinite(values), values, high), cmap="gray", vmin=low, vmax=max(high, low + 1e-9))
        axes.set(xticks=[], yticks=[], title=title, xlabel=f"{low:.2g} to {high:.2g}")
        for spine in axes.spines.values():
            spine.set_visible(False)


def draw_layer(axes: Axes, choice: Choice[Activation]) -> None:
    """A layer of eight units before and after, for an activation that is no function of one number."""
    pieces = pieces_of(choice)
    z = np.random.default_rng(4).standard_normal(_UNITS * pieces)
    place = np.arange(_UNITS)
    wide = 0.8 / (pieces + 1)
    for piece in range(pieces):
        name = "before" if pieces == 1 else f"before: x{piece + 1}"
        axes.bar(place + (piece - pieces / 2) * wide, z[piece * _UNITS : (piece + 1) * _UNITS], wide,
                 color=SERIES[0], alpha=1 - 0.6 * piece / pieces, label=name)  # fmt: skip
    after = numpy_function(choice)(z[None])[0]
    axes.bar(place + pieces / 2 * wide, after, wide, color=SERIES[1], label="after")
    axes.axhline(0, color=INK, linewidth=0.6)
    axes.set(
        xlabel="unit",
        title="a layer of eight units before and after",
        xticks=place,
        xticklabels=[str(i + 1) for i in place],
    )
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.25 * (high - low))
    axes.legend(loc="upper center", ncols=pieces + 1, fontsize=7.5)
    grid_lines(axes)


def draw_gate(figure: Any, axes: Axes, choice: Choice[Activation]) -> None:
    """φ(x1, x2) of a unit with two pre-activations, as a map."""
    x = np.linspace(-3, 3, 121)
    first, second = np.meshgrid(x, x)
    pairs = np.stack([first.ravel(), second.ravel()], axis=1)
    made = numpy_function(choice)(pairs).reshape(first.shape)
    shown = axes.imshow(made, origin="lower", extent=(-3, 3, -3, 3), cmap="cividis", aspect="auto")
    axes.contour(x, x, made, colors="white", linewidths=0.5, alpha=0.7)
    axes.set(xlabel="x1", ylabel="x2", title="what a unit answers")
    figure.colorbar(shown, ax=axes, fraction=0.06, pad=0.02)
