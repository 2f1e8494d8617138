"""The command line as a process: what it loads, and outputs that are closed, full or poor in characters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TINY = ("xor", "--depth", "1", "--width", "2", "--steps", "20", "--seeds", "8")

HEAVY = ("jax", "matplotlib", "torch", "keras", "sklearn")


def _in_a_process(*words: object, **streams: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a fresh process that reports heavy modules as its last line of standard error."""
    code = (
        "import sys; from trainability.cli.main import run\n"
        "try: run()\n"
        f"finally: print('HEAVY', [m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    )
    made = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(made, text=True, check=False, **{"capture_output": True, **streams})  # type: ignore[call-overload]


def test_answers_from_the_store_load_no_engine(tmp_path: Path):
    assert _in_a_process("compare", *TINY, "--out", tmp_path / "run").returncode == 0
    again = _in_a_process("compare", *TINY, "--out", tmp_path / "run", "--json", tmp_path / "result.json")
    assert (again.returncode, again.stderr) == (0, "HEAVY []\n")
    assert "everything is in the store already" in again.stdout


@pytest.mark.parametrize("words", [["list"], ["compare", "xor", "--lr", "x"], ["compare", "xor", "--activation", "y"]])
def test_lists_and_mistakes_load_nothing_heavy(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRAINABILITY_HOME", str(tmp_path))
    assert _in_a_process(*words).stderr.splitlines()[-1] == "HEAVY []"


def test_a_reader_that_leaves_early_causes_no_traceback():
    reader, writer = os.pipe()
    os.close(reader)
    done = _in_a_process("list", capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_output_that_cannot_be_written_is_said():
    with open("/dev/full", "w") as full:
        done = _in_a_process("list", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert "error: the output cannot be written: no space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_terminal_of_few_characters_shows_what_it_can(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = _in_a_process("list", "initializers")
    assert done.returncode == 0
    assert "he_normal" in done.stdout
