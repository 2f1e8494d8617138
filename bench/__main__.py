"""`python -m bench`: measure the contestants, print the table, write the figures as JSON."""

from __future__ import annotations

import argparse
import functools
import importlib.metadata
import json
import math
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.contest import Standing, contest, paired_ratio, peers
from bench.works import WORKS, Work

OURS: Final = "trainability_reference"
RESULTS: Final = Path(__file__).parent / "results.json"
BUSY: Final = 0.5  # a load above this disturbs the figures


def main() -> int:
    """Run the contest; exit code 1 if a contestant failed or did not learn what the others learned."""
    chosen = _arguments()
    console = Console()
    turns, seconds = (3, 0.5) if chosen.quick else (7, 2.0)
    keys, left_out = _contestants(chosen)
    load = os.getloadavg()[0]
    if load > BUSY:
        console.print(f"[yellow]the machine is busy (load {load:.1f}): trust ratios more than rates")
    found: dict[str, Any] = {}
    sound = True
    for work in [one for one in WORKS if one.name in chosen.work]:
        with console.status("") as status:
            standings = contest(work, keys, turns, seconds, lambda text: status.update(text))
        _print(console, work, standings)
        found[work.name] = _figures(work, standings)
        sound &= all(one.failure is None and one.agrees for one in standings)
    if left_out:
        console.print(f"left out by --quick, as it compiles for long: {', '.join(left_out)} (name it with --only)")
    document = {"machine": _machine(), "load": load, "turns": turns, "seconds": seconds, "works": found}
    chosen.json.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    console.print(f"figures in {chosen.json}")
    return 0 if sound else 1


def _arguments() -> argparse.Namespace:
    works = [work.name for work in WORKS]
    parser = argparse.ArgumentParser(prog="python -m bench", description="Network-steps per second, against peers.")
    parser.add_argument("--quick", action="store_true", help="a few seconds for each contestant")
    add = functools.partial(parser.add_argument, action="append", metavar="NAME")
    add("--only", choices=list(peers()), help="this contestant (repeatable)")
    add("--work", choices=works, help=f"this work (repeatable), by default {works[0]}")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="by default bench/results.json")
    chosen = parser.parse_args()
    chosen.work = chosen.work or works[:1]
    return chosen


def _contestants(chosen: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Who takes part, and who is left out."""
    if chosen.only:
        return list(dict.fromkeys(chosen.only)), []
    slow = [key for key, peer in peers().items() if peer.SLOW_START and chosen.quick]
    return [key for key in peers() if key not in slow], slow


def _print(console: Console, work: Work, standings: list[Standing]) -> None:
    ran = [one for one in standings if one.failure is None]
    ours = next((one for one in ran if one.key == OURS), None)
    rows = len(work.rows[1])
    check = next((one.check for one in ran if one.check), None)
    after = f"after {check.steps} steps" if check else ""
    table = Table(
        title=f"{work.name}: {work.problem}, {work.depth} hidden layers of {work.width}, ReLU, Adam, batch of {rows}",
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("contestant", no_wrap=True)
    for title in ("steps/s", "min–max", "÷ last", "ours ÷ it", "compile s", "solved", "loss"):
        table.add_column(title.replace(" ", "\n"), justify="right", no_wrap=True)
    for one in ran:
        difference = "–" if one.difference is None else f"{one.difference:.0e}"
        table.add_row(
            f"{one.name}\n[dim]{one.measurements[-1].setting}",
            _short(one.rate),
            f"{_short(min(one.rates))}–{_short(max(one.rates))}",
            _digits(paired_ratio(one, ran[-1])),
            _digits(paired_ratio(ours, one)) if ours else "–",
            f"{one.measurements[-1].compile_seconds:.1f}",
            f"{one.check.solved:.0%}" if one.check else "",
            difference if one.agrees else f"[red]{difference}",
        )
    console.print(table)
    console.print(
        f"[dim]steps/s: network-steps per second, the median of the turns. Ratios, to the last of the table and to "
        f"ours: medians of the ratios within a turn. solved: the share {after}. loss: the largest difference {after} "
        "to the contestants' median, from the same first weights; our own package draws its weights itself.",
        highlight=False,
    )
    for one in standings:
        if one.failure is not None:
            console.print(f"[red]{one.name} did not run: {one.failure}", highlight=False)
        elif not one.agrees:
            console.print(f"[red]{one.name} does not train the same networks as the others")


def _digits(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"


def _short(value: float) -> str:
    """Three significant digits and k or M: ``1.08k``."""
    scale, sign = (1e6, "M") if value >= 999_500 else (1e3, "k") if value >= 999.5 else (1.0, "")
    return _digits(value / scale) + sign


def _figures(work: Work, standings: list[Standing]) -> dict[str, Any]:
    ran = [one for one in standings if one.failure is None]
    return {
        "work": asdict(work),
        "contestants": {
            one.key: {**asdict(one), "rates": one.rates} | ({"rate": one.rate} if one.measurements else {})
            for one in standings
        },
        "paired_ratios": {one.key: {other.key: paired_ratio(one, other) for other in ran} for one in ran},
        "ratios_of_medians": {one.key: {other.key: one.rate / other.rate for other in ran} for one in ran},
    }


def _machine() -> dict[str, Any]:
    versions = {}
    for name in ("trainability", "jax", "optax", "numpy", "torch", "keras"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return {
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": versions,
    }


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
