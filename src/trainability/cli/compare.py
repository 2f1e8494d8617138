"""`trainability compare`: flags to settings, progress, the table, and where everything lies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainability.cli.progress import Progress
from trainability.core.errors import SpecError

if TYPE_CHECKING:
    from trainability.report.result import Result

_GRID, _DATA, _TRAINING, _OUTPUT = (
    "The grid (every comma list is an axis)",
    "The data",
    "Training",
    "Running and output",
)


def _option(help: str, panel: str, *names: str) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=panel, show_default=False)


def compare(
    problem: Annotated[
        str | None, typer.Argument(help="xor, spiral, digits, file:data.csv, mnist:DIR, …; see 'list problems'.")
    ] = None,
    depth: Annotated[str | None, _option("Hidden layers: 1,2,4.", _GRID)] = None,
    width: Annotated[str | None, _option("Units of each hidden layer: 5,10.", _GRID)] = None,
    hidden: Annotated[str | None, _option("Instead of depth and width: 64-32,16-16-16.", _GRID)] = None,
    activation: Annotated[str | None, _option("relu, leaky_relu:0.02, 'expr:x*sigmoid(1.7*x)', …", _GRID)] = None,
    init: Annotated[str | None, _option("Initialiser: uniform:1, he_normal, torch, keras, …", _GRID)] = None,
    bias_init: Annotated[
        str | None, _option("Initialiser of the biases; by default what the initialiser does.", _GRID)
    ] = None,
    norm: Annotated[str | None, _option("Normalisation: none,batch,layer,rms.", _GRID)] = None,
    residual: Annotated[str | None, _option("Residual connections: true, false or true,false.", _GRID)] = None,
    loss: Annotated[str | None, _option("bce, cross_entropy, mse, mae, huber, hinge, …", _GRID)] = None,
    output: Annotated[
        str | None, _option("Activation of the last layer, for losses that do not contain it.", _GRID)
    ] = None,
    optimizer: Annotated[str | None, _option("sgd, momentum:0.9, adam, rmsprop, lion, …", _GRID)] = None,
    lr: Annotated[str | None, _option("Learning rate: 0.01,0.1; by default the optimiser's.", _GRID)] = None,
    schedule: Annotated[str | None, _option("constant, cosine, step:0.1:3, warmup_cosine, …", _GRID)] = None,
    batch: Annotated[str | None, _option("Samples per step, or full.", _GRID)] = None,
    clip: Annotated[str | None, _option("Largest gradient norm; 0 for none.", _GRID)] = None,
    dropout: Annotated[str | None, _option("Share of hidden units left out in training.", _GRID)] = None,
    l1: Annotated[str | None, _option("λ of the penalty λ Σ|w|.", _GRID)] = None,
    l2: Annotated[str | None, _option("λ of the penalty λ Σw².", _GRID)] = None,
    decay: Annotated[str | None, _option("Decoupled weight decay, times the rate.", _GRID)] = None,
    samples: Annotated[int | None, _option("How many samples to draw, or to take.", _DATA)] = None,
    noise: Annotated[float | None, _option("Noise of a made problem.", _DATA)] = None,
    features: Annotated[
        str | None, _option("raw, polynomial:3, squares, product, sin, …; joined side by side.", _DATA)
    ] = None,
    standardize: Annotated[
        bool | None, _option("Mean 0 and deviation 1 by the training samples.", _DATA, "--standardize")
    ] = None,
    validation: Annotated[float | None, _option("Share of the samples that is held out.", _DATA)] = None,
    target_column: Annotated[str | None, _option("What to learn from a file, by name or number.", _DATA)] = None,
    steps: Annotated[int | None, _option("Steps of each trial (default 2000).", _TRAINING)] = None,
    epochs: Annotated[int | None, _option("Instead of steps.", _TRAINING)] = None,
    early_stopping: Annotated[
        int | None, _option("Stop after that many epochs without a lower validation loss.", _TRAINING)
    ] = None,
    target: Annotated[
        str | None, _option("When a trial is solved: 'accuracy>=1', 'validation_loss<=0.1', 'r2>=0.9'.", _TRAINING)
    ] = None,
    seeds: Annotated[int | None, _option("Trials per cell (default 256).", _TRAINING)] = None,
    seed: Annotated[int | None, _option("The seed of everything (default 0).", _TRAINING)] = None,
    dtype: Annotated[str | None, _option("float32 or float64.", _TRAINING)] = None,
    spec: Annotated[Path | None, _option("A TOML file with any of these settings; flags go over it.", _OUTPUT)] = None,
    json: Annotated[Path | None, _option("Write the result as JSON.", _OUTPUT)] = None,
    report: Annotated[Path | None, _option("Write the report, one HTML file.", _OUTPUT)] = None,
    out: Annotated[Path | None, _option("The run's directory; by default one in the user's cache.", _OUTPUT)] = None,
    devices: Annotated[int | None, _option("How many devices to use; by default all.", _OUTPUT)] = None,
) -> None:
    """Train a grid of choices with many seeds each, and say which learns, how surely and how fast."""
    given = locals()
    apart = ("problem", "spec", "json", "report", "out", "devices")
    settings = {name: value for name, value in given.items() if value is not None and name not in apart}
    for path in (json, report):
        _check_place(path)
    if devices is not None and devices < 1:
        raise SpecError(f"devices {devices}: give at least 1")
    from trainability.api import compare as run

    with Progress() as progress:
        result = run(problem, spec=spec, out=out, devices=devices, watcher=progress, **settings)
    show(result)
    if json:
        result.to_json(json)
        print(f"result: {json}")
    if report:
        print(f"report: {result.report(report)}")
    print(f"run: {result.directory}")


def _check_place(path: Path | None) -> None:
    """Say before the training, not after it, that a file cannot be written."""
    if path is not None and path.is_dir():
        raise SpecError(f"'{path}' is a directory; name a file in it")
    if path is not None and not path.parent.is_dir():
        raise SpecError(f"'{path}' cannot be written: there is no directory '{path.parent}'")


def show(result: Result) -> None:
    """The table, the conclusion and what the run cost, on the terminal."""
    from rich.console import Console

    from trainability.report import table

    console = Console(highlight=False)
    console.print(table(result.table, result.axes, score="R²" if result.dataset.task == "regression" else "accuracy"))
    console.print(result.conclusion, markup=False, soft_wrap=True)
    rate = f"{result.net_steps_per_second:,.0f} network-steps/s in training, " if result.net_steps_per_second else ""
    console.print(f"engine {result.engine}, {rate}{result.seconds:.1f} s in all", style="dim")
