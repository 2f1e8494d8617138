"""The card as one figure, and its parts for a page."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from trainability.activations import pieces_of
from trainability.report.card import curves, maps
from trainability.report.card.card import FAN, Card, Default
from trainability.report.card.formula import fitted
from trainability.report.style import INK, Picture, drawing, new_figure
from trainability.report.words import number, value

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDE = 11.0
_DEFAULT = {
    "PyTorch": "PyTorch's default", "Keras, JAX": "the default of Keras and JAX", "Keras": "Keras' default",
    "JAX": "JAX's default",
}  # fmt: skip
_HEAD, _CURVES, _MAPS = 1.25, 2.7, 3.2


def whole(card: Card) -> Figure:
    """Head, curves, maps, gains and lines to copy."""
    with drawing():
        heights = [_HEAD, _CURVES, *([_MAPS] if card.defaults else []), _foot_height(card)]
        figure = new_figure(sum(heights), _WIDE)
        parts: Any = figure.subfigures(len(heights), 1, height_ratios=heights)
        _head(parts[0], card)
        _curves(parts[1], card)
        if card.defaults:
            _maps(parts[2], card)
        _foot(parts[-1], card)
    return figure


def pictures(card: Card) -> dict[str, tuple[str, Picture]]:
    """Name to (heading, figure) for a page, which has its texts as text."""
    found = {}
    with drawing():
        figure = new_figure(0.62, _WIDE)
        text, size, mathematical = fitted(card, _WIDE - 0.4)
        drawn = figure.text(0.0, 0.45, text, fontsize=size, va="center", parse_math=mathematical)
        figure.set_size_inches(drawn.get_window_extent().width / figure.dpi + 0.1, 0.62)
        found["formula"] = (
            "The formula",
            Picture(figure, "", card.formula or card.choice.entry.summary, outlines=True),
        )
        figure = new_figure(_CURVES, _WIDE)
        _curves(figure, card)
        caption = (
            f"Standard normal pre-activations in layers of {card.width} units, and in one of eight, before and after."
        )
        if card.elementwise:
            caption = (
                "Function and derivative (dots: central differences of the function); 100,000 standard normal samples "
                "and a picture of mean 0 and deviation 1, before and after."
            )
        elif card.gate:
            caption = "100,000 units of standard normal pre-activations, and eight units of a layer, before and after."
        found["function"] = ("The function", Picture(figure, caption, f"Curves of {card.name}, samples and a picture."))
        if card.defaults:
            figure = new_figure(_MAPS, _WIDE)
            _maps(figure, card)
            fan = card.width or FAN
            layers = "Wide layers" if card.width is None else f"Layers of {card.width} units"
            caption = (
                f"{layers} after mean-field theory. χ₁ is the factor on a squared gradient in each layer; σ_w² is "
                f"fan_in times the variance of a weight, σ_b² the variance of a bias (PyTorch's for {fan} inputs). "
                "Beyond a dashed line the variance grows without bound, and where that is grey χ₁ has no limit either. "
                "Marks on the variance map: where deep layers settle; correlations are mapped there, or at 1."
            )
            alt = f"Phase diagram, variance map and correlation map of {card.name}."
            found["theory"] = ("What depth does", Picture(figure, caption, alt))
    return found


def gain_rows(card: Card) -> list[tuple[str, str]]:
    """What a gain is for, and its value in words."""
    rows = [("keeps variance 1 (second moment)", f"gain {number(card.gain, 6)}")] if card.gain is not None else []
    if card.recommended:
        point = card.recommended
        bias = f", biases of deviation {number(point.sigma_b, 6)}" if point.sigma_b else ", no biases"
        rows.append(("keeps gradients (recommended)", f"gain {number(point.sigma_w, 6)}{bias}"))
    rows += [
        ("edge of chaos without biases", f"gain {number(p.sigma_w, 6)} at variance {number(p.q, 4)}"
         f"{'' if p.attracts else ', which layers leave'}")
        for p in card.critical
    ]  # fmt: skip
    rows += [
        (_DEFAULT.get(d.label, d.label), f"gain {number(d.sigma_w, 4)}: {d.phase or 'undefined'}, "
         + _where(d))
        for d in card.defaults
    ]  # fmt: skip
    return rows


def _where(default: Default) -> str:
    if default.q is not None:
        return f"variance settles at {number(default.q)}"
    return "variance grows without bound" if default.grows else "where its variance settles is not known"


def _head(part: Any, card: Card) -> None:
    named = [f"{name} = {value(v)}" for name, v in card.choice.named.items()]
    title = card.choice.entry.name if len(card.choice.entry.name) < 60 else "a formula"
    part.text(0.012, 0.93, title, fontsize=17, weight="bold", va="top")
    named += [] if card.width is None else [f"{card.width} units a layer"]
    part.text(0.988, 0.9, ", ".join(named), fontsize=9, va="top", ha="right")
    part.text(0.012, 0.58, card.choice.entry.summary, fontsize=9, va="top", alpha=0.8)
    text, size, mathematical = fitted(card, _WIDE - 0.5)
    part.text(0.012, 0.18, text, fontsize=size, va="center", parse_math=mathematical)


def _curves(part: Any, card: Card) -> None:
    choice = card.choice
    if card.elementwise:
        axes = part.subplots(1, 4, width_ratios=[1.5, 1.3, 0.9, 0.9])
        curves.draw_function(axes[0], choice)
        curves.draw_histogram(axes[1], choice)
        curves.draw_pictures(axes[2], axes[3], choice, card.image)
    elif card.gate:
        ratios = [1.0, 1.2, 1.5] if pieces_of(choice) == 2 else [1.0, 1.5]
        axes = part.subplots(1, len(ratios), width_ratios=ratios)
        if pieces_of(choice) == 2:
            curves.draw_gate(part, axes[0], choice)
        curves.draw_histogram(axes[-2], choice)
        curves.draw_layer(axes[-1], choice)
    else:
        axes = part.subplots(1, 2, width_ratios=[1.0, 1.5])
        curves.draw_histogram(axes[0], choice, card.width)
        curves.draw_layer(axes[1], choice)


def _maps(part: Any, card: Card) -> None:
    from matplotlib.lines import Line2D

    axes = part.subplots(1, 3, width_ratios=[1.35, 1.0, 1.0])
    maps.draw_phases(part, axes[0], card)
    maps.draw_variance_map(axes[1], card)
    maps.draw_correlation_map(axes[2], card)
    marked = maps.settings(card)
    handles = [
        Line2D(
            [], [], color=s.colour, marker=s.marker, markeredgecolor="white", markersize=11 if s.marker == "*" else 7
        )
        for s in marked
    ]
    names = [f"{s.label} (σ_w {number(s.sigma_w)}, σ_b {number(s.sigma_b)})" for s in marked]
    part.legend(handles, names, loc="outside upper left", ncols=len(names), handlelength=1.8, columnspacing=1.6)


def _foot_texts(card: Card) -> tuple[list[str], list[str]]:
    left = [f"{name}:\n    {text}" for name, text in gain_rows(card)]
    left += [textwrap.fill(f"note: {note}", 72) for note in card.notes]
    if card.choice.entry.reference:
        left.append(textwrap.fill(card.choice.entry.reference, 72))
    return left, [f"# {made.library}\n" + "\n".join(made.code) for made in card.lines]


def _foot_height(card: Card) -> float:
    left, right = _foot_texts(card)
    lines = max("\n".join(left).count("\n") + 1, "\n\n".join(right).count("\n") + 2)
    return 0.25 + 0.168 * lines


def _foot(part: Any, card: Card) -> None:
    left, right = _foot_texts(card)
    part.text(0.012, 0.97, "\n".join(left), fontsize=8.2, va="top", linespacing=1.35)
    text = "\n\n".join(right)
    part.text(0.415, 0.97, text, fontsize=7.1, va="top", family="DejaVu Sans Mono", linespacing=1.35, color=INK)
