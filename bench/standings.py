"""A contest over one work: who takes part, the table, the figures."""

from __future__ import annotations

import statistics
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.contest import LANES, Contest, Standing, peers, ratios
from bench.figure import Effort, Figure, Found, digits, short
from bench.measurement import CHECK_STEPS
from bench.works import Work


def compete(work: Work, keys: list[str], effort: Effort) -> Found:
    """Let the contestants train `work` by turns: ours over each other one."""
    keys = [key for key in keys if key in effort.only] if effort.only else keys
    if effort.quick and not effort.only:
        slow = [key for key in keys if peers()[key].SLOW_START]
        if slow:
            effort.console.print(f"left out by --quick, as it compiles for long: {', '.join(slow)} (ask with --only)")
        keys = [key for key in keys if key not in slow]
    with Contest(keys) as contest:
        standings = contest.run(work, effort.turns, effort.seconds, effort.say)
    show(effort.console, work, standings)
    sound = all(one.failure is None and one.agrees for one in standings)
    return Found(_figures(standings), details(work, standings), sound)


def _figures(standings: list[Standing]) -> list[Figure]:
    """Ours over each other contestant: by the time of training, and by the time of the whole call."""
    ran = {one.key: one for one in standings if one.failure is None}
    if LANES not in ran:
        return []
    ours, found = ran.pop(LANES), []
    for other in ran.values():
        found.append(Figure.of(f"lanes ÷ {other.name}", ratios(ours, other)))
        whole = [a.whole_rate / b.whole_rate for a, b in zip(ours.measurements, other.measurements, strict=True)]
        found.append(Figure.of(f"lanes ÷ {other.name}, whole call", whole))
    return found


def details(work: Work, standings: list[Standing]) -> dict[str, Any]:
    """Everything that was measured, for the file of results."""
    return {"work": asdict(work), "contestants": {one.key: {**asdict(one), "rates": one.rates} for one in standings}}


def complaints(standings: list[Standing]) -> list[str]:
    """A sentence for each contestant that did not run or that trained something else."""
    failed = [f"{one.name} did not run: {one.failure}" for one in standings if one.failure is not None]
    return failed + [
        f"{one.name} does not train the same networks as the others" for one in standings if not one.agrees
    ]


def show(console: Console, work: Work, standings: list[Standing]) -> None:
    """The table of one contest."""
    ran = [one for one in standings if one.failure is None]
    ours = next((one for one in ran if one.key == LANES), None)
    table = Table(
        title=f"{work.problem}, {work.depth} × {work.width} ReLU, {work.optimizer}, batch of {work.step_rows}",
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("contestant", no_wrap=True)
    for title in ("steps/s", "min–max", "lanes ÷ it", "compile s", "right", "loss"):
        table.add_column(title.replace(" ", "\n", 1), justify="right", no_wrap=True)
    for one in ran:
        difference = "–" if one.difference is None else f"{one.difference:.0e}"
        table.add_row(
            f"{one.name}\n[dim]{one.measurements[-1].setting}",
            short(one.rate),
            f"{short(min(one.rates))}–{short(max(one.rates))}",
            digits(statistics.median(ratios(ours, one))) if ours else "–",
            f"{one.measurements[-1].compile_seconds:.1f}",
            f"{one.check.accuracy:.0%}" if one.check else "",
            difference if one.agrees else f"[red]{difference}",
        )
    console.print(table)
    console.print(
        f"[dim]steps/s: network-steps per second of training, the median of the turns; ratios within a turn, their "
        f"median. right: answers to the training rows after {CHECK_STEPS} steps; loss: how far it is then from the "
        "contestants' median.",
        highlight=False,
    )
    for sentence in complaints(standings):
        console.print(f"[red]{sentence}", highlight=False)
