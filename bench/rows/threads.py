"""Two threads over one: the same networks on two cores and on one.

A process keeps to its cores from its start. With `devices` alone, what is not training (first weights, records, the
disk) would have the second core to itself in a run of one thread, too.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from bench import front_door
from bench.figure import Effort, Figure, Found
from bench.process import Served
from bench.works import XOR

NAME = "threads"
TITLE = "two threads over one, XOR, 9 layers of 5, 16,384 networks"
WORK = dataclasses.replace(XOR, networks=16_384)
"""Seconds of work: a virtual processor that was idle may take a while to get a core of its own."""


def run(effort: Effort) -> Found:
    """Both by turns."""
    from trainability.engine.selection import cores

    if cores() < 2 or not hasattr(os, "sched_setaffinity"):
        effort.console.print("[yellow]two threads on cores of their own cannot be measured here")
        return Found([])
    found: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    with Served(__name__) as one, Served(__name__) as two:
        children = {1: one, 2: two}
        for count, child in children.items():
            child.ask("keep_to", count)
        for turn in range(effort.turns):
            effort.say(f"turn {turn + 1} of {effort.turns}")
            for count, kept in found.items():
                kept.append(children[count].ask("measure", effort.seconds))
    ratios = {
        name: [b[name] / a[name] for a, b in zip(found[1], found[2], strict=True)] for name in ("rate", "whole_rate")
    }
    return Found(
        [
            Figure.of("two threads ÷ one, whole call", ratios["whole_rate"]),
            Figure.of("two threads ÷ one, while at least one trains", ratios["rate"]),
        ],
        {"runs": found},
    )


def keep_to(count: int) -> None:
    """Let this process use so many cores. Runs in a child, before anything that starts threads."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def measure(seconds: float) -> dict[str, Any]:
    """The work by the front door. Runs in a child."""
    found = front_door.measure(seconds, WORK, engine="lanes")
    return {**dataclasses.asdict(found), "rate": found.rate, "whole_rate": found.whole_rate}
