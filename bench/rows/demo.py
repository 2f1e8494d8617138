"""`make demo`'s command from start to end, as on its first run: the grid, the table, the report."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench import command
from bench.figure import Effort, Figure, Found

NAME = "demo"
TITLE = "make demo's command, first run"


def run(effort: Effort) -> Found:
    """The whole command, in a fresh directory each time."""
    seconds, said = [], ""
    for turn in range(1 if effort.quick else 3):
        effort.say(f"run {turn + 1}")
        with tempfile.TemporaryDirectory(prefix="trainability-demo-") as directory:
            begun = time.perf_counter()
            said = command.finish(command.start(command.demo_words(), Path(directory)))
            seconds.append(time.perf_counter() - begun)
    for line in said.splitlines():
        if line.startswith("engine"):
            effort.console.print(line, markup=False, highlight=False)
    return Found([Figure.of("seconds of the whole command", seconds, "s")], {"seconds": seconds})
