"""Two threads over one: the same networks on two cores and on one.

A process keeps to its cores from its start. With `devices` alone, what is not training (first weights, records, the
disk) would have the second core to itself in a run of one thread, too. What a run costs once, such as the plan and the
summary, no thread shortens: so what further networks cost is a figure of its own. (The time in which at least one
thread trains would not do: with one thread it leaves out what is done between blocks, with two it does not.)
"""

from __future__ import annotations

import os

from bench import front_door
from bench.figure import Effort, Figure, Found
from bench.process import Served
from bench.works import XOR

NAME = "threads"
TITLE = "two threads over one, XOR, 9 layers of 5"


def run(effort: Effort) -> Found:
    """Both by turns, each with few networks and with many."""
    from trainability.engine.selection import cores

    if cores() < 2 or not hasattr(os, "sched_setaffinity"):
        effort.console.print("[yellow]two threads on cores of their own cannot be measured here")
        return Found([])
    # Seconds of work: a virtual processor that was idle may take a while to get a core of its own.
    few, many = (1_024, 3_072) if effort.quick else (16_384, 65_536)
    found: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    with Served(__name__) as one, Served(__name__) as two:
        children = {1: one, 2: two}
        for count, child in children.items():
            child.ask("keep_to", count)
            child.ask("seconds", few)  # loads the libraries
        for turn in range(effort.turns):
            effort.say(f"turn {turn + 1} of {effort.turns}")
            for count, kept in found.items():
                kept.append((children[count].ask("seconds", few), children[count].ask("seconds", many)))
    turns = list(zip(found[1], found[2], strict=True))
    return Found(
        [
            Figure.of(f"one ÷ two, seconds of {few:,} networks, whole call", [a[0] / b[0] for a, b in turns]),
            Figure.of(f"one ÷ two, seconds of {many:,} networks, whole call", [a[1] / b[1] for a, b in turns]),
            Figure.of("one ÷ two, what further networks cost", [(a[1] - a[0]) / (b[1] - b[0]) for a, b in turns]),
        ],
        {"seconds": found},
    )


def keep_to(count: int) -> None:
    """Let this process use so many cores. Runs in a child, before anything that starts threads."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def seconds(networks: int) -> float:
    """Of a whole call that trains so many, by the front door. Runs in a child."""
    return front_door.train(XOR, networks, front_door.STEPS, engine="lanes").whole_seconds
