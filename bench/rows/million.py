"""A million networks: the memory of the process, and what a network costs beside one of ten thousand."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from bench import front_door
from bench.figure import Effort, Figure, Found
from bench.process import Served
from bench.works import XOR

NAME = "million"
TITLE = "1,000,000 networks of 9 layers of 5, 1,000 steps each, stored"


def run(effort: Effort) -> Found:
    """The few before and after the many, each in a process of its own."""
    few, many, steps = (1_000, 20_000, 200) if effort.quick else (10_000, 1_000_000, 1_000)
    found: list[dict[str, float]] = []
    for networks in (few, few, many, few, few):
        effort.say(f"{networks:,} networks")
        with Served(__name__) as child:
            found.append(child.ask("train", networks, steps))
    large = next(one for one in found if one["networks"] == many)
    small = [one for one in found if one["networks"] == few]
    costs = [large["seconds"] / many / (one["seconds"] / few) for one in small]
    training = [large["training"] / many / (one["training"] / few) for one in small]
    return Found(
        [
            Figure.of(f"peak memory of {many:,} networks", [large["bytes"] / 1e9], "GB"),
            Figure.of(f"peak memory of {few:,} networks", [one["bytes"] / 1e9 for one in small], "GB"),
            Figure.of("seconds of the whole call", [large["seconds"]], "s"),
            Figure.of(f"cost of a network over that among {few:,}, whole call", costs),
            Figure.of(f"cost of a network over that among {few:,}, training", training),
        ],
        {"runs": found},
    )


def train(networks: int, steps: int) -> dict[str, float]:
    """One call of `trainability.compare` after one that loads the libraries, and its conclusion. Runs in a child."""
    with front_door.compared(XOR, seeds=256, steps=10) as (result, _):
        assert result.conclusion
    with front_door.compared(XOR, seeds=networks, steps=steps) as (result, seconds):
        training = front_door.training_seconds(result, networks * steps)
        assert result.conclusion
    return {"networks": networks, "seconds": seconds, "training": training, "bytes": peak_bytes()}


def peak_bytes() -> int:
    """The most memory that this process has held.

    On Linux from /proc: there `getrusage` counts what the parent held when it started this process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
