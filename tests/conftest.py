"""What every test runs under: strict JAX, a home of its own, and no warnings."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

# Before JAX is imported, here and in the processes that tests start. Types and ranks are never promoted silently.
os.environ["JAX_NUMPY_DTYPE_PROMOTION"] = "strict"
os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ.setdefault("KERAS_BACKEND", "torch")
# Keras loads TensorFlow where it is there, whatever its backend, and that tells of its start with times and numbers.
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
# Two test processes whose libraries have as many threads as there are cores wait for each other, up to a hundredfold.
os.environ["OMP_NUM_THREADS"] = "1"
# Runs and compiled programs of a test session lie in a new directory, which the processes that it starts share.
if "TRAINABILITY_HOME" not in os.environ:
    os.environ["TRAINABILITY_HOME"] = tempfile.mkdtemp(prefix="trainability-tests-")
    atexit.register(shutil.rmtree, os.environ["TRAINABILITY_HOME"], ignore_errors=True)

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

from tests.command import Cli
from trainability.cli import main
from trainability.engine.selection import make

# Shapes and types in the engine's signatures are checked in tests, and only there.
install_import_hook("trainability.engine.reference", "beartype.beartype")

# A test run is a function of the code alone, on a machine of any speed.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")

# The engine sets the compiler's flags, which must be said before anything else starts JAX.
make(None, None)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run the command in this process: (exit code, standard output, standard error)."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["trainability", *map(str, words)])
        code = 0
        try:
            main.run()
        except SystemExit as left:
            code = int(left.code or 0)
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def fresh_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which no run was made yet."""
    home = tmp_path / "home"
    monkeypatch.setenv("TRAINABILITY_HOME", str(home))
    return home
