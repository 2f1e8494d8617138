"""`trainability doctor`: run a script, watch what it trains, say what is wrong."""

from __future__ import annotations

import json as plain
import sys
from pathlib import Path
from typing import Annotated

import typer

from trainability.cli.compare import check_place

_SCRIPT = typer.Argument(
    help="The training script; what follows -- is for it.", metavar="SCRIPT.PY", show_default=False
)
_ARGUMENTS = typer.Argument(metavar="[-- ARGUMENTS]...", show_default=False, hidden=True)


def doctor(
    script: Annotated[Path, _SCRIPT],
    arguments: Annotated[list[str] | None, _ARGUMENTS] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write the chart as an HTML page.", metavar="FILE", show_default=False)
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", help="Write the findings as JSON.", metavar="FILE", show_default=False)
    ] = None,
) -> None:
    """Run a PyTorch training script as it is, watch it train, and say why it does not learn.

    Exit code 0: nothing is wrong; 1: findings; the script's own if it fails. For example: trainability doctor train.py
    """
    check_place(report)
    check_place(json)
    from trainability.doctor import run_script
    from trainability.report.document import write_whole

    made = run_script(script, arguments or [])
    for diagnosis in made.diagnoses:
        print(diagnosis.text(), file=sys.stderr)
    if not made.diagnoses:
        print(f"'{script}' trained no PyTorch model: no optimiser took a step", file=sys.stderr)
    if json and made.diagnoses:
        found = [diagnosis.to_dict() for diagnosis in made.diagnoses]
        text = plain.dumps(found[0] if len(found) == 1 else found, indent=1, ensure_ascii=False, allow_nan=False)
        write_whole(text + "\n", json, "findings")
    if report and made.diagnoses:
        for i, diagnosis in enumerate(made.diagnoses):
            path = diagnosis.report(report if i == 0 else report.with_stem(f"{report.stem}-{i + 1}"))
            print(f"chart: {path}", file=sys.stderr)
    healthy = all(diagnosis.healthy for diagnosis in made.diagnoses)
    raise typer.Exit(made.code or (0 if healthy else 1))
