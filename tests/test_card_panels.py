"""The panels of a card: nothing made up, nothing cut off, nothing on top of other things, and quickly drawn."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from trainability import theory
from trainability.report.card import card, sheet
from trainability.report.style import ON_COLOUR


def _panel(name: str, words: str) -> Any:
    (found,) = [axes for axes in card(name).figure().axes if words in axes.get_title()]
    return found


@pytest.mark.parametrize(
    ("name", "title", "styles"),
    [
        ("log_softmax", "phases; no edge of chaos here", set()),
        ("hardshrink", "phases; no edge of chaos here", set()),
        ("relu", "phases; the edge of chaos is a point", set()),
        ("tanh", "phases; the line is the edge of chaos", {"-"}),
        ("gelu", "edge of chaos; layers leave its dotted part", {"-", ":"}),
    ],
)
def test_the_edge_of_chaos_is_drawn_where_there_is_one(name: str, title: str, styles: set[str]):
    panel = _panel(name, "edge of chaos")
    assert panel.get_title() == title
    drawn = [line for line in panel.get_lines() if len(line.get_xdata()) > 1 and np.isfinite(line.get_ydata()).any()]
    assert {line.get_linestyle() for line in drawn} == styles


@pytest.mark.parametrize("name", ["expr:where(x > 100, 1, x)", "log_softmax", "hardshrink", "selu", "softmax"])
def test_no_words_of_the_phases_lie_on_each_other(name: str):
    panel = _panel(name, "edge of chaos")
    figure = panel.figure.figure
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in panel.texts]
    assert boxes
    assert not [1 for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]


@pytest.mark.parametrize("name", ["gelu", "log_softmax", "expr:1.0123456*x1*tanh(x2)*sigmoid(x3)"])
def test_no_text_is_cut_off(name: str):
    figure = card(name).figure()
    figure.canvas.draw()
    for part in (figure, *figure.subfigs):
        assert all(text.get_window_extent().x1 <= figure.bbox.x1 for text in part.texts)


@pytest.mark.parametrize("name", ["sin", "exponential", "expr:exp(x*x)", "expr:1000*x"])
def test_no_curve_crosses_the_legend(name: str):
    panel = _panel(name, "function and derivative")
    panel.figure.figure.canvas.draw()
    legend = panel.get_legend().get_window_extent()
    for line in panel.get_lines()[:3]:
        assert line.get_clip_box().y1 <= legend.y0 + 1


def test_samples_that_go_far_leave_those_before_to_be_seen():
    panel = _panel("expr:1000*x", "samples before and after")
    assert panel.get_xlim()[1] < 15
    assert re.fullmatch(r"after: 99 % lie farther out", panel.get_xlabel())
    assert not _panel("tanh", "samples before and after").get_xlabel()


def test_a_long_formula_with_kinks_is_drawn_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def refuse(*_: Any) -> Any:
        raise AssertionError("a double integral for each of a curve's points takes minutes")

    monkeypatch.setattr(theory.products.local, "double", refuse)
    made = card("expr:" + "+".join(f"tanh(x*{i}.5)*where(x > {i}, x, exp(-x*x))" for i in range(1, 13)))
    assert (matplotlib.image.imread(made.save(tmp_path / "card.png"))[..., :3] < 0.9).any(axis=-1).mean() > 0.02


def test_words_on_a_white_ground_stay_dark_on_a_dark_page():
    made = sheet(["tanh", "softmax"]).picture()
    grounded = [text for axes in made.figure.axes for text in axes.texts if text.get_bbox_patch()]
    assert len(grounded) == 2
    assert all(text.get_color() == ON_COLOUR for text in grounded)
