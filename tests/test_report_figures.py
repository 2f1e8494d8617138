"""The figures of a report: sound, readable, in the ink of the page, and left out where there is nothing to draw."""

from __future__ import annotations

import dataclasses
import io
import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import polars as pl
import pytest

from tests.made_pages import page, svgs
from tests.made_runs import VITALS, every_run, made, run, xor
from trainability.core.errors import DataError, UnknownName
from trainability.report import plot, render
from trainability.report.style import INK, Picture, drawing, ink_on, to_svg


@every_run
def test_figures_are_sound_named_and_in_the_ink_of_the_page(name):
    found = svgs(page(name))
    assert len(found) == page(name).count("<figcaption>") >= 1
    for svg in found:
        root = ElementTree.fromstring(svg)
        assert root.get("aria-label")
        assert INK not in svg
        assert "currentColor" in svg
        numbers = " ".join(re.findall(r'\s(?:d|x|y|transform)="([^"]*)"', svg))
        assert not re.search(r"nan|inf", numbers, flags=re.IGNORECASE)
        words = [t.text or "" for t in root.iter("text")]
        assert words
        assert not {"nan", "None", "inf"} & set(words)


def test_tick_labels_keep_their_digits():
    """Paths are shortened to hundredths; a label such as 0.001 is not."""
    labels = re.findall(r"<text[^>]*>([^<]*)</text>", page("sine"))
    assert "0.001" in labels
    assert "0.00" not in labels


def test_a_network_of_nan_is_drawn_as_no_answer():
    record = run("blobs")
    asked = record.portraits.with_columns(
        pl.col(c).list.eval(pl.element() * float("nan")) for c in ("answers", "region")
    )
    assert render(dataclasses.replace(record, portraits=asked)).count("<figure>") == 6


def test_trials_without_histories_leave_their_figures_out():
    record = run("one")
    bare = record.trials.with_columns(
        pl.lit(None).cast(record.trials.schema[c]).alias(c) for c in (*VITALS, "history_train_loss")
    )
    assert "<figure>" not in render(dataclasses.replace(record, trials=bare, portraits=record.portraits.clear()))


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    before = dict(matplotlib.rcParams)
    plot(run("one"), "loss")
    assert dict(matplotlib.rcParams) == before


def test_plot_names_what_there_is():
    with pytest.raises(UnknownName, match="did you mean 'loss'"):
        plot(run("one"), "los")
    with pytest.raises(DataError, match=r"nothing to draw as 'solved'; it has loss"):
        plot(run("one"), "solved")


def test_figures_need_no_display_and_no_pyplot():
    figure = plot(run("one"), "loss")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"\x89PNG")


def test_numbers_on_the_heat_map_are_readable():
    """WCAG asks for a contrast of 4.5 for small text."""

    def luminance(colour):
        part = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
        return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2]

    for share in np.linspace(0, 1, 101):
        colour = matplotlib.colormaps["cividis"](share)
        one, two = sorted([luminance(colour), luminance(matplotlib.colors.to_rgb(ink_on(colour)))])
        assert (two + 0.05) / (one + 0.05) >= 4.5


@pytest.mark.parametrize("rows", [1, 2, 3, 12])
@pytest.mark.parametrize("names", [["relu", "tanh"], ["a_rather_long_name", "another_long_name"]])
def test_the_label_of_the_colour_bar_is_not_clipped(rows, names):
    grid = {"init": names, "optimizer": [f"optimizer_{k}" for k in range(rows)]}
    record = dataclasses.replace(made(xor(), grid, lambda _: 0.5, n=2), axes=("init", "optimizer"))
    figure = plot(record, "solved")
    figure.draw_without_rendering()
    bar = figure.axes[-1]
    label, whole = bar.yaxis.label.get_window_extent(), figure.bbox
    assert bar.get_ylabel().startswith("solved")
    assert label.y0 >= whole.y0
    assert label.y1 <= whole.y1
    assert label.height <= bar.get_window_extent().height


def test_two_figures_on_a_page_do_not_share_ids():
    with drawing():
        figure = plot(run("one"), "loss")
        one, two = (to_svg(Picture(figure, "", "alt"), name) for name in ("one", "two"))
    ids = [set(re.findall(r'id="([^"]+)"', svg)) for svg in (one, two)]
    assert ids[0]
    assert not ids[0] & ids[1]
