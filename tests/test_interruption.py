"""Runs that are stopped or killed in the middle, and Ctrl-C at bad moments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

import trainability

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX signals")

# Blocks that take a while, so that there is time to stop in the middle; of 32 networks and of 128.
LONG: dict[str, Any] = {"depth": 1, "width": 2, "steps": 20_000, "seeds": 12 * 32, "engine": "reference"}
ENGINES = {"reference": (12, LONG), "lanes": (6, {**LONG, "steps": 200_000, "seeds": 6 * 128, "engine": "lanes"})}


def _start(directory: Path, **settings: Any) -> subprocess.Popen[str]:
    flags = [word for name, value in {**LONG, **settings}.items() for word in (f"--{name}", str(value))]
    code = "from trainability.cli.main import run; run()"
    words = [sys.executable, "-c", code, "compare", "xor", *flags, "--out", str(directory)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _parts(directory: Path) -> set[str]:
    return {path.name for path in directory.glob("parts/trials-*")}


def _wait_for_parts(process: subprocess.Popen[str], directory: Path, more_than: int) -> None:
    patience = time.monotonic() + 120
    while len(_parts(directory)) <= more_than:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < patience
        time.sleep(0.01)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_is_stopped_and_killed_ends_as_if_it_was_not(engine: str, tmp_path: Path):
    run = tmp_path / "run"
    blocks, long = ENGINES[engine]
    stopped = _start(run, **long)
    _wait_for_parts(stopped, run, 0)
    stopped.send_signal(signal.SIGINT)
    told = time.monotonic()
    out, err = stopped.communicate(timeout=60)
    assert time.monotonic() - told < 10  # a second or two on a machine with nothing else to do
    assert stopped.returncode == 130
    assert "run the same command again to continue" in err
    assert "Traceback" not in out + err
    kept = _parts(run)
    assert 0 < len(kept) < blocks

    killed = _start(run, **long)
    _wait_for_parts(killed, run, len(kept))
    killed.kill()
    out, err = killed.communicate(timeout=60)
    assert "is in the store already" in out
    assert kept < _parts(run)

    continued = trainability.compare("xor", **long, out=run)
    whole = trainability.compare("xor", **long, out=tmp_path / "whole")
    assert_frame_equal(continued.trials, whole.trials)
    assert_frame_equal(continued.table, whole.table)
    assert continued.trials["trial"].to_list() == list(range(long["seeds"]))
    assert kept < _parts(run)
    assert _parts(run) == _parts(tmp_path / "whole")  # the names hold checksums


def test_ctrl_c_while_jax_is_being_loaded_ends_the_process(tmp_path: Path):
    process = _start(tmp_path / "run")
    assert process.stdout is not None
    process.stdout.readline()  # the data in a sentence; what follows is the import of JAX
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == "stopped; what was finished is kept: run the same command again to continue"
    assert "Traceback" not in out + err


DEAF = """
import sys, time
from trainability import api
from trainability.cli import interrupt, main

def deaf(*_, **settings):
    if settings["seeds"] == "2":
        interrupt.training.set()
    print("ready", flush=True)
    while True:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            pass

api.compare = deaf
main.run()
"""


@pytest.mark.parametrize("seeds", ["1", "2"], ids=["loading", "training"])
def test_ctrl_c_ends_a_process_that_does_not_hear_it(seeds: str):
    words = [sys.executable, "-c", DEAF, "compare", "xor", "--seeds", seeds]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "\nstopped; what was finished is kept: run the same command again to continue\n"


def test_ctrl_c_that_the_caller_ignores_is_ignored(tmp_path: Path):
    """As a shell does for what it runs in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = _start(tmp_path / "run", steps=20, seeds=8)
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert "run: " in out
