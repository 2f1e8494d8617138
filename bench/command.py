"""The `trainability` command, started cold: no run, no compiled program, no cache of its own or of matplotlib's."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def start(words: list[str], directory: Path) -> subprocess.Popen[str]:
    """`trainability WORDS` in the empty `directory`, which holds all that it keeps."""
    homes = {"TRAINABILITY_HOME": str(directory / "home"), "MPLCONFIGDIR": str(directory / "matplotlib")}
    return subprocess.Popen(
        [sys.executable, "-m", "trainability", *words],
        cwd=directory,
        env=os.environ | homes,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """What the command printed; RuntimeError if it failed."""
    with process:
        said = process.communicate()[0]
    if process.returncode:
        raise RuntimeError(f"the command ended with exit code {process.returncode}: {said.strip()[-500:]}")
    return said


def demo_words() -> list[str]:
    """What `make demo` passes to `trainability`, from the Makefile."""
    recipe = (ROOT / "Makefile").read_text("utf-8").split("\ndemo:", 1)[1].split("\n\n", 1)[0]
    words = shlex.split(recipe.split("\n", 1)[1].replace("\\\n", " "))
    if Path(words[0]).name != "trainability":
        raise RuntimeError(f"the recipe of demo does not begin with trainability but with {words[0]}")
    return words[1:]
