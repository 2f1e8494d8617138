"""`trainability doctor`: run a script, watch what it trains, say what is wrong."""

from __future__ import annotations

import dataclasses
import json as plain
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainability.cli import interrupt
from trainability.cli.compare import check_place
from trainability.core.errors import SpecError

if TYPE_CHECKING:
    from trainability.core.recipe import Recipe
    from trainability.report.chart import Diagnosis

_SCRIPT = typer.Argument(
    help="The training script (what follows -- is for it), or FILE.PY:FUNCTION, a recipe.", metavar="SCRIPT.PY|RECIPE",
    show_default=False,
)  # fmt: skip
_ARGUMENTS = typer.Argument(metavar="[-- ARGUMENTS]...", show_default=False, hidden=True)


def doctor(
    script: Annotated[str, _SCRIPT],
    arguments: Annotated[list[str] | None, _ARGUMENTS] = None,
    treat: Annotated[
        bool, typer.Option("--treat", help="Search for the smallest change that helps, and prove it.")
    ] = False,
    seeds: Annotated[
        int, typer.Option(help="Paired seeds of the proof, at least 5; twice as many where it stays open.", metavar="N")
    ] = 5,
    budget: Annotated[
        str, typer.Option(help="The search may cost so many times the untreated training of all seeds.", metavar="3x")
    ] = "3x",
    report: Annotated[
        Path | None, typer.Option(help="Write the chart as an HTML page.", metavar="FILE", show_default=False)
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            "--json", help="Write the findings as JSON; of several models, a list.", metavar="FILE", show_default=False
        ),
    ] = None,
) -> None:
    """Run a training script as it is, or a recipe, watch it train, and say why it does not learn.

    Exit code 0: nothing is wrong; 1: findings; the script's own if it fails.
    For example: trainability doctor train.py, or trainability doctor recipe.py:recipe --treat
    """
    check_place(report)
    check_place(json)
    times = _times(budget)
    interrupt.sentence = interrupt.NOT_KEPT
    if _is_recipe(script):
        raise typer.Exit(_recipe(script, treat, seeds, times, report, json))
    from trainability.doctor import run_script
    from trainability.treatment import check_size

    if treat:
        check_size(seeds, times)
    with interrupt.left_to_the_script():
        made = run_script(script, arguments or [])
    if made.code == 130:
        interrupt.sentence = interrupt.SEEN
    diagnoses = list(made.diagnoses)
    for diagnosis in diagnoses:
        print(diagnosis.text(), file=sys.stderr)
    if not diagnoses:
        print(f"'{script}' trained no PyTorch or Keras model: no optimiser took a step", file=sys.stderr)
    _write(diagnoses, report, json, say=not treat)
    if treat:
        diagnoses = [
            _treated(diagnosis, recipe, seeds, times, script)
            for diagnosis, recipe in zip(diagnoses, made.recipes, strict=True)
        ]
        _write(diagnoses, report, json)
    healthy = all(diagnosis.healthy for diagnosis in diagnoses)
    raise typer.Exit(made.code or (0 if healthy else 1))


def _treated(
    diagnosis: Diagnosis, recipe: Callable[[], Callable[[int], Recipe]], seeds: int, budget: float, script: str
) -> Diagnosis:
    """The diagnosis of a script's model with its treatment, where the script tells a recipe."""
    from trainability.doctor import treat
    from trainability.report.chart.proof import text

    try:
        found = treat(recipe(), seeds, budget, _said, script=script).treatment
    except SpecError as error:
        print(f"{diagnosis.name}: not treated: {error}", file=sys.stderr)
        return diagnosis
    assert found is not None
    print(f"\n{text(found)}", file=sys.stderr)
    return dataclasses.replace(diagnosis, treatment=found)


def _said(line: str) -> None:
    print(f"  {line}", file=sys.stderr)


def _recipe(where: str, treated: bool, seeds: int, budget: float, report: Path | None, json: Path | None) -> int:
    from trainability.doctor import examine, read_recipe, treat
    from trainability.report.chart.proof import text

    def seen(diagnosis: Diagnosis) -> None:
        print(diagnosis.text(), flush=True)
        _write([diagnosis], report, json, say=not treated)  # what is known by now, should the search be stopped

    recipe = read_recipe(where)
    if not treated:
        diagnosis = examine(recipe)
        seen(diagnosis)
        return 0 if diagnosis.healthy else 1
    diagnosis = treat(recipe, seeds, budget, _said, seen)
    assert diagnosis.treatment is not None
    print(f"\n{text(diagnosis.treatment)}")
    _write([diagnosis], report, json)
    return 0 if diagnosis.healthy else 1


def _write(diagnoses: Sequence[Diagnosis], report: Path | None, json: Path | None, say: bool = True) -> None:
    from trainability.report.document import write_whole

    if json and diagnoses:
        found = [diagnosis.to_dict() for diagnosis in diagnoses]
        text = plain.dumps(found[0] if len(found) == 1 else found, indent=1, ensure_ascii=False, allow_nan=False)
        write_whole(text + "\n", json, "findings")
    for i, diagnosis in enumerate(diagnoses if report else ()):
        assert report is not None
        path = diagnosis.report(report if i == 0 else report.with_stem(f"{report.stem}-{i + 1}"))
        if say:
            print(f"chart: {path}", file=sys.stderr)


def _is_recipe(script: str) -> bool:
    path, colon, name = script.rpartition(":")
    return bool(colon) and path.endswith(".py") and name.isidentifier()


def _times(budget: str) -> float:
    try:
        return float(budget.strip().lower().removesuffix("x"))
    except ValueError:
        raise SpecError(f"--budget is a number of times, such as 3x, got '{budget}'") from None
