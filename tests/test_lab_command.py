"""`trainability lab` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import Cli, strict_json
from trainability.lab.phenomenon import in_order

SMALL = ("--quick", "--seeds", "16")


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_it_lists_titles_questions_and_times(cli: Cli, lang: str):
    code, out, _ = cli("lab", "--lang", lang)
    assert code == 0
    for phenomenon in in_order():
        assert phenomenon.name in out
        assert phenomenon.title.to(lang).split()[0] in out


def test_one_phenomenon_says_its_verdicts_and_writes_its_page(cli: Cli, tmp_path: Path):
    code, out, err = cli("lab", "p1", *SMALL, "--report", tmp_path / "page.html")
    assert code == 0
    assert "P1 OR through many sigmoid layers" in out
    assert "in the notes 1.79e-4 / 0.99993, here" in out
    assert "With ten more sigmoid layers OR is not learned." in out
    assert "or-depth: about" in err
    assert f"report: {tmp_path / 'page.html'}" in out
    assert (tmp_path / "page.html").read_text("utf-8").count("<svg") == 4


def test_json_alone_is_on_standard_output(cli: Cli, tmp_path: Path):
    code, out, err = cli("lab", "or-depth", *SMALL, "--json", "--lang", "ko", "--report", tmp_path / "page.html")
    assert code == 0
    document = strict_json(out)
    assert document["title"] == "시그모이드 층을 쌓아 OR 배우기"
    assert document["seeds"] == 16
    assert "report:" in err


def test_several_are_a_list_and_a_folder(cli: Cli, tmp_path: Path):
    names = ["activation-card", "layer-forward-back"]
    code, out, _ = cli("lab", *names, "p10", *SMALL, "--json", "--report", tmp_path / "site")
    assert code == 0
    found = json.loads(out)
    found = found if isinstance(found, list) else [found]
    assert [one["name"] for one in found] == names
    assert (tmp_path / "site" / "index.html").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("or-dept",), "unknown phenomenon 'or-dept'; did you mean 'or-depth'"),
        (("p1", "--lang", "fr"), "unknown language 'fr'"),
        (("p1", "--seeds", "1"), "seeds 1: must be a whole number from 2"),
        (("p1", "--seeds", "many"), "invalid value for '--seeds'"),
        (("p1", "--all"), "--all runs every phenomenon"),
        (("--json",), "no phenomenon is named"),
        (("--all", "--report", "all.html"), "give --report a folder"),
        (("p1", "--report", "/there/is/none/x.html"), "there is no directory '/there/is/none'"),
        (("p1", "--report", "/dev/null/none"), "cannot write into the folder '/dev/null/none'"),
        (("p1", "--report", "/proc/none.html"), "cannot write into the folder '/proc'"),
        (("p1", "--data", "mnist:/there/is/none"), "takes no --data"),
        (("--all", "--data", "mnist:/there/is/none"), "'/there/is/none' is not a folder"),
        (("--all", "--data", "iris:here"), "no phenomenon takes --data 'iris:here'"),
        (("--all", "--expression", "w*x; w=one"), "the value 'one' of 'w' is not a number"),
        (("p19", "--expression", " "), "the expression is empty; write one such as 'w*x + b"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_exit_code_2(
    cli: Cli, words: tuple[str, ...], sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    code, out, err = cli("lab", *words)
    assert not list(tmp_path.iterdir())
    assert code == 2
    assert out == ""
    assert sentence in err.splitlines()[-1]
    assert "Traceback" not in err
