"""How long a user waits from the command to the first finished block: the first part in the run's directory."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench import command
from bench.figure import Effort, Figure, Found

NAME = "first-block"
TITLE = "trainability compare xor, from the command to the first finished block"


def run(effort: Effort) -> Found:
    """The command in a fresh directory each time; the files of Python and its libraries are in the system's cache."""
    seconds = []
    for turn in range(2 if effort.quick else 6):
        effort.say(f"run {turn}")
        with tempfile.TemporaryDirectory(prefix="trainability-first-") as directory:
            seconds.append(_wait(Path(directory)))
    del seconds[0]  # it filled the system's cache
    return Found([Figure.of("seconds to the first block", seconds, "s")], {"seconds": seconds})


def _wait(directory: Path) -> float:
    """Seconds until the trials of a block are in the store."""
    parts = directory / "run" / "parts"
    begun = time.perf_counter()
    process = command.start(["compare", "xor", "--out", "run"], directory)
    while not any(parts.glob("trials-*.parquet")) and process.poll() is None:
        time.sleep(0.002)
    seconds = time.perf_counter() - begun
    command.finish(process)
    return seconds
