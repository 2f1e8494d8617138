"""A small run on disk, other processes that use it, and calls that fail, for the tests of the store."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import get_args

import polars as pl

import trainability.store
from trainability.store import Run, open_run
from trainability.store.layout import Kind

SPEC, HASH = 'problem = "xor"  # ⊕\r\n', "a" * 64
TABLE = pl.DataFrame({"cell": [3, 3], "train_loss": [math.nan, math.inf], "vital": [[[1.0, 2.0], []], None]})
KINDS = get_args(Kind)


def again(run: Run) -> Run:
    """The same run as another process finds it: nothing remembered."""
    return open_run(run.directory, run.spec_text, run.spec_hash)


def part(run: Run, key: str) -> Path:
    (path,) = run.directory.rglob(f"*-{key}-*.parquet")
    return path


def files(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Another Python process that runs `code`, with this package."""
    home = str(Path(trainability.store.__file__).parents[2])
    path = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def fail(error: int):
    def raising(*_: object, **__: object):
        raise OSError(error, os.strerror(error))

    return raising
