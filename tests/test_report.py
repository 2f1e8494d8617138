"""Reports from made runs whose truth is known; no engine is asked."""

from __future__ import annotations

import dataclasses
import functools
import io
import itertools
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from trainability.core.errors import DataError, StoreError, UnknownName
from trainability.core.records import portrait_points, region_grid
from trainability.core.statistics import wilson
from trainability.core.types import Dataset
from trainability.report import KINDS, RunRecord, conclude, plot, render, table, write_report
from trainability.report.conclusion import _cochran
from trainability.report.gather import MOST_STEPS, history, quantiles
from trainability.report.page import _asset
from trainability.report.style import INK, Picture, drawing, ink_on, to_svg
from trainability.report.words import axis_label, cell_name, number, percent, ranked

VITALS = (
    "gradient_rms",
    "pre_activation_mean",
    "pre_activation_std",
    "activation_mean",
    "activation_std",
    "dead",
    "saturated",
    "correlation",
)


def xor() -> Dataset:
    x = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([0, 1, 1, 0])
    return Dataset("xor", "binary", x, y, x[:0], y[:0], ("first", "second"), ("0", "1"), ("class",), "accuracy>=1")


def blobs() -> Dataset:
    draw = np.random.default_rng(1)
    y = np.arange(240) % 3
    angle = 2 * np.pi * y / 3
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.35 * draw.normal(size=(240, 2))
    return Dataset("blobs", "classes", x[:180], y[:180], x[180:], y[180:], ("length", "width"),
                   ("setosa", "versicolor", "virginica"), ("species",), "accuracy>=0.9")  # fmt: skip


def sine() -> Dataset:
    x = np.linspace(-3, 3, 200)[:, None]
    y = np.sin(x) + 0.05 * np.random.default_rng(2).normal(size=x.shape)
    return Dataset("sine", "regression", x[::2], y[::2], x[1::2], y[1::2], ("x",), (), ("y",), "r2>=0.95")


def answers(data: Dataset, x: np.ndarray, good: bool) -> np.ndarray:
    """What a network that learned, or one that answers a constant, would say: (points, outputs)."""
    if data.task == "regression":
        return np.sin(x[:, :1]) * (1.0 if good else 0.02)
    if data.name == "xor":
        return (
            1 / (1 + np.exp(8 * (x[:, :1] - 0.5) * (x[:, 1:2] - 0.5) * 4))
            if good
            else np.full((len(x), 1), 0.5001) - 1e-3 * x[:, :1]
        )
    centres = np.stack([np.cos(2 * np.pi * np.arange(3) / 3), np.sin(2 * np.pi * np.arange(3) / 3)], axis=1)
    return -((x[:, None] - centres) ** 2).sum(-1) * (1 if good else 0) + np.array([0, 0, 1.0]) * (not good)


def made(
    data: Dataset,
    grid: dict[str, list],
    rate: Callable[[dict], float],
    *,
    n: int = 60,
    fixed: dict[str, object] | None = None,
    nan: float = 0.0,
    seed: int = 0,
) -> RunRecord:
    """A run over the product of `grid`, solved at `rate(cell)`; a share `nan` of the trials breaks."""
    draw = np.random.default_rng(seed)
    axes = tuple(a for a, found in grid.items() if len(found) > 1)
    cells, trials, portraits = [], [], []
    checkpoint = [0, 1, 2, 4, 8, 16, 32, 64, 125, 250, 500, 1000, 2000]
    when = np.array(checkpoint)
    for cell, choice in enumerate(itertools.product(*grid.values())):
        setting = dict(zip(grid, choice, strict=True))
        share = rate(setting)
        layers = int(setting.get("depth", (fixed or {}).get("depth", 3))) + 1
        shrink = {"sigmoid": 0.2, "tanh": 0.85}.get(setting.get("activation", "tanh"), 0.6)
        rows = []
        for trial in range(n):
            broken = draw.random() < nan
            solved = bool(draw.random() < share) and not broken
            speed = float(np.exp(draw.normal(5 + 0.1 * layers, 0.5)))
            floor = 1e-3 if solved else 0.25
            loss = floor + (0.25 - floor) / (1 + (when / speed) ** 3) * np.exp(draw.normal(0, 0.1))
            last = 6 if broken else len(checkpoint)
            if broken:
                loss[5:] = np.nan
            vital = {name: draw.random((last, layers)) for name in VITALS}
            back = np.arange(layers)[::-1]
            vital["gradient_rms"] = np.exp(draw.normal(-2, 0.3, (last, layers))) * shrink**back
            apart = shrink ** (1 + np.arange(layers)) * (0.2 + when[:last, None] / 3000)
            vital["correlation"] = np.clip(1 - apart, -1, 1)
            vital["dead"] *= 0.4 * (setting.get("activation") == "relu")
            first = int(speed) + 1 if solved else None
            rows.append({
                "cell": cell, "trial": trial, "ended": "nan" if broken else "solved" if solved else "steps",
                "solved": solved, "end_step": 20 if broken else 2000, "first_step": first,
                "train_loss": float(loss[-1]),
                "train_score": float("nan") if broken else 1.0 if solved else 0.5,
                "validation_loss": None, "validation_score": None,
                "checkpoint": checkpoint[:last], "history_train_loss": loss[:last].tolist(),
                "history_validation_loss": (1.3 * loss[:last]).tolist() if len(data.x_validation) else None,
                **{name: values.tolist() for name, values in vital.items()},
            })  # fmt: skip
        trials += rows
        solved = np.array([r["solved"] for r in rows])
        low, high = wilson(solved.sum(), n)
        steps = np.array([r["first_step"] for r in rows if r["solved"]], float)
        q1, middle, q3 = np.quantile(steps, [0.25, 0.5, 0.75]) if len(steps) else (None, None, None)
        ratio = np.median([r["gradient_rms"][0][0] / r["gradient_rms"][0][-1] for r in rows])
        cells.append({
            "cell": cell, **(fixed or {}), **setting, "n": n, "solved": float(solved.mean()),
            "solved_low": float(low), "solved_high": float(high),
            "median_steps": middle, "steps_q1": q1, "steps_q3": q3,
            "final_loss": _median([r["train_loss"] for r in rows]),
            "accuracy": _median([r["train_score"] for r in rows]), "gradient_ratio": float(ratio),
            "dead": float(np.mean([r["dead"][-1] for r in rows])),
            "nan": float(np.mean([r["ended"] == "nan" for r in rows])),
        })  # fmt: skip
        for good in (True, False):
            if (solved == good).any():
                points = portrait_points(data)[0]
                region = None
                if data.x_train.shape[1] == 2:
                    mesh = np.stack(np.meshgrid(*region_grid(data.x_train)), axis=-1).reshape(-1, 2)
                    region = answers(data, mesh, good).ravel().tolist()
                portraits.append(
                    {
                        "cell": cell,
                        "trial": int(np.flatnonzero(solved == good)[0]),
                        "solved": good,
                        "answers": answers(data, points, good).ravel().tolist(),
                        "region": region,
                    }
                )
    lists = {
        "checkpoint": pl.List(pl.Int64),
        "history_train_loss": pl.List(pl.Float32),
        "history_validation_loss": pl.List(pl.Float32),
        **dict.fromkeys(VITALS, pl.List(pl.List(pl.Float32))),
    }
    table = pl.DataFrame(trials, schema_overrides=lists, infer_schema_length=None)
    cell_table = pl.DataFrame(
        cells,
        infer_schema_length=None,
        schema_overrides=dict.fromkeys(("median_steps", "steps_q1", "steps_q3"), pl.Float64),
    )
    asked = pl.DataFrame(portraits, schema={
        "cell": pl.Int32, "trial": pl.Int32, "solved": pl.Boolean, "answers": pl.List(pl.Float32),
        "region": pl.List(pl.Float32)})  # fmt: skip
    return RunRecord(
        question=f"Which of {len(cells)} networks learns {data.name}?",
        command=f"trainability compare {data.name} --trials {n}",
        python="import trainability as t\n\nresult = t.compare('xor', depth=[1, 2, 4, 9])\nprint(result)",
        spec_toml=f'problem = "{data.name}"\ntrials = {n}\n',
        problem=data.name, dataset=data, cells=cell_table, trials=table, portraits=asked, axes=axes,
        conclusion=conclude(cell_table, table, axes), engine="reference",
        facts={"seconds": "12.3", "network-steps per second": "87,000", "jax": "0.10"},
    )  # fmt: skip


def _median(values: list[float]) -> float:
    known = [v for v in values if not np.isnan(v)]
    return float(np.median(known)) if known else float("nan")


def xor_rate(cell: dict) -> float:
    depth, name = cell.get("depth", 2), cell.get("activation", "tanh")
    if name == "sigmoid":
        return {1: 0.97, 2: 0.9}.get(depth, 0.0)
    return {"tanh": 1.0, "gelu": 1.0 - 0.01 * depth, "sine": 1.0, "relu": 1 - 0.06 * depth}.get(name, 0.7)


FIXED = {"width": 5, "init": "glorot_uniform", "loss": "mse", "optimizer": "adam", "lr": 0.01, "norm": "none",
         "dropout": 0.0, "l2": 2.3e-5, "batch": 4}  # fmt: skip
NAMES = ["relu", "tanh", "sigmoid", "gelu", "sine"]


def run_xor() -> RunRecord:
    return made(xor(), {"depth": [1, 2, 4, 9], "activation": NAMES}, xor_rate, fixed=FIXED)


def run_sine() -> RunRecord:
    return made(sine(), {"activation": ["relu", "tanh", "sine"], "depth": [2]}, xor_rate, fixed=FIXED)


def run_blobs() -> RunRecord:
    grid = {"init": ["he_normal", "glorot_uniform"], "depth": [2, 8], "norm": ["none", "batch"]}
    return made(blobs(), grid,
                lambda c: 0.2 if c["norm"] == "none" and c["depth"] == 8 else 0.9, n=20, nan=0.1)  # fmt: skip


def run_one() -> RunRecord:
    return made(xor(), {"depth": [2]}, lambda _: 0.8, fixed=FIXED)


def run_depths() -> RunRecord:
    return made(xor(), {"depth": [1, 2, 3, 5, 9, 14, 20]}, lambda c: 1 / (1 + (c["depth"] / 6) ** 4), fixed=FIXED)


def run_many() -> RunRecord:
    names = [f"activation_{k}" for k in range(15)]
    grid = {
        "depth": [1, 3, 9, 30],
        "activation": names,
        "init": ["he", "lecun", "glorot", "orthogonal", "zeros"],
    }
    return made(xor(), grid, lambda c: 0.98 if c["depth"] < 9 else 0.5 if c["init"] != "zeros" else 0, n=12)


def run_nan() -> RunRecord:
    return made(xor(), {"lr": [1.0, 10.0], "activation": ["relu", "tanh"]}, lambda _: 0.5, nan=1.0)


def run_unsolved() -> RunRecord:
    return made(blobs(), {"depth": [20, 40], "activation": ["sigmoid", "relu"]}, lambda _: 0.0)


def plane() -> Dataset:
    x = np.random.default_rng(3).uniform(-1, 1, (120, 2))
    y = np.sin(x[:, :1])
    none = (x[:0], y[:0])
    return Dataset("plane", "regression", x, y, *none, ("a", "b"), (), ("height",), "r2>=0.9")


def run_plane() -> RunRecord:
    return made(plane(), {"activation": ["tanh", "relu"], "depth": [1, 3]}, lambda _: 0.5, n=12)


MAKERS = {
    f.__name__.removeprefix("run_"): f
    for f in (
        run_xor,
        run_sine,
        run_blobs,
        run_plane,
        run_one,
        run_depths,
        run_many,
        run_nan,
        run_unsolved,
    )
}
every_run = pytest.mark.parametrize("name", MAKERS)


@functools.cache
def run(name: str) -> RunRecord:
    return MAKERS[name]()


@functools.cache
def page(name: str) -> str:
    return render(run(name))


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text of the table's cells."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.rows: list[list[str]] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, {k: v or "" for k, v in attrs}))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def svgs(text: str) -> list[str]:
    return re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)


# The page


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


def test_dark_colours_are_for_screens_only():
    css = _asset("page.css")
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


# Figures


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


def test_two_figures_on_a_page_do_not_share_ids():
    with drawing():
        figure = plot(run("one"), "loss")
        one, two = (to_svg(Picture(figure, "", "alt"), name) for name in ("one", "two"))
    ids = [set(re.findall(r'id="([^"]+)"', svg)) for svg in (one, two)]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_importing_reports_loads_nothing_heavy():
    code = "import sys, trainability.report; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"matplotlib", "polars", "rich", "scipy", "jax"} & set(loaded.split())


# Histories


def rows_of(*trials: tuple[list[int], list[float], str, int]) -> pl.DataFrame:
    names = ("checkpoint", "history_train_loss", "ended", "end_step")
    return pl.DataFrame([dict(zip(names, t, strict=True)) for t in trials])


def test_an_early_end_keeps_its_value_and_a_nan_does_not():
    rows = rows_of(
        ([0, 1, 4], [3.0, 2.0, 1.0], "steps", 4),
        ([0, 1, 2], [3.0, 1.0, 0.5], "stopped", 2),
        ([0, 1], [3.0, 9.0], "nan", 2),
    )
    steps, values = history(rows, "history_train_loss")
    assert steps.tolist() == [0, 1, 2, 4]
    expected = [[3, 2, 2, 1], [3, 1, 0.5, 0.5], [3, 9, np.nan, np.nan]]
    np.testing.assert_array_equal(values, expected)


def test_layers_stay_with_their_steps():
    nested = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]
    rows = rows_of(([0, 5], [0.0, 0.0], "steps", 5), ([0, 5], [0.0, 0.0], "steps", 5))
    steps, values = history(rows.with_columns(pl.Series("dead", nested)), "dead")
    assert steps.tolist() == [0, 5]
    np.testing.assert_array_equal(values, nested)


def test_many_steps_are_thinned_but_keep_both_ends():
    marks = list(range(0, 5000, 3))
    steps, values = history(rows_of((marks, [float(m) for m in marks], "steps", 5000)), "history_train_loss")
    assert len(steps) <= MOST_STEPS
    assert steps[[0, -1]].tolist() == [0, marks[-1]]
    np.testing.assert_array_equal(values[0], steps)


@given(st.lists(st.floats(-1e6, 1e6) | st.just(np.inf), min_size=1, max_size=30), st.floats(0.01, 0.99))
def test_quantiles_agree_with_numpy_and_bear_infinity(values, share):
    found = quantiles(np.array([*values, np.nan]), (share,))[0]
    assert found == np.quantile(np.array(values), share, method="inverted_cdf")


# Words


@given(st.floats(0, 1))
def test_only_all_and_none_read_as_all_and_none(share):
    assert (percent(share) == "100") == (share == 1)
    assert (percent(share) == "0") == (share == 0)
    assert abs(float(percent(share)) - 100 * share) <= 0.5 + 1e-9


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30))
def test_numbers_keep_three_digits(x):
    text = number(x)
    assert float(text.replace(",", "")) == pytest.approx(x, rel=5.1e-3, abs=1e-300)
    assert not re.search(r"e[+-]?0\d|\.0*e", text)


def test_numbers_read_well():
    assert [number(x) for x in (2.3e-5, 0.0123, 12345.0, 0.0, None, float("nan"), float("inf"))] == [
        "2.3e-5",
        "0.0123",
        "12,345",
        "0",
        "–",
        "–",
        "∞",
    ]


# The terminal


@pytest.mark.parametrize("width", [50, 60, 79, 80, 99, 100, 140])
@every_run
def test_the_terminal_table_fits_and_cuts_no_number(name, width):
    record = run(name)
    made = table(record.cells, record.axes, {}, width=width)
    buffer = io.StringIO()
    Console(file=buffer, width=width).print(made)
    head, _, *lines = buffer.getvalue().splitlines()
    assert max(map(len, [head, *lines])) <= width
    rows = lines[: min(20, record.cells.height)]
    for column in made.columns[len(record.axes) :]:
        assert column.header.plain in head
        for line, cell in zip(rows, column.cells, strict=True):
            assert cell.plain.rstrip() in line
    best = ranked(record.cells).head(20)["solved"]
    at = len(record.axes)
    assert [cell.plain for cell in made.columns[at].cells] == [f"{percent(s)} %" for s in best]
    assert (f"… and {record.cells.height - 20} more" in lines[-1]) == (record.cells.height > 20)


def test_nan_is_a_column_only_where_it_happens():
    heads = [[c.header.plain for c in table(run(n).cells, run(n).axes, width=140).columns] for n in ("xor", "nan")]
    assert ["NaN" in h for h in heads] == [False, True]


# The conclusion


def outcomes(shares: dict[str, list[bool]], steps: dict[str, list[int]] | None = None) -> tuple:
    """Cells and trials with exactly these outcomes, named by an activation each."""
    cells, trials = [], []
    for cell, (name, solved) in enumerate(shares.items()):
        low, high = wilson(sum(solved), len(solved))
        taken = (steps or {}).get(name, [100] * len(solved))
        cells.append(
            {
                "cell": cell,
                "activation": name,
                "n": len(solved),
                "solved": float(np.mean(solved)),
                "solved_low": float(low),
                "solved_high": float(high),
                "median_steps": float(np.median(taken)) if any(solved) else None,
                "accuracy": 1.0,
                "final_loss": 0.1,
                "nan": 0.0,
            }
        )
        trials += [
            {"cell": cell, "trial": t, "solved": s, "first_step": k if s else None, "end_step": 999}
            for t, (s, k) in enumerate(zip(solved, taken, strict=True))
        ]
    return pl.DataFrame(cells), pl.DataFrame(trials), ("activation",)


def share(k: int, n: int = 100) -> list[bool]:
    return [i < k for i in range(n)]


def test_a_clear_winner_is_named_with_its_interval():
    text = conclude(*outcomes({"relu": share(40), "tanh": share(99), "sigmoid": share(0)}))
    assert text == (
        "tanh learns best and solves 99 % (94.6 to 99.8 %); relu solves 40 % (31 to 50 %); "
        "sigmoid solves none (0 to 3.7 %)."
    )


def test_cells_that_cannot_be_told_from_the_best_are_counted():
    text = conclude(*outcomes({"relu": share(99), "tanh": share(100), "gelu": share(98), "step": share(0)}))
    assert text.startswith("tanh and 2 others solve every trial or cannot be told from that (95 % interval")
    assert "step solves none" in text


def test_pairs_decide_and_not_the_shares_alone():
    """The same two shares: nested failures can be told apart, scattered ones cannot."""
    nested = conclude(*outcomes({"tanh": share(60), "relu": share(50)}))
    draw = np.random.default_rng(0)
    shuffled = list(draw.permutation(share(50)))
    scattered = conclude(*outcomes({"tanh": share(60), "relu": [bool(s) for s in shuffled]}))
    assert "learns best" in nested
    assert "cannot be told apart" in scattered


def test_chance_does_not_name_a_loser():
    """Of sixty equal cells some lie far below the best by chance; hardly ever is one called worse.

    Without Cochran's test first, about a third of such runs name one.
    """
    draw = np.random.default_rng(5)
    wrong = 0
    for _ in range(40):
        same = {f"a{k}": [bool(s) for s in draw.random(60) < 0.5] for k in range(60)}
        wrong += "does not show that the choice matters" not in conclude(*outcomes(same))
    assert wrong <= 6  # 2 are expected at 5 %


def test_one_bad_cell_does_not_make_its_equal_neighbours_worse():
    """Thirty equal cells and a broken one: Holm pays for the many comparisons with the best."""
    draw = np.random.default_rng(7)
    blamed = 0
    for _ in range(20):
        cells = {f"a{k}": [bool(s) for s in draw.random(100) < 0.5] for k in range(30)} | {"broken": share(0)}
        text = conclude(*outcomes(cells))
        assert "broken solves none" in text
        blamed += "29 others cannot be told" not in text
    assert blamed <= 10


def test_nothing_solved_crowns_nobody():
    text = conclude(*outcomes({"relu": share(0), "tanh": share(0)}))
    assert text.startswith("None of the 2 cells solved a single trial (each 0 to 3.7 %")
    assert "tanh" not in text
    assert "relu" not in text


def test_all_solved_is_a_tie_that_speed_may_break():
    draw = np.random.default_rng(1)
    slow = [int(k) for k in draw.integers(150, 200, 100)]
    fast = [int(k) for k in draw.integers(90, 130, 100)]
    cells = {"relu": share(100), "tanh": share(100)}
    text = conclude(*outcomes(cells, {"relu": slow, "tanh": fast}))
    assert "they tie" in text
    assert "tanh is fastest" in text
    text = conclude(*outcomes(cells, {"relu": fast, "tanh": list(draw.permutation(fast))}))
    assert "none can be told from the fastest" in text


def test_chance_does_not_name_a_slower_one():
    """Without Friedman's test first, about one in five such runs names one."""
    draw = np.random.default_rng(6)
    names = [f"a{k}" for k in range(40)]
    solved = {name: share(100) for name in names}
    wrong = 0
    for _ in range(40):
        steps = {name: [int(k) for k in draw.integers(90, 300, 100)] for name in names}
        wrong += "none can be told from the fastest" not in conclude(*outcomes(solved, steps))
    assert wrong <= 5  # 2 are expected at 5 %
    assert "none can be told" in conclude(*outcomes(solved))


def test_few_trials_are_said_to_be_few():
    text = conclude(*outcomes({"relu": share(0, 4), "tanh": share(4, 4)}))
    assert "cannot be told apart" in text
    assert "4 trials a cell are few: take 30 or more" in text
    assert "few" not in conclude(*outcomes({"relu": share(0, 40), "tanh": share(40, 40)}))


def test_a_single_cell_is_reported_by_itself():
    assert run("one").conclusion.startswith("The network solves 78 % (66 to 87 %) over 60 trials")


def test_no_cells_and_no_trials_are_no_conclusion():
    cells, trials, axes = outcomes({"relu": share(3)})
    assert conclude(cells.clear(), trials, axes) == "No cell has been run, so nothing can be said."
    nothing = cells.with_columns(pl.lit(None).cast(pl.Float64).alias("solved"))
    assert conclude(nothing, trials.clear(), axes) == "No trial has ended, so nothing can be said."


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_cochran_of_two_cells_is_mcnemar_without_correction(pairs):
    from scipy.stats import chi2

    cells, trials, _ = outcomes({"a": [p[0] for p in pairs], "b": [p[1] for p in pairs]})
    b, c = sum(x and not y for x, y in pairs), sum(y and not x for x, y in pairs)
    expected = float(chi2.sf((b - c) ** 2 / (b + c), 1)) if b + c else 1.0
    assert _cochran(cells.rows(named=True), trials) == pytest.approx(expected)


def test_cells_are_named_as_one_says_them():
    cell = {"activation": "tanh", "depth": 9, "lr": 1e-3, "init": "he_normal"}
    assert cell_name(cell, ("depth", "activation")) == "tanh at depth 9"
    assert cell_name(cell, ("lr", "depth", "activation")) == "tanh at depth 9, learning rate 0.001"
    assert cell_name(cell, ("init",)) == "he_normal"
    assert cell_name(cell, ("init", "depth")) == "depth 9, initialiser he_normal"
    assert cell_name(cell, ()) == "the network"


def test_no_asset_is_missing_from_the_package():
    folder = Path(sys.modules["trainability.report"].__file__ or "").parent
    assert {p.name for p in folder.iterdir() if p.suffix in (".css", ".js")} == {"page.css", "page.js"}
