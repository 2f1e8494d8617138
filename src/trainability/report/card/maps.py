"""Panels of a card that show what theory says: phase diagram, variance map, correlation map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from trainability.core.errors import SpecError
from trainability.report.card.card import Card
from trainability.report.style import INK, MARKERS, SERIES, grid_lines, power_ticks
from trainability.theory import edge_of_chaos, phase_diagram, variance_map
from trainability.theory.correlation import correlation_curve
from trainability.theory.variance import attractor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOOKS: Final = (0, 1, 2, 4)  # the colour between is the critical point's
_MOST_GAIN: Final = 25.0
_CHI: Final = 4.0
_SIDE: Final = 128
_LEAST_SHARE: Final = 0.06
_TALL, _WIDE = 9, 24
"""Half the height and width of a label, in cells."""
_UNKNOWN: Final = "#c9ccd1"
"""Where χ₁ has no value: the variance grows without bound, and it does not settle."""
_FAR: Final = 1e9  # out of sight of the variance map
# Not the ink, which turns light on a dark page: the map stays as it is.
_ON_MAP: Final = "#16191d"
_LABEL: Final[dict[str, Any]] = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5}


@dataclass(frozen=True)
class Setting:
    """A point of the phase diagram with its look, the same in every panel."""

    label: str
    sigma_w: float
    sigma_b: float
    q: float | None
    colour: str
    marker: str


def settings(card: Card) -> list[Setting]:
    """The libraries' defaults and the recommended critical point."""
    looks = zip(card.defaults, _LOOKS, strict=False)
    found = [Setting(d.label, d.sigma_w, d.sigma_b, d.q, SERIES[i], MARKERS[i]) for d, i in looks]
    if card.recommended:
        point = card.recommended
        settled = attractor(card.phi, point.sigma_w**2, point.sigma_b**2) if not point.q else None
        q = point.q or (settled.q if settled else None)
        found.append(Setting("critical", point.sigma_w, point.sigma_b, q, SERIES[3], "*"))
    return found


def draw_phases(figure: Any, axes: Axes, card: Card) -> None:
    """χ₁ over (σ_w, σ_b): ordered, chaotic, and the edge between them."""
    import matplotlib
    from matplotlib.colors import LogNorm

    marked = settings(card)
    most = _MOST_GAIN if card.width is None else np.inf  # a softmax's is about 0.6 times the width
    gains = [s.sigma_w for s in marked if s.sigma_w <= most]
    widest = max(3.0, 1.3 * max(gains, default=3.0))
    highest = max(1.0, 1.3 * max((s.sigma_b for s in marked), default=1.0))
    w, b = np.linspace(widest / _SIDE, widest, _SIDE), np.linspace(0, highest, _SIDE)
    found = phase_diagram(card.phi, w, b)
    extent = (0.5 * w[0], w[-1] + 0.5 * w[0], -0.5 * b[1], b[-1] + 0.5 * b[1])
    colours = matplotlib.colormaps["PuOr_r"].with_extremes(bad=_UNKNOWN)
    chi = np.ma.masked_invalid(np.where(np.isposinf(found.chi_1), _CHI, found.chi_1).clip(1 / _CHI, _CHI))
    shown = axes.imshow(chi, origin="lower", extent=extent, aspect="auto", cmap=colours,
                        norm=LogNorm(1 / _CHI, _CHI), interpolation="nearest")  # fmt: skip
    if 0 < found.bounded.mean() < 1:
        axes.contour(w, b, found.bounded, levels=[0.5], colors=_ON_MAP, linewidths=0.9, linestyles="dashed")
    title = _draw_edge(axes, card, widest, highest)
    areas = {
        "variance grows\nwithout bound": ~found.bounded,
        "ordered:\ngradients vanish": (found.chi_1 < 0.999) & found.bounded,
        "chaotic:\ngradients explode": (found.chi_1 > 1.001) & found.bounded,
    }
    taken = np.zeros_like(found.bounded)
    for words, area in areas.items():
        place = _place(area & ~taken, area) if area.mean() > _LEAST_SHARE else None
        if place is None:
            continue
        i, j = place
        axes.text(w[j], b[i], words, ha="center", va="center", fontsize=8, color=_ON_MAP, bbox=_LABEL)
        taken[max(0, i - 2 * _TALL) : i + 2 * _TALL + 1, max(0, j - 2 * _WIDE) : j + 2 * _WIDE + 1] = True
    for s in marked:
        if s.sigma_w <= widest:
            axes.plot(s.sigma_w, s.sigma_b, s.marker, color=s.colour, markeredgecolor="white", clip_on=False, zorder=5,
                      markersize=13 if s.marker == "*" else 8)  # fmt: skip
    axes.set(xlim=(0, widest), ylim=(0, highest), xlabel="σ_w", ylabel="σ_b", title=title)
    bar = figure.colorbar(shown, ax=axes, fraction=0.06, pad=0.02, ticks=[1 / _CHI, 1, _CHI])
    bar.ax.set_yticklabels([f"≤ {1 / _CHI:g}", "1", f"≥ {_CHI:g}"])
    bar.ax.minorticks_off()
    bar.ax.set_title("χ₁")


def _draw_edge(axes: Axes, card: Card, widest: float, highest: float) -> str:
    """Draw the edge of chaos, dotted where layers leave it by themselves; returns what to say of it."""
    edge = edge_of_chaos(card.phi)
    inside = (edge.sigma_w <= widest) & (edge.sigma_b <= highest)
    if not inside.any() or not (card.critical or np.ptp(edge.sigma_b[inside]) > 1e-3 * highest):
        return "phases; no edge of chaos here"
    if np.ptp(edge.sigma_w[inside]) < 1e-3 * widest and np.ptp(edge.sigma_b[inside]) < 1e-3 * highest:
        return "phases; the edge of chaos is a point"
    for stays, style in ((edge.attracts, "solid"), (~edge.attracts, "dotted")):
        if (stays & inside).any():
            # A part begins where the other ends.
            near = stays | np.append(stays[1:], False) | np.insert(stays[:-1], 0, False)
            axes.plot(np.where(near, edge.sigma_w, np.nan), edge.sigma_b, color=_ON_MAP, linewidth=1.4, linestyle=style)
    dotted = (~edge.attracts & inside).any()
    return "edge of chaos; layers leave its dotted part" if dotted else "phases; the line is the edge of chaos"


def _place(free: np.ndarray, area: np.ndarray) -> tuple[int, int] | None:
    """A place for a label: deep inside `free`, near the middle height; None where most of it would lie outside."""
    from scipy.ndimage import distance_transform_edt

    rows, columns = area.shape
    if not free.any():
        return None
    inside = np.asarray(distance_transform_edt(np.pad(free, ((0, 0), (1, 1)))))[:, 1:-1]
    height = np.abs(np.arange(rows) - rows / 2)[:, None]
    i, j = np.unravel_index(int(np.argmax(np.where(free, inside - 0.05 * height, -np.inf))), area.shape)
    i, j = int(np.clip(i, 0.2 * rows, 0.8 * rows)), int(np.clip(j, _WIDE, columns - _WIDE))
    covered = area[max(0, i - _TALL) : i + _TALL + 1, max(0, j - _WIDE) : j + _WIDE + 1]
    return (i, j) if covered.mean() > 0.5 and free[i, j] else None


def draw_variance_map(axes: Axes, card: Card) -> None:
    """The next layer's variance over this layer's, for each setting."""
    q = np.geomspace(1e-3, 1e3, 121)
    second = np.array([_second(card, float(v)) for v in q])
    axes.plot(q, q, color=INK, linewidth=0.8, linestyle=":")
    for s in settings(card):
        line = s.sigma_w**2 * np.minimum(second, _FAR) + s.sigma_b**2
        shown = np.where(line > 0, line, np.nan)
        axes.plot(q, shown, color=s.colour, linewidth=1.5, linestyle=_style(s))
        if s.q is not None and 1e-3 <= s.q <= 1e3:
            axes.plot(s.q, s.q, s.marker, color=s.colour, markeredgecolor="white",
                      markersize=12 if s.marker == "*" else 7)  # fmt: skip
    axes.set(xscale="log", yscale="log", xlim=(1e-3, 1e3), ylim=(1e-3, 1e3), xlabel="variance q of a layer",
             ylabel="of the next", title="variance map and where it settles")  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        power_ticks(axis)
    grid_lines(axes)


def _style(setting: Setting) -> str:
    """The critical line often lies upon a default's."""
    return "--" if setting.marker == "*" else "-"


def _second(card: Card, q: float) -> float:
    try:
        return variance_map(card.phi, q, 1.0, 0.0)
    except SpecError:
        return np.nan


def draw_correlation_map(axes: Axes, card: Card) -> None:
    """The next layer's correlation of two inputs over this layer's, at the variance that each setting settles at."""
    c = np.linspace(-1, 1, 81)
    axes.plot(c, c, color=INK, linewidth=0.8, linestyle=":")
    for s in settings(card):
        q = s.q if s.q else 1.0
        try:
            line = correlation_curve(card.phi, c, s.sigma_w**2, s.sigma_b**2, q)
        except SpecError:
            continue
        axes.plot(c, line, color=s.colour, linewidth=1.5, linestyle=_style(s))
    axes.set(xlim=(-1, 1), ylim=(-1, 1.02), xlabel="correlation of two inputs in a layer", ylabel="in the next",
             title="correlation map")  # fmt: skip
    grid_lines(axes)
