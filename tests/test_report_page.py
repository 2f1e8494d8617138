"""The report is one file that asks for nothing, whatever users write, and is written whole or not at all."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest

from tests.made_pages import Elements, page, svgs
from tests.made_runs import blobs, every_run, run
from trainability.core.errors import StoreError
from trainability.report import KINDS, conclude, render, write_report
from trainability.report.document import asset
from trainability.report.words import axis_label, percent, ranked


@every_run
def test_a_page_is_one_small_file_that_asks_for_nothing(name):
    text = page(name)
    assert len(text.encode()) < 3_000_000
    assert "://" not in text
    for tag, attributes in Elements(text).tags:
        assert tag not in ("iframe", "object", "embed", "base")
        for key in ("src", "href", "xlink:href", "action", "data"):
            assert attributes.get(key, "#").startswith(("#", "data:")), (tag, attributes)
    assert not re.search(r"@import|url\((?!#)", text)


@every_run
def test_ids_are_unique_and_every_reference_has_its_id(name):
    ids = [a["id"] for _, a in Elements(page(name)).tags if "id" in a]
    assert len(ids) == len(set(ids))
    wanted = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page(name))
    assert {a or b for a, b in wanted} <= set(ids)


SECTIONS = {
    "xor": {"solved", "loss", "gradient", "vitals", "regions"},
    "sine": {"solved", "loss", "gradient", "vitals", "regression"},
    "blobs": {"solved", "loss", "gradient", "vitals", "regions", "confusion"},
    "plane": {"solved", "loss", "gradient", "vitals", "regions", "regression"},
    "one": {"loss", "gradient", "vitals", "regions"},
}


@pytest.mark.parametrize("name", SECTIONS)
def test_sections_that_do_not_apply_are_left_out(name):
    shown = {kind for kind, (heading, _) in KINDS.items() if f"<h2>{heading}</h2>" in page(name)}
    assert shown == SECTIONS[name]


@every_run
def test_the_table_has_every_cell_best_first(name):
    record, (head, *rows) = run(name), Elements(page(name)).rows
    assert head[: len(record.axes)] == [axis_label(axis) for axis in record.axes]
    order = ranked(record.cells)
    assert len(rows) == record.cells.height
    at = head.index("solved")
    assert [row[at] for row in rows] == [f"{percent(share)} %" for share in order["solved"]]
    assert not any("nan" in text or "None" in text for row in rows for text in row)


def test_cells_left_out_of_the_small_multiples_are_counted():
    assert "288 more are in the table only" in page("many")


def test_fixed_choices_stand_above_the_table_and_not_in_it():
    head = Elements(page("xor")).rows[0]
    assert "optimizer" not in head
    assert "optimizer adam" in page("xor")
    assert "l2 2.3e-5" in page("xor")


def test_a_cell_without_trials_is_a_row_of_dashes():
    record = run("depths")
    measured = ("solved", "median_steps", "final_loss", "accuracy", "gradient_ratio", "dead", "nan")
    empty = pl.col("cell") == 2
    cells = record.cells.with_columns(
        pl.when(empty).then(None).otherwise(pl.col(c)).alias(c) for c in measured
    ).with_columns(pl.when(empty).then(0).otherwise(pl.col("n")).alias("n"))
    record = dataclasses.replace(record, cells=cells, trials=record.trials.filter(pl.col("cell") != 2))
    rows = Elements(render(record)).rows
    assert rows[-1][0] == "3"
    assert rows[-1].count("–") >= 6
    assert conclude(record.cells, record.trials, record.axes)


def test_the_same_record_gives_the_same_page():
    assert render(run("blobs")) == page("blobs")


def test_what_users_write_is_text_and_not_markup():
    data = dataclasses.replace(
        blobs(), classes=("_a & b", "<script>x</script>", "花 $x^2$"), features=("<b>", "_" * 90)
    )
    record = dataclasses.replace(run("blobs"), dataset=data, question="<img src=x>", problem="a</title><i>")
    text = render(record)
    tags = [tag for tag, _ in Elements(text).tags]
    assert "img" not in tags
    assert tags.count("script") == 1
    assert tags.count("i") == record.cells.height  # the bars
    for svg in svgs(text):
        ElementTree.fromstring(svg)
    assert "花 $x^2$" in text


def test_dark_colours_are_for_screens_only():
    css = asset("page.css")
    assert "@media screen and (prefers-color-scheme: dark)" in css
    assert css.count("prefers-color-scheme") == 1


def test_writing_is_whole_or_nothing(tmp_path, monkeypatch):
    target = tmp_path / "new" / "report.html"
    assert write_report(run("one"), target) == target
    assert target.read_text("utf-8") == page("one")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(StoreError, match=r"cannot write the report .* No space left"):
        write_report(run("sine"), target)
    assert target.read_text("utf-8") == page("one")
    assert [p.name for p in target.parent.iterdir()] == ["report.html"]


def test_a_place_that_is_no_folder_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write the report"):
        write_report(run("one"), tmp_path / "file" / "report.html")


def test_importing_reports_loads_nothing_heavy():
    code = "import sys, trainability.report; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"matplotlib", "polars", "rich", "scipy", "jax"} & set(loaded.split())


def test_no_asset_is_missing_from_the_package():
    folder = Path(sys.modules["trainability.report"].__file__ or "").parent
    assert {p.name for p in folder.iterdir() if p.suffix in (".css", ".js")} == {"page.css", "page.js"}
