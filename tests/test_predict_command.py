"""`trainability predict`: what it says, draws and refuses, and that its measurements are those of the run."""

from __future__ import annotations

import io
import math
import shlex
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib.image
import numpy as np
import polars as pl
import pytest
import typer
from rich.console import Console

import trainability
from tests.command import Cli, strict_json
from tests.made_pages import Elements, svgs
from trainability import api
from trainability.cli import main
from trainability.report.forecast.measured import measured
from trainability.report.words import number
from trainability.store import default_directory

GRID = ("--activation", "sigmoid,tanh,relu", "--init", "keras,torch,he_normal", "--depth", "10", "--width", "2")
SMALL = {"depth": [1, 3], "width": 4, "activation": ["tanh", "relu"], "init": "keras", "steps": 30, "seeds": 24}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> trainability.Result:
    return trainability.compare("xor", **SMALL, out=tmp_path_factory.mktemp("predict") / "run")


def test_every_choice_gets_its_row(cli: Cli):
    code, out, err = cli("predict", *GRID)
    assert (code, err) == (0, "")
    rows = out.splitlines()
    for activation in ("sigmoid", "tanh", "relu"):
        for init in ("keras", "torch", "he_normal"):
            (prediction,) = trainability.predict(activation, init, depth=10, width=2)
            (row,) = [row for row in rows if row.split()[:2] == [activation, init]]
            assert prediction.phase in row
            assert prediction.band is not None
            assert prediction.band.words() in row
    assert "it vanishes: this will hardly train" in " ".join(out.split())


@pytest.mark.parametrize("columns", [72, 80, 100, 140])
def test_no_number_is_cut_on_a_narrow_terminal(columns: int):
    made = api.forecast("sigmoid,gelu", init="keras,he_truncated", depth="3,100")
    screen = Console(width=columns, record=True, file=io.StringIO())
    screen.print(made.table(columns))
    text = screen.export_text()
    assert max(len(line) for line in text.splitlines()) <= columns
    assert all(number(row.prediction.gradient_ratio, 2) in text for row in made)
    assert "…" not in text


def test_json_holds_the_whole_prediction(cli: Cli):
    code, out, err = cli("predict", *GRID, "--json")
    assert (code, err) == (0, "")
    made = strict_json(out)
    assert len(made["choices"]) == 9
    (said,) = trainability.predict("relu", "he_normal", depth=10, width=2)
    assert made["choices"][-1] == said.to_dict()


@pytest.mark.parametrize("ending", ["html", "png", "svg"])
@pytest.mark.parametrize(
    "flags", [GRID, ("--activation", "relu", "--residual", "--norm", "layer"), ("--activation", "binary_step")]
)
def test_a_report_is_written(cli: Cli, tmp_path: Path, ending: str, flags: tuple[str, ...]):
    path = tmp_path / f"page.{ending}"
    code, out, err = cli("predict", *flags, "--report", path)
    assert (code, err) == (0, "")
    assert out.endswith(f"report: {path}\n")
    if ending == "png":
        assert _ink(path) > 0.005
        return
    text = path.read_text("utf-8")
    for svg in svgs(text):
        ElementTree.fromstring(svg)
    if ending == "html":
        page = Elements(text)
        assert not [tag for tag, _ in page.tags if tag in ("script", "img", "iframe")]
        assert not [
            v for _, given in page.tags for k, v in given.items() if k in ("src", "href") and v.startswith("http")
        ]
        assert len(page.rows) == 1 + 2 * (9 if flags == GRID else 1)  # a choice's numbers, and what to expect


def _ink(path: Path) -> float:
    """The share of pixels that are not white."""
    return float((matplotlib.image.imread(path)[..., :3].min(axis=-1) < 0.9).mean())


# Beside what was measured.


def test_a_run_is_compared_cell_by_cell(run: trainability.Result):
    made = api.against(run)
    assert len(made) == 4
    for row in made:
        assert row.measured is not None
        cell = run.table.filter(
            (pl.col("activation") == row.levels["activation"]) & (pl.col("depth") == row.levels["depth"])
        ).row(0, named=True)
        trials = run.trials.filter(pl.col("cell") == cell["cell"])
        first = np.array(trials["gradient_rms"].list.first().to_list(), float)
        with np.errstate(all="ignore"):
            ratio = np.sort((first / first[:, -1:])[first[:, -1] > 0], axis=0)
        assert row.measured.networks == len(first) == 24
        assert row.measured.without == len(first) - len(ratio)
        assert row.measured.median[-1] == 1
        assert row.measured.median[0] == ratio[math.ceil(len(ratio) / 2) - 1, 0]
        assert row.measured.low[0] <= row.measured.median[0] <= row.measured.high[0]
        (said,) = trainability.predict(row.levels["activation"], "keras", row.levels["depth"], 4, problem="xor")
        assert row.prediction == said
        assert row.measured.factor == pytest.approx(row.measured.median[0] / said.gradient_ratio_median)
        assert row.measured.solved == cell["solved"]
    assert "off the predicted one by a factor of" in made.conclusion
    strict_json(made.to_json())


@pytest.mark.parametrize("kind", ["gradient", "depth"])
def test_both_are_drawn(run: trainability.Result, kind: str, tmp_path: Path):
    figure = api.against(run).plot(kind)
    figure.savefig(tmp_path / "figure.png")
    assert _ink(tmp_path / "figure.png") > 0.01


def test_a_run_is_named_by_its_directory_or_its_name(cli: Cli, run: trainability.Result, fresh_home: Path):
    default_directory("abc").parent.mkdir(parents=True)
    default_directory("abc").symlink_to(run.directory)
    shown = [cli("predict", "--against", name) for name in (run.directory, "abc")]
    assert [code for code, _, _ in shown] == [0, 0]
    assert shown[0][1:] == shown[1][1:]
    assert "measured" in shown[0][1]


def test_what_is_asked_can_be_measured_at_once(cli: Cli, tmp_path: Path):
    words = ("--activation", "tanh", "--init", "keras,torch", "--depth", "2", "--width", "3", "--measure")
    training = ("--seeds", "8", "--steps", "10", "--lr", "0.1", "--optimizer", "sgd")
    code, out, _ = cli("predict", *words, *training, "--json", "--report", tmp_path / "page.html")
    assert code == 0
    made = strict_json(out)
    assert [choice["measured"]["networks"] for choice in made["choices"]] == [8, 8]
    assert all(choice["optimizer"] == "sgd" for choice in made["choices"])
    settings = {"init": "keras,torch", "depth": 2, "width": 3, "seeds": 8, "steps": 10, "lr": 0.1, "optimizer": "sgd"}
    run = trainability.compare("xor", activation="tanh", **settings)
    assert made["run"] == str(run.directory)
    assert "measured" in (tmp_path / "page.html").read_text("utf-8")


def test_no_panel_is_empty():
    figure = api.forecast(activation="binary_step,tanh", depth=4).plot("gradient")
    said = [[text.get_text() for text in axes.texts] for axes in figure.axes if axes.get_title()]
    assert said == [["no gradient reaches\na hidden layer"], []]


def test_the_choice_that_theory_refuses_is_named(cli: Cli):
    code, out, error = cli("predict", "--activation", "relu,exponential", "--init", "torch,keras", "--depth", "2,60")
    assert (code, out) == (2, "")
    assert "no finite value" in error
    assert "activation exponential, initialiser torch, depth 60" in " ".join(error.split())
    assert "initialiser" not in cli("predict", "--activation", "exponential", "--depth", "60")[2]


def test_where_theory_is_weaker_is_said(cli: Cli, tmp_path: Path):
    words = ("--activation", "log_softmax,tanh", "--depth", "6", "--width", "16,64")
    code, out, _ = cli("predict", *words, "--report", tmp_path / "page.html")
    assert code == 0
    flat = " ".join(out.split())
    assert "note: In 2 of 4 choices theory is of wide layers" in flat
    assert "note: In 2 of 4 choices units answer together" in flat
    assert "In 2 of 4 choices units answer together" in (tmp_path / "page.html").read_text("utf-8")
    made = strict_json(cli("predict", *words, "--json")[1])
    assert [len(choice["notes"]) for choice in made["choices"]] == [3, 2, 1, 0]
    assert len(made["notes"]) == 3
    alone = strict_json(cli("predict", "--activation", "log_softmax", "--json")[1])
    assert [note for note in alone["notes"] if note.startswith("Units answer together")]


def test_what_theory_does_not_cover_is_said_and_left_out(tmp_path: Path):
    settings = {"width": 3, "steps": 5, "seeds": 4}
    run = trainability.compare("xor", activation="tanh,softmax", norm="none,batch", depth="0,1", **settings)
    made = api.against(run)
    assert [(row.levels["activation"], row.levels["norm"], row.levels["depth"]) for row in made] == [
        ("tanh", "none", 1),
        ("softmax", "none", 1),
    ]
    assert sum(int(note.split()[0]) for note in made.notes if "left out" in note) == 6
    assert any("no hidden layer" in note for note in made.notes)
    wide = trainability.compare("xor", hidden="3-3,4-3", **{k: settings[k] for k in ("steps", "seeds")})
    assert [row.prediction.width for row in api.against(wide)] == [3]
    only = trainability.compare("xor", activation="tanh", norm="batch", depth=1, **settings)
    with pytest.raises(trainability.UsageError, match="theory covers no cell of this run"):
        api.against(only)


def test_dropout_is_left_out_of_the_gradients_as_vital_signs_leave_it_out():
    run = trainability.compare("xor", activation="tanh", depth=3, width=4, dropout=0.5, steps=5, seeds=4)
    (row,) = api.against(run)
    (plain,) = trainability.predict("tanh", "glorot_uniform", 3, 4, problem="xor")
    assert row.prediction.dropout == 0.5
    assert row.measured is not None
    assert row.measured.predicted == plain.gradient_median != row.prediction.gradient_median


def test_networks_without_a_gradient_are_counted_and_no_number_is_invented():
    cell = {"solved": None, "solved_low": 0.0, "solved_high": 1.0}
    gradient = np.array([[0.0, 0.0], [np.nan, 1.0], [2.0, 1.0], [0.0, 1.0], [3.0, 1.0]])
    found = measured(gradient, (1.0, 1.0), cell)
    assert (found.networks, found.without) == (5, 2)
    assert found.median == (2.0, 1.0)
    assert found.factor == 2.0
    nothing = measured(gradient[:2], (1.0, 1.0), cell)
    assert (nothing.median, nothing.factor, nothing.worst_factor) == ((), None, None)
    dead = measured(gradient[3:4], (1.0, 1.0), cell)
    assert (dead.factor, dead.worst_factor) == (None, 1.0)


# What is refused.

WRONG = [
    ("", "no activation is named; give --activation"),
    ("--activation relux", "unknown activation 'relux'; did you mean 'relu'"),
    ("--activation 'x*tanh(x)'", "write 'expr:x*tanh(x)' for a formula"),
    ("--activation 'expr:exp(x*x)'", "has no finite value at variance 1"),
    ("--activation 'expr:log(x)'", "is not a finite number at x = 0"),
    ("--activation tanh,", "a part of the list is empty"),
    ("--activation tanh --init he_norml", "unknown initialiser 'he_norml'; did you mean 'he_normal'"),
    ("--activation tanh --init constant:1", "draws nothing at random"),
    ("--activation tanh --init normal:-1", "sigma must be at least 0"),
    ("--activation tanh --bias-init normal:-1", "sigma must be at least 0"),
    ("--activation tanh --depth 0", "depth must be a whole number of at least 1"),
    ("--activation tanh --depth two", "depth must be a whole number of at least 1"),
    ("--activation tanh --width 0", "width must be a whole number of at least 1"),
    ("--activation tanh --norm batch", "mixes the samples"),
    ("--activation tanh --residual maybe", "residual must be true or false"),
    ("--activation tanh --dropout 1", "below 1"),
    ("--activation tanh --problem xr", "unknown problem 'xr'; did you mean 'xor'"),
    ("--activation tanh --seeds 8", "--seeds say how to train; add --measure, or leave them out"),
    ("--activation tanh --measure --seeds 0", "seeds '0': must be a whole number of at least 1"),
    ("--activation tanh --measure --against x", "give either --measure, which trains, or --against"),
    ("--activation tanh --against x", "--against takes every choice from the run; leave out --activation"),
    ("--against none", "there is no run 'none'"),
    ("--against .", "holds no run"),
    ("--activation tanh --report page.pdf", "'page.pdf' must end in .html, .png or .svg"),
    ("--activation tanh --report none/x.html", "there is no directory 'none'"),
    ("--activation tanh --dept 3", "no such option: --dept"),
]


@pytest.mark.parametrize(("words", "sentence"), WRONG, ids=[words or "nothing" for words, _ in WRONG])
def test_a_mistake_gets_one_sentence(
    words: str, sentence: str, cli: Cli, fresh_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    code, out, err = cli("predict", *shlex.split(words))
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert not fresh_home.exists()


COMMANDS = typer.main.get_command(main.app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", ["predict", "activation"])
def test_help_is_readable_and_explains_every_flag(command: str, cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = cli(command, "--help")
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 80
    text = " ".join(out.replace("│", " ").split())
    for option in COMMANDS[command].params:
        assert option.help.split("(default")[0].strip() in text


def test_a_gate_among_others_is_said_to_be_of_one_sample():
    made = api.forecast(activation="tanh,glu", problem="xor", depth=2)
    assert "over 4 samples, those of gates and softmax-like layers of one alone" in made.inputs
    assert "samples" not in api.forecast(activation="glu", problem="xor", depth=2).inputs
