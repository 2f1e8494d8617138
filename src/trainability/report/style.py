"""One look for all figures, and the way from a matplotlib figure to SVG that lives inside a page.

A figure is drawn in ordinary colours on white, so it can be shown or saved by itself. Inside a page its ink
becomes ``currentColor``: the text follows the page into the dark and back onto paper.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Final

from trainability.report import fonts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK: Final = "#1d2127"
# Ink on a coloured ground, which stays as it is where the page is dark.
ON_COLOUR: Final = "#000000"
# Told apart with every common colour blindness, and at least 3:1 on both white and the dark page.
SERIES: Final = ("#2b83c6", "#d9701c", "#11936f", "#c2569b", "#8a8f98", "#a8850a", "#6f6fd8", "#d0474f")
MARKERS: Final = "os^Dv<>P"
SHARES: Final = "cividis"
WIDTH: Final = 10.0

_RC: Final[dict[str, Any]] = {
    "font.family": ["DejaVu Sans", fonts.FAMILY],
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "white",
    "figure.facecolor": "white",
    "figure.constrained_layout.w_pad": 0.06,
    "figure.constrained_layout.h_pad": 0.06,
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",
    "svg.image_inline": True,
    "image.interpolation": "nearest",
    "text.parse_math": False,
}


@dataclass(frozen=True)
class Picture:
    """A figure with the sentence under it and the sentence that stands for it.

    `outlines`: whether a page draws its text as outlines, as mathematical notation needs; else its fonts show it.
    """

    figure: Figure
    caption: str
    alt: str
    outlines: bool = False


@contextmanager
def drawing(salt: str = "trainability") -> Iterator[None]:
    """The look of the figures while the block runs; the caller's settings come back afterwards."""
    import matplotlib

    fonts.register()
    settings: Any = {**_RC, "svg.hashsalt": salt}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # Names may be in any script: the text stays text, and a page's fonts know more than matplotlib's.
        warnings.filterwarnings("ignore", message="Glyph")
        yield


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure of so many inches, outside pyplot."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def grid_lines(axes: Axes) -> None:
    """Faint lines behind the data."""
    axes.grid(visible=True, color=INK, alpha=0.13, linewidth=0.6)
    axes.set_axisbelow(True)


def legend_above(figure: Figure, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """One legend for all panels, on one line above them."""
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), handlelength=1.8, columnspacing=1.6)


def ink_on(colour: Sequence[float]) -> str:
    """White or black, whichever reads better on an RGB colour (contrast after WCAG 2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#000000"


def decades(low: float, high: float) -> tuple[float, float]:
    """Limits of a logarithmic axis: whole powers of ten where the values span less than two of them."""
    if high / low > 100:
        return low / 1.5, high * 1.5
    return 10.0 ** math.floor(math.log10(low / 1.1)), 10.0 ** math.ceil(math.log10(high * 1.1))


_UP = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_ticks(axis: Any) -> None:
    """Label a logarithmic axis with 0.01, 1, 1,000, and 10⁻⁵ further out."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    def text(value: float, _: object = None) -> str:
        if 1e-3 <= value <= 1000 or value == 0:
            return f"{value:,g}"
        exponent = f"{value:.0e}".partition("e")
        return ("" if exponent[0] == "1" else f"{exponent[0]}·") + "10" + str(int(exponent[2])).translate(_UP)

    axis.set_major_formatter(FuncFormatter(text))
    axis.set_minor_locator(NullLocator())


def to_svg(picture: Picture, name: str) -> str:
    """The figure as one ``<svg>`` element for a page in which every `name` occurs once.

    The same figure gives the same text. Ink follows the page, the background is clear, and no id of one
    figure can meet an id of another.
    """
    import matplotlib

    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with drawing(name), matplotlib.rc_context({"svg.fonttype": "path" if picture.outlines else "none"}):
        picture.figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    head, _, body = text.partition(">")
    box = re.search(r'viewBox="([^"]*)"', head)
    assert box is not None
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)
    body = body.replace(INK, "currentColor").replace("xlink:href", "href")
    body = _own_ids(body, name)
    # A hundredth of a point is enough in a path; a scale and the text between tags keep their digits.
    body = re.sub(r"<[^>]*>", lambda tag: re.sub(r"scale\([^)]*\)|(\d\.\d\d)\d+", lambda n: n[1] or n[0], tag[0]), body)
    body = re.sub(r"\n\s*", "\n", body)
    pixels = float(box[1].split()[2]) * 96 / 72
    return (
        f'<svg viewBox="{box[1]}" role="img" aria-label="{escape(picture.alt)}" '
        f'style="width:{pixels:.0f}px;min-width:{min(pixels, 760):.0f}px">{body}'
    )


def _own_ids(body: str, name: str) -> str:
    """Only ids that something refers to, once each and led by `name`; what shares an id is defined alike."""
    wanted = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))

    def own(found: re.Match[str]) -> str:
        if found[1] not in wanted:
            return ""
        wanted.remove(found[1])
        return f' id="{name}-{found[1]}"'

    body = re.sub(r'\sid="([^"]*)"', own, body)
    return body.replace('href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
