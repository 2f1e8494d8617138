"""All activations on one sheet."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainability.activations import ACTIVATIONS, numpy_function, numpy_slope
from trainability.report.card.card import WIDTH, Card, card
from trainability.report.document import document, figure_section, write_whole
from trainability.report.images import check_ending, image
from trainability.report.style import ON_COLOUR, SERIES, Picture, drawing, grid_lines, legend_above, new_figure
from trainability.report.words import number

_ACROSS = 6
_REACH = 4.0


@dataclass(frozen=True)
class Sheet:
    """The cards of several activations, shown together."""

    cards: tuple[Card, ...]

    def picture(self) -> Picture:
        """φ and φ′ of each, with its gains."""
        from matplotlib.lines import Line2D

        down = -(-len(self.cards) // _ACROSS)
        with drawing():
            figure = new_figure(0.5 + 1.42 * down, 11.0)
            grid = figure.subplots(down, _ACROSS, squeeze=False, sharex=True, sharey=True)
            for i, axes in enumerate(grid.flat):
                if i < len(self.cards):
                    _draw(axes, self.cards[i])
                    axes.tick_params(labelbottom=i + _ACROSS >= len(self.cards))
                else:
                    axes.set_axis_off()
            handles = [Line2D([], [], color=SERIES[i]) for i in (0, 1)]
            legend_above(figure, handles, ["φ(x)", "φ′(x)"])
        caption = (
            "Every activation with its gains: the one that keeps variance 1, and σ_w (with σ_b where it needs biases) "
            f"at which gradients keep their size; of those that look at their whole layer, for {WIDTH} units."
        )
        return Picture(figure, caption, "Curves of all activations.")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a ``.png``, ``.svg`` or ``.html``; SpecError for another ending, StoreError where it cannot."""
        ending = check_ending(path)
        made = self.picture()
        if ending != ".html":
            return write_whole(image(made.figure, ending), path, "sheet")
        title = f"{len(self.cards)} activations"
        about = "What trainability knows by name; any formula works too."
        return write_whole(document(title, about, made.caption, [figure_section("All of them", made, "sheet")]), path)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and words, for JSON."""
        return {"activations": [made.to_dict() for made in self.cards]}

    def to_json(self) -> str:
        """The sheet as JSON text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def sheet(names: Sequence[str] | None = None) -> Sheet:
    """The cards of all activations of the catalogue, or of those named."""
    return Sheet(tuple(card(name) for name in ([entry.name for entry in ACTIVATIONS] if names is None else names)))


def _draw(axes: Any, made: Card) -> None:
    axes.set_title(made.name, fontsize=8.5)
    axes.set(xlim=(-_REACH, _REACH), ylim=(-2.2, 3.2))
    grid_lines(axes)
    slope = numpy_slope(made.choice)
    if slope is None:
        words = "takes several\npre-activations a unit" if made.gate else f"looks at its layer\nof {made.width} units"
        axes.text(0, 0.5, words, ha="center", va="center", fontsize=8)
    else:
        x = np.linspace(-_REACH, _REACH, 801)
        with np.errstate(all="ignore"):
            axes.plot(x, slope(x), color=SERIES[1], linewidth=1.1)
            axes.plot(x, numpy_function(made.choice)(x), color=SERIES[0])
    point = made.recommended
    lines = [f"gain {number(made.gain, 4)}"] if made.gain is not None else []
    if point:
        lines.append(f"σ_w {number(point.sigma_w)}" + (f", σ_b {number(point.sigma_b)}" if point.sigma_b else ""))
    clear = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8}
    axes.text(-_REACH + 0.3, 3.0, "\n".join(lines), fontsize=7, va="top", color=ON_COLOUR, bbox=clear)
