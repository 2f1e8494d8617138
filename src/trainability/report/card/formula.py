"""A formula in mathematical notation, as large as its place allows."""

from __future__ import annotations

import textwrap
from typing import Final

from trainability.report.card.card import Card

_LARGEST: Final = 17.0
_SMALLEST: Final = 8.0
_MOST_CHARACTERS: Final = 600


def fitted(card: Card, inches: float) -> tuple[str, float, bool]:
    """(text, size in points, whether it is mathtext): LaTeX where it fits `inches`, else the formula as it is typed."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    text = rf"$\varphi = {card.latex}$" if not card.elementwise else rf"$\varphi(x) = {card.latex}$"
    if len(text) <= _MOST_CHARACTERS:
        try:
            width = (
                TextPath((0, 0), text, size=_LARGEST, prop=FontProperties(family="DejaVu Sans")).get_extents().width
                / 72
            )
        except ValueError:  # mathtext does not know all of LaTeX
            width = float("inf")
        size = _LARGEST * min(1.0, inches / width)
        if size >= _SMALLEST:
            return text, size, True
    lines = textwrap.wrap(card.formula, int(inches * 72 / (0.62 * _SMALLEST)))
    shown = lines if len(lines) <= 3 else [*lines[:2], lines[2][:-1] + "…"]
    return "\n".join(shown), _SMALLEST, False
