"""The package installs where the lanes kernel cannot be built, and says so."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.required import required
from trainability.engine.lanes import library

ROOT = Path(__file__).parents[1]
NO_HEADERS = "--config-settings=cmake.define.Python_INCLUDE_DIR=/there/is/none"


@pytest.mark.parametrize(("missing", "words"), [("compiler", "no C++ compiler"), ("headers", "no headers of Python")])
def test_without_a_compiler_or_headers_the_package_installs_without_the_kernel(
    missing: str, words: str, tmp_path: Path
):
    environment = {name: value for name, value in os.environ.items() if name != "CXX"}
    if missing == "compiler":
        environment["PATH"] = str(tmp_path)
    build = [f"--config-settings=build-dir={tmp_path / 'build'}", *([NO_HEADERS] if missing == "headers" else [])]
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--verbose", "--wheel-dir", str(tmp_path), *build]
    run = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, str(ROOT)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert f"{words}: the lanes engine is not built" in run.stdout
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    assert "trainability/engine/lanes/run.py" in names
    assert not [name for name in names if name.endswith(".so")]


def test_the_reason_names_what_may_have_been_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(library, "kernels", tuple)
    monkeypatch.setattr(library.importlib.util, "find_spec", lambda name: None)
    assert "compiler" in library.unavailable()
    assert "headers of Python" in library.unavailable()


def test_what_is_missing_skips_a_test_and_fails_under_ci(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CI", raising=False)
    assert required("the kernel is missing").args == (True,)
    monkeypatch.setenv("CI", "true")
    assert required("").args == (False,)
    with pytest.raises(RuntimeError, match="the kernel is missing"):
        required("the kernel is missing")
