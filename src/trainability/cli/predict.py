"""`trainability predict`: what theory says before any training, beside what was measured where that is asked for."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainability.cli.compare import check_place
from trainability.cli.progress import Progress, console
from trainability.core.errors import SpecError

if TYPE_CHECKING:
    from trainability.report.forecast import Forecast

_CHOICES, _MEASURED, _OUTPUT = "The choices (every comma list is an axis)", "Beside what is measured", "Output"


def _option(panel: str, metavar: str, help: str) -> Any:
    return typer.Option(help=help, rich_help_panel=panel, metavar=metavar, show_default=False)


# fmt: off
def predict(
    activation: Annotated[str | None, _option(_CHOICES, "LIST", "relu, leaky_relu:0.02, 'expr:x*sigmoid(1.7*x)', …")] = None,
    init: Annotated[str | None, _option(_CHOICES, "LIST", "Initialiser of the weights: torch, keras, he_normal, … (default: torch)")] = None,
    bias_init: Annotated[str | None, _option(_CHOICES, "NAME", "Initialiser of the biases. (default: what goes with the weights' one)")] = None,
    depth: Annotated[str | None, _option(_CHOICES, "LIST", "Number of hidden layers. (default: 10)")] = None,
    width: Annotated[str | None, _option(_CHOICES, "LIST", "Units of each hidden layer. (default: 64)")] = None,
    norm: Annotated[str | None, _option(_CHOICES, "LIST", "Normalisation of the pre-activations: none,layer,rms. (default: none)")] = None,
    residual: Annotated[str | None, _option(_CHOICES, "LIST", "Residual connections; alone it means true, as an axis true,false. (default: false)")] = None,
    dropout: Annotated[str | None, _option(_CHOICES, "LIST", "Share of the hidden units left out in training. (default: 0)")] = None,
    problem: Annotated[str | None, _option(_CHOICES, "PROBLEM", "Take the inputs from xor, file:data.csv, … (default: as many as the width, of mean square 1)")] = None,
    measure: Annotated[bool, typer.Option("--measure", help="Train the same choices, on xor unless --problem names another, and show both.", rich_help_panel=_MEASURED)] = False,
    against: Annotated[str | None, _option(_MEASURED, "RUN", "Take the choices from a run of compare, named by its directory or its name in the cache, and show both.")] = None,
    seeds: Annotated[str | None, _option(_MEASURED, "N", "Networks per choice. (default: 256)")] = None,
    steps: Annotated[str | None, _option(_MEASURED, "N", "Steps of each network. (default: 2000)")] = None,
    optimizer: Annotated[str | None, _option(_MEASURED, "NAME", "sgd, adam, … (default: adam)")] = None,
    lr: Annotated[str | None, _option(_MEASURED, "RATE", "Learning rate. (default: the optimiser's)")] = None,
    engine: Annotated[str | None, _option(_MEASURED, "NAME", "lanes, reference or auto. (default: auto)")] = None,
    report: Annotated[Path | None, _option(_OUTPUT, "FILE", "Write an HTML page, or its first figure as .png or .svg.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.", rich_help_panel=_OUTPUT)] = False,
) -> None:
    """Say whether a depth will train with an activation and an initialiser, before any training.

    For example: trainability predict --activation sigmoid,tanh,relu --init keras,torch,he_normal --depth 10 --width 2
    """
    # fmt: on
    choices = _given(activation=activation, init=init, bias_init=bias_init, depth=depth, width=width, norm=norm,
                     residual=residual, dropout=dropout, problem=problem)  # fmt: skip
    training = _given(seeds=seeds, steps=steps, optimizer=optimizer, lr=lr, engine=engine)
    _check(choices, training, measure, against)
    check_place(report)
    if report:
        from trainability.report.images import check_ending

        check_ending(report)
    with contextlib.redirect_stdout(sys.stderr) if json else contextlib.nullcontext():
        made = _made(choices, training, measure, against)
    if json:
        print(made.to_json(), end="")
    else:
        _show(made)
    if report:
        print(f"report: {made.report(report)}", file=sys.stderr if json else sys.stdout)


def _given(**settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _check(choices: dict[str, Any], training: dict[str, Any], measure: bool, against: str | None) -> None:
    if against is not None and measure:
        raise SpecError("give either --measure, which trains, or --against, which reads a run that is there")
    flags = [f"--{name.replace('_', '-')}" for name in (*choices, *training)]
    if against is not None and flags:
        raise SpecError(f"--against takes every choice from the run; leave out {', '.join(flags)}")
    if against is None and "activation" not in choices:
        raise SpecError("no activation is named; give --activation with one or several, such as sigmoid,tanh,relu")
    if training and not measure:
        flags = [f"--{name}" for name in training]
        raise SpecError(f"{', '.join(flags)} say how to train; add --measure, or leave them out")


def _made(choices: dict[str, Any], training: dict[str, Any], measure: bool, against: str | None) -> Forecast:
    from trainability import api

    if against is not None:
        return api.against(against)
    # Also what is to be measured, so that what theory does not cover is said before the training.
    made = api.forecast(**choices)
    if not measure:
        return made
    asked: dict[str, Any] = {"problem": "xor", "init": "torch", "depth": "10", "width": "64"} | choices | training
    with Progress() as progress:
        result = api.compare(watcher=progress, **asked)
    print(f"run: {result.directory}")
    return api.against(result)


def _show(made: Forecast) -> None:
    screen = console()
    screen.print(made.table(screen.width))
    screen.print(made.conclusion, markup=False, soft_wrap=True)
    for note in made.notes:
        screen.print(f"note: {note}", markup=False, soft_wrap=True, style="dim")
