"""`python -m bench`: measure the rows, print their tables and a summary, write the figures as JSON."""

from __future__ import annotations

import argparse
import functools
import importlib.metadata
import json
import os
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.contest import peers
from bench.figure import Effort, Found, Row, digits
from bench.rows import ROWS

RESULTS: Final = Path(__file__).parent / "results.json"
BUSY: Final = 0.5
"""A load above this disturbs the figures."""


def main() -> int:
    """Measure the chosen rows; exit code 1 if a contestant failed or did not learn what the others learned."""
    chosen = _arguments()
    console = Console()
    load = os.getloadavg()[0]
    if load > BUSY:
        console.print(f"[yellow]the machine is busy (load {load:.1f}): trust ratios more than rates")
    document: dict[str, Any] = {"machine": _machine(), "load": load, "quick": chosen.quick, "rows": {}}
    found: list[tuple[Row, Found]] = []
    for row in [row for row in ROWS if row.NAME in chosen.row]:
        console.rule(f"{row.NAME}: {row.TITLE}", align="left")
        begun = time.perf_counter()
        with console.status("") as status:
            effort = Effort(chosen.quick, tuple(chosen.only), console, lambda text: status.update(text))
            try:
                one = row.run(effort)
            except Exception as error:  # whatever it is, the other rows are measured
                console.print(f"[red]{row.NAME} did not run: {type(error).__name__}: {error}", highlight=False)
                one = Found([], sound=False)
        found.append((row, one))
        seconds = time.perf_counter() - begun
        document["rows"][row.NAME] = {"title": row.TITLE, "seconds": seconds, **asdict(one)}
        chosen.json.write_text(
            json.dumps(document, indent=1) + "\n", "utf-8"
        )  # after each row: the next may be stopped
    console.print(_summary(found))
    console.print(f"load at the start {load:.1f}, {os.cpu_count()} cores; figures in {chosen.json}", highlight=False)
    return 0 if all(one.sound for _, one in found) else 1


def _arguments() -> argparse.Namespace:
    names = [row.NAME for row in ROWS]
    parser = argparse.ArgumentParser(prog="python -m bench", description="How fast networks train, against peers.")
    parser.add_argument("--quick", action="store_true", help="only to see that everything runs: little of each")
    add = functools.partial(parser.add_argument, action="append", metavar="NAME", default=[])
    add("--row", choices=names, help=f"this row (repeatable), by default all: {', '.join(names)}")
    add("--only", choices=list(peers()), help="this contestant of xor and digits (repeatable)")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="by default bench/results.json")
    chosen = parser.parse_args()
    chosen.row = chosen.row or names
    return chosen


def _summary(found: list[tuple[Row, Found]]) -> Table:
    table = Table("figure", "median", "min–max", box=None, pad_edge=False, title="Figures", title_justify="left")
    for row, one in found:
        table.add_row(f"[bold]{row.TITLE}")
        for figure in one.figures:
            span = f"{digits(figure.low)}–{digits(figure.high)}" if figure.low < figure.high else ""
            table.add_row(f"  {figure.name}", f"{digits(figure.value)} {figure.unit}", span)
    return table


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
