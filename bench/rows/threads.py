"""Two threads over one: the same networks with ``devices`` 2 and 1."""

from __future__ import annotations

from bench import front_door
from bench.figure import Effort, Figure, Found
from bench.measurement import Measurement
from bench.works import XOR

NAME = "threads"
TITLE = "two threads over one, XOR, 9 layers of 5, 4,096 networks"


def run(effort: Effort) -> Found:
    """Both by turns."""
    from trainability.engine.selection import cores

    if cores() < 2:
        effort.console.print("[yellow]one core: two threads cannot be measured")
        return Found([])
    found: dict[int, list[Measurement]] = {1: [], 2: []}
    for turn in range(effort.turns):
        effort.say(f"turn {turn + 1} of {effort.turns}")
        for devices, kept in found.items():
            kept.append(front_door.measure(effort.seconds, XOR, engine="lanes", devices=devices))
    ratios = [two.rate / one.rate for one, two in zip(found[1], found[2], strict=True)]
    whole = [two.whole_rate / one.whole_rate for one, two in zip(found[1], found[2], strict=True)]
    return Found(
        [Figure.of("two threads ÷ one", ratios), Figure.of("two threads ÷ one, whole call", whole)],
        {"rates": {count: [one.rate for one in kept] for count, kept in found.items()}},
    )
