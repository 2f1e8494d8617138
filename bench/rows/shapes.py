"""Sixty shapes against batched PyTorch, which is set at its best for each: the worst one and the median."""

from __future__ import annotations

import statistics
from typing import Any

from rich.table import Table

from bench.contest import BATCHED, LANES, Contest, Standing, ratios
from bench.figure import Effort, Figure, Found, digits, short
from bench.standings import complaints, details
from bench.works import SHAPES, Work

NAME = "shapes"
TITLE = "width 2, 5, 8, 16, 32 × depth 1, 4, 9 × batch 4, 32 × SGD, Adam"


def run(effort: Effort) -> Found:
    """A short contest for every shape, or to be quick for every seventh."""
    turns, seconds, works = (1, 0.1, SHAPES[::7]) if effort.quick else (3, 0.4, SHAPES)
    table = Table("shape", "lanes", "PyTorch", "ratio", "PyTorch's best", box=None, pad_edge=False)
    found: list[tuple[str, list[float]]] = []
    kept: dict[str, Any] = {}
    wrong: list[str] = []
    with Contest([LANES, BATCHED]) as contest:
        for i, work in enumerate(works):
            standings = contest.run(
                work, turns, seconds, lambda text, i=i: effort.say(f"{i + 1} of {len(works)}: {text}")
            )
            kept[work.name] = details(work, standings)
            wrong += [f"{work.name}: {sentence}" for sentence in complaints(standings)]
            if all(one.failure is None for one in standings):
                found.append((work.name, _row(table, work, standings)))
    effort.console.print(table)
    for sentence in wrong:
        effort.console.print(f"[red]{sentence}", highlight=False)
    return Found(_figures(found), kept, sound=not wrong)


def _row(table: Table, work: Work, standings: list[Standing]) -> list[float]:
    """Add a shape's row; the ratios of its turns."""
    one = {standing.key: standing for standing in standings}
    turns = ratios(one[LANES], one[BATCHED])
    table.add_row(
        work.name,
        short(one[LANES].rate),
        short(one[BATCHED].rate),
        digits(statistics.median(turns)),
        one[BATCHED].measurements[-1].setting,
    )
    return turns


def _figures(found: list[tuple[str, list[float]]]) -> list[Figure]:
    """The worst shape with the range of its turns; the median over shapes, with the range of the shapes."""
    if not found:
        return []
    name, worst = min(found, key=lambda one: statistics.median(one[1]))
    middles = [statistics.median(turns) for _, turns in found]
    return [
        Figure.of(f"lanes ÷ PyTorch batched, the worst shape ({name})", worst),
        Figure.of(f"lanes ÷ PyTorch batched, the median of {len(found)} shapes (range: of the shapes)", middles),
    ]
