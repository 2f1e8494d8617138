"""The command line: help, one sentence for a mistake, what is written, and that nothing heavy is loaded for nothing."""

from __future__ import annotations

import math
import shlex
from pathlib import Path

import pytest
import typer

from tests.command import Cli, strict_json
from trainability import api
from trainability.activations import ACTIVATIONS
from trainability.cli import main, vocabulary
from trainability.report.reproduce import command
from trainability.store import disk
from trainability.store.layout import FORMAT
from trainability.sweep.spec import AXES, Spec

TINY = ("xor", "--depth", "1", "--width", "2", "--steps", "20", "--seeds", "8")
"""One compiled program for all tests that train, kept between sessions in TRAINABILITY_HOME."""

OPTIONS = {
    option.name: option
    for option in typer.main.get_command(main.app).commands["compare"].params  # type: ignore[attr-defined]
}


def test_every_setting_has_a_flag():
    settings = set(Spec.model_fields)
    assert set(OPTIONS) == settings | {"spec", "json", "report", "out", "devices"}
    for name in settings - {"problem"}:
        assert f"--{name.replace('_', '-')}" in OPTIONS[name].opts


@pytest.mark.parametrize("name", OPTIONS)
def test_every_flag_is_explained(name: str):
    assert len(OPTIONS[name].help) > 10


def test_help_is_readable_at_80_columns(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    for words in (["--help"], ["compare", "--help"], ["list", "--help"]):
        code, out, _ = cli(*words)
        assert code == 0
        assert max(len(line) for line in out.splitlines()) <= 80
    text = " ".join(cli("compare", "--help")[1].replace("│", " ").split())
    for option in OPTIONS.values():
        assert option.help.split("(default")[0].strip() in text


@pytest.mark.parametrize("words", ["xor --depth 2 --residual", "xor --residual --depth 2"])
def test_residual_alone_means_true(cli: Cli, words: str, tmp_path: Path):
    tiny = ["--width", "2", "--steps", "20", "--seeds", "2", "--out", tmp_path / "run"]
    code, out, err = cli("compare", *words.split(), *tiny)
    assert (code, err) == (0, "")
    assert "residual yes" in out


def test_without_a_command_there_is_help(cli: Cli):
    code, out, err = cli()
    assert (code, err) == (0, "")
    assert "compare" in out
    assert cli("--version")[1].startswith("trainability ")


FILES = {
    "text.csv": "a,b,y\n1,2,0\nfoo,4,1\n5,6,1\n1,1,0\n",
    "ragged.csv": "a,b,y\n1,2,0\n3,4\n5,6,1\n",
    "one_class.csv": "a,b,y\n" + "1,2,0\n3,4,0\n" * 4,
    "nan.csv": "a,b,y\n1,2,0\nnan,4,1\n5,6,1\n1,1,0\n",
    "empty.csv": "",
    "good.csv": "a,b,y\n" + "1,2,0\n3,4,1\n" * 8,
    "values.csv": "a,y\n" + "".join(f"{i},{i * 0.37}\n" for i in range(40)),
    "key.toml": 'problem = "xor"\nactivations = ["relu"]\n',
    "table.toml": 'problem = "xor"\n[grid]\ndepth = 1\n',
    "broken.toml": 'problem = "xor\n',
    "no_problem.toml": "depth = 1\n",
}

WRONG = [
    ("", "no problem is named"),
    ("xr", "unknown problem 'xr'; did you mean 'xor'"),
    ("''", "unknown problem ''; known are"),
    ("xor spiral", "got unexpected extra argument(s) (spiral) (see 'trainability compare --help')"),
    ("xor --activation relux", "unknown activation 'relux'; did you mean 'relu'"),
    ("xor --init he_norml", "unknown initialiser 'he_norml'; did you mean 'he_normal'"),
    ("xor --loss huberr", "unknown loss 'huberr'; did you mean 'huber'"),
    ("xor --optimizer adaam", "unknown optimiser 'adaam'; did you mean 'adam'"),
    ("xor --norm batchh", "unknown normalisation 'batchh'; did you mean 'batch'"),
    ("xor --schedule cosin", "unknown schedule 'cosin'; did you mean 'cosine'"),
    ("xor --features polynomal", "unknown feature 'polynomal'; did you mean 'polynomial'?"),
    ("xor --activations relu", "no such option: --activations"),
    ("xor --depth", "requires an argument"),
    ("xor --depth 2.5", "depth '2.5': must be a whole number"),
    ("xor --depth 1,,2", "depth '1,,2': a part of the list is empty"),
    ("xor --lr abc", "lr 'abc': must be a number above 0"),
    ("xor --lr -0.1", "lr '-0.1': must be a number above 0"),
    ("xor --residual maybe", "residual 'maybe': must be true or false"),
    ("xor --seeds 0", "seeds '0': must be a whole number of at least 1"),
    ("xor --seeds many", "seeds 'many': must be a whole number of at least 1"),
    ("xor --batch 5", "a batch of 5 is larger than the 4 training samples of 'xor'"),
    ("xor --steps 9 --epochs 9", "give either steps or epochs, not both"),
    ("xor --hidden 4 --depth 2", "give either hidden (such as 64-32) or depth and width, not both"),
    ("xor --target nonsense", "the target 'nonsense' is not of the form accuracy>=1, r2>=0.9 or loss<=0.01"),
    ("xor --target 'accuracy>=2'", "the target 'accuracy>=2' can never hold: an accuracy is at most 1"),
    ("xor --target 'val_loss<=1'", "needs held-out samples; add a validation share, such as 0.2"),
    ("xor --early-stopping 5", "early stopping needs held-out samples; add a validation share, such as 0.2"),
    ("xor --loss bce --output sigmoid", "the loss 'bce' takes logits"),
    ("xor --noise 1", "problem 'xor' takes no noise"),
    ("xor --dtype float16", "dtype 'float16': must be float32 or float64"),
    ("xor --devices 0", "devices 0: must be a whole number of at least 1 and at most 64"),
    ("xor --devices 99", "devices 99: must be a whole number of at least 1 and at most 64"),
    ("xor --devices some", "devices 'some': must be a whole number of at least 1 and at most 64"),
    ("xor --activation expr:", "the formula is empty; write one in x, such as 'x*sigmoid(x)'"),
    ("xor --activation expr:3", "x does not occur in the formula '3'; its output is a constant"),
    ("xor --activation 'x*sigmoid(x)'", "write 'expr:x*sigmoid(x)' for a formula"),
    ("xor --json none/x.json", "'none/x.json' cannot be written: there is no directory 'none'"),
    ("xor --report none/x.html", "'none/x.html' cannot be written: there is no directory 'none'"),
    ("xor --json .", "'.' is a directory; name a file in it"),
    ("xor --report .", "'.' is a directory; name a file in it"),
    ("xor --json a --report a", "--json and --report both name 'a'; give each a file of its own"),
    (
        "xor --out good.csv",
        "good.csv is a file or lies below one, where a directory was expected; choose another --out",
    ),
    ("xor --out .", "is not empty and holds no run"),
    ("xor --spec none.toml", "there is no spec file 'none.toml'"),
    ("--spec key.toml", "unknown setting 'activations'; did you mean 'activation'"),
    ("--spec table.toml", "the spec has a table [grid]; its settings belong at the top level"),
    ("--spec broken.toml", "the spec file 'broken.toml' is not TOML: "),
    ("--spec no_problem.toml", "no problem is named"),
    ("good.csv", "'good.csv' looks like a file and not like a problem's name; write file:good.csv"),
    ("file:none.csv", "there is no file 'none.csv'"),
    ("file:text.csv", "'text.csv', column 'a', line 3: 'foo' is not a number"),
    ("file:ragged.csv", "'ragged.csv', line 3 has 2 cell(s), but line 1 has 3"),
    ("file:one_class.csv", "'one_class.csv': target 'y' is '0' in every row, so there is nothing to learn"),
    ("file:nan.csv", "'nan.csv', column 'a', line 3: the cell is empty or not a number"),
    ("file:empty.csv", "'empty.csv' is empty"),
    ("file:large.csv", "'large.csv' has 3.0 GB, more than the 2 GB allowed; use a part"),
    ("file:good.csv --target-column z", "known are a, b, y"),
    ("file:values.csv --loss bce", "the loss 'bce' is for classes, but 'file:values.csv' has values as its target"),
]


@pytest.mark.parametrize(("words", "sentence"), WRONG, ids=[words or "nothing" for words, _ in WRONG])
def test_a_mistake_gets_one_sentence(
    words: str, sentence: str, cli: Cli, fresh_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    with (tmp_path / "large.csv").open("wb") as stream:
        stream.truncate(3 * 10**9)  # sparse: it takes no space
    code, out, err = cli("compare", *shlex.split(words))
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert not fresh_home.exists()


@pytest.mark.parametrize("formula", ["x+", "foo(x)", "where(x>0,x", '__import__("os")'])
def test_a_formula_that_is_none_is_shown_with_its_place(formula: str, cli: Cli, fresh_home: Path):
    code, out, err = cli("compare", "xor", "--activation", f"expr:{formula}")
    assert (code, out) == (2, "")
    first, shown, caret = err.rstrip("\n").split("\n")
    assert first.startswith("error: ")
    assert shown.strip() == formula
    assert caret.strip() == "^"


KEYS = {"n", "solved", "solved_low", "solved_high", "median_steps", "final_loss", "accuracy", "gradient_ratio", "dead",
        "nan"}  # fmt: skip


def test_a_run_says_and_writes_what_it_found(cli: Cli, tmp_path: Path):
    path = tmp_path / "result.json"
    report = tmp_path / "report.html"
    code, out, err = cli("compare", *TINY, "--out", tmp_path / "run", "--json", path, "--report", report)
    assert (code, err) == (0, "")
    assert "8 networks; solved: accuracy>=1 at the last step" in out
    assert "quartiles" in out  # no terminal, so the table is not squeezed into 80 columns
    for place in (path, report, tmp_path / "run"):
        assert str(place) in out
    assert report.read_text("utf-8").startswith("<!")

    result = strict_json(path.read_text("utf-8"))
    assert {"spec", "cells", "engine", "net_steps_per_second", "compile_seconds", "seconds"} <= set(result)
    (cell,) = result["cells"]
    assert set(cell) >= KEYS | (set(AXES) - {"hidden"})
    assert (cell["n"], cell["depth"], cell["batch"], cell["activation"]) == (8, 1, 4, "relu")
    assert 0 <= cell["solved_low"] <= cell["solved"] <= cell["solved_high"] <= 1
    assert math.isfinite(cell["final_loss"])
    assert result["spec"]["problem"] == "xor"
    assert result["net_steps_per_second"] > 0


def test_numbers_that_are_none_are_null_in_json(cli: Cli, tmp_path: Path):
    """A learning rate at which every trial overflows."""
    path = tmp_path / "result.json"
    assert cli("compare", *TINY, "--lr", "1e38", "--out", tmp_path / "run", "--json", path)[0] == 0
    (cell,) = strict_json(path.read_text("utf-8"))["cells"]
    assert cell["nan"] == 1
    assert cell["median_steps"] is None


def test_aliases_and_repetitions_are_one_cell(cli: Cli, tmp_path: Path):
    path = tmp_path / "result.json"
    flags = ("--activation", "relu,rectifier,ReLU", "--lr", "0.001,1e-3", "--batch", "full,4")
    assert cli("compare", *TINY, *flags, "--out", tmp_path / "run", "--json", path)[0] == 0
    assert len(strict_json(path.read_text("utf-8"))["cells"]) == 1


def test_a_spec_file_with_flags_on_top(cli: Cli, tmp_path: Path):
    spec = tmp_path / "spec.toml"
    spec.write_text('problem = "xor"\ndepth = [1]\nwidth = 2\nsteps = 20\nseeds = 9\nstandardize = true\n')
    flags = ("--seeds", "8", "--no-standardize")
    assert cli("compare", "--spec", spec, *flags, "--out", tmp_path / "run")[0] == 0
    code, out, _ = cli("compare", *TINY, "--out", tmp_path / "run")
    assert code == 0
    assert "everything is in the store already" in out


def test_what_a_run_writes_down_repeats_it(cli: Cli, tmp_path: Path):
    """The spec in its directory, and the command that its report shows."""
    out = tmp_path / "run"
    flags = shlex.split(
        "--activation 'expr:where(x > 0, x, 0.1*x)' --residual false --batch full --lr 0.1,1e-5 --standardize "
        "--target 'loss <= 0.50'"
    )
    assert cli("compare", *TINY, *flags, "--out", out)[0] == 0
    code, said, _ = cli("compare", "--spec", out / "spec.toml", "--out", out)
    assert code == 0
    assert "everything is in the store already" in said
    words = shlex.split(command(api.open_result(out).spec))
    code, said, _ = cli(*words[1:], "--out", out)
    assert code == 0
    assert "everything is in the store already" in said


def test_a_store_of_another_version_is_left_alone(cli: Cli, tmp_path: Path):
    out = tmp_path / "run"
    assert cli("compare", *TINY, "--out", out)[0] == 0
    identity = out / "run.json"
    text = identity.read_text().replace(f'"format": {FORMAT}', '"format": 99')
    identity.write_text(text)
    before = sorted(path.name for path in out.rglob("*"))
    code, _, err = cli("compare", *TINY, "--out", out)
    assert code == 2
    assert "holds a run of format 99" in err
    assert identity.read_text() == text
    assert sorted(path.name for path in out.rglob("*")) == before
    code, _, err = cli("compare", *TINY[:-1], "9", "--out", out)
    assert code == 2
    identity.write_text("{")
    code, _, err = cli("compare", *TINY, "--out", out)
    assert code == 2
    assert "is damaged; choose another --out or delete it" in err


def test_a_run_of_another_spec_is_left_alone(cli: Cli, tmp_path: Path):
    assert cli("compare", *TINY, "--out", tmp_path / "run")[0] == 0
    code, _, err = cli("compare", *TINY, "--seed", "1", "--out", tmp_path / "run")
    assert code == 2
    assert "holds another run" in err


@pytest.mark.parametrize(("engine", "seeds"), [("reference", "160"), ("lanes", "640")])  # five blocks
def test_on_a_full_disk_what_was_finished_stays(
    engine: str, seeds: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write, parts = disk.write_atomically, []

    def full(path: Path, data: bytes) -> None:
        if path.name.startswith("trials"):
            if len(parts) == 2:
                raise OSError(28, "No space left on device")
            parts.append(path)
        write(path, data)

    many = (*TINY[:-1], seeds, "--engine", engine, "--out", tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(disk, "write_atomically", full)
        code, _, err = cli("compare", *many)
    assert code == 2
    assert "error: the disk is full" in err
    assert err.count("\n") == 1
    assert len(list((tmp_path / "run" / "parts").glob("trials-*"))) == 2
    code, out, _ = cli("compare", *many)
    assert code == 0
    assert "continuing: 40% is in the store already" in out


@pytest.mark.parametrize("kind", vocabulary.KINDS)
def test_every_catalogue_is_listed(kind: str, cli: Cli):
    code, out, err = cli("list", kind)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    for entry in vocabulary.entries(kind):
        shown = getattr(entry, "usage", entry.name)
        assert any(line.startswith(shown) for line in lines), entry.name
        for word in (*entry.aliases, *(parameter.name for parameter in entry.parameters)):
            assert word in out


def test_all_catalogues_are_listed_when_none_is_named(cli: Cli):
    out = cli("list")[1]
    assert [line for line in out.splitlines() if line in vocabulary.KINDS] == list(vocabulary.KINDS)
    assert all(entry.name in out for entry in ACTIVATIONS)


def test_an_unknown_kind_names_the_nearest(cli: Cli):
    assert cli("list", "losess") == (2, "", "error: unknown kind 'losess'; did you mean 'losses'?\n")
