"""`trainability compare`: flags to settings, progress, the table, and where everything lies."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainability.cli.progress import Progress, console
from trainability.core.errors import SpecError

if TYPE_CHECKING:
    from trainability.report.result import Result

_GRID, _DATA, _TRAINING, _OUTPUT = (
    "The grid (every comma list is an axis)",
    "The data",
    "Training",
    "Running and output",
)


def _axis(help: str) -> Any:
    return typer.Option(help=help, rich_help_panel=_GRID, metavar="LIST", show_default=False)


def _option(panel: str, metavar: str, help: str) -> Any:
    return typer.Option(help=help, rich_help_panel=panel, metavar=metavar, show_default=False)


_PROBLEM = typer.Argument(
    help="What to learn: xor, spiral, digits, file:data.csv, mnist:DIR, …; 'trainability list problems' shows all.",
    metavar="PROBLEM",
    show_default=False,
)


# Settings are text here: `sweep.spec` reads the numbers in flags, spec files and Python alike.
# fmt: off
def compare(
    problem: Annotated[str | None, _PROBLEM] = None,
    depth: Annotated[str | None, _axis("Number of hidden layers, such as 1,2,4. (default: 2)")] = None,
    width: Annotated[str | None, _axis("Units of each hidden layer, such as 5,10. (default: 8)")] = None,
    hidden: Annotated[str | None, _axis("Widths layer by layer instead of depth and width: 64-32,16-16-16.")] = None,
    activation: Annotated[str | None, _axis("relu, leaky_relu:0.02, 'expr:x*sigmoid(1.7*x)', … (default: relu)")] = None,
    init: Annotated[str | None, _axis("Initialiser of the weights: uniform:1, he_normal, torch, keras, … (default: glorot_uniform)")] = None,
    bias_init: Annotated[str | None, _axis("Initialiser of the biases. (default: what goes with the weights' one)")] = None,
    norm: Annotated[str | None, _axis("Normalisation of the pre-activations: none,batch,layer,rms. (default: none)")] = None,
    residual: Annotated[str | None, _axis("Residual connections; alone it means true, as an axis true,false. (default: false)")] = None,
    loss: Annotated[str | None, _axis("bce, cross_entropy, mse, mae, huber, hinge, … (default: what fits the data)")] = None,
    output: Annotated[str | None, _axis("Activation of the last layer, for losses that do not contain it, such as mse.")] = None,
    optimizer: Annotated[str | None, _axis("sgd, momentum:0.9, adam, rmsprop, lion, … (default: adam)")] = None,
    lr: Annotated[str | None, _axis("Learning rate, such as 0.01,0.1. (default: the optimiser's)")] = None,
    schedule: Annotated[str | None, _axis("Learning rate over time: constant, cosine, step:0.1:3, warmup_cosine, … (default: constant)")] = None,
    batch: Annotated[str | None, _axis("Samples per step, or full for all of them. (default: 32, or full if there are fewer)")] = None,
    clip: Annotated[str | None, _axis("Largest norm of the gradient; 0 for no limit. (default: 0)")] = None,
    dropout: Annotated[str | None, _axis("Share of the hidden units left out in training, from 0 to below 1. (default: 0)")] = None,
    l1: Annotated[str | None, _axis("λ of the penalty λ Σ|w| on the weights. (default: 0)")] = None,
    l2: Annotated[str | None, _axis("λ of the penalty λ Σw² on the weights. (default: 0)")] = None,
    decay: Annotated[str | None, _axis("Weight decay apart from the gradient, times the learning rate. (default: 0)")] = None,
    samples: Annotated[str | None, _option(_DATA, "N", "How many samples to draw, or to take of those there are. (default: the problem's)")] = None,
    noise: Annotated[str | None, _option(_DATA, "NUMBER", "Noise of a problem that is drawn, such as spiral. (default: 0)")] = None,
    features: Annotated[str | None, _option(_DATA, "LIST", "What the network sees, side by side: raw, polynomial:3, squares, product, sin, … (default: raw)")] = None,
    standardize: Annotated[bool | None, _option(_DATA, "", "Scale inputs, and values to predict, to mean 0 and deviation 1 over the training samples.")] = None,
    validation: Annotated[str | None, _option(_DATA, "SHARE", "Share of the samples that is held out, from 0 to below 1. (default: the problem's)")] = None,
    target_column: Annotated[str | None, _option(_DATA, "COLUMN", "Column of a file to learn, by name or by number from 0. (default: found by name, or the last)")] = None,
    steps: Annotated[str | None, _option(_TRAINING, "N", "Steps of each trial. (default: 2000)")] = None,
    epochs: Annotated[str | None, _option(_TRAINING, "N", "Passes through the training samples, instead of steps.")] = None,
    early_stopping: Annotated[str | None, _option(_TRAINING, "N", "Stop a trial after N epochs without a lower validation loss.")] = None,
    target: Annotated[str | None, _option(_TRAINING, "TARGET", "When a trial is solved: 'accuracy>=1', 'validation_loss<=0.1', 'r2>=0.9'. (default: the problem's)")] = None,
    seeds: Annotated[str | None, _option(_TRAINING, "N", "Trials per cell of the grid. (default: 256)")] = None,
    seed: Annotated[str | None, _option(_TRAINING, "N", "What all random draws depend on. (default: 0)")] = None,
    dtype: Annotated[str | None, _option(_TRAINING, "TYPE", "float32 or float64. (default: float32)")] = None,
    engine: Annotated[str | None, _option(_TRAINING, "NAME", "lanes, reference or auto: lanes where it was built. (default: auto)")] = None,
    spec: Annotated[Path | None, _option(_OUTPUT, "FILE", "A TOML file with any of the settings above, '_' for '-' in names; flags go over it.")] = None,
    json: Annotated[Path | None, _option(_OUTPUT, "FILE", "Write the result as JSON.")] = None,
    report: Annotated[Path | None, _option(_OUTPUT, "FILE", "Write the report: one HTML file with all figures in it.")] = None,
    out: Annotated[Path | None, _option(_OUTPUT, "DIR", "Where the run is kept and continued. (default: in the user's cache)")] = None,
    devices: Annotated[str | None, _option(_OUTPUT, "N", "How many devices to use. (default: all)")] = None,
) -> None:
    """Train a grid of choices with many seeds each, and say which learns, how surely and how fast.

    For example: trainability compare xor --depth 1,2,4,9 --activation sigmoid,relu --seeds 64 --report report.html
    """
    # fmt: on
    given = locals()
    apart = ("problem", "spec", "json", "report", "out", "devices")
    settings = {name: value for name, value in given.items() if value is not None and name not in apart}
    for path in (json, report):
        check_place(path)
    if json is not None and json == report:
        raise SpecError(f"--json and --report both name '{json}'; give each a file of its own")
    count: Any = int(devices) if devices is not None and re.fullmatch("[0-9]{1,9}", devices) else devices
    from trainability.api import compare as run

    with Progress() as progress:
        result = run(problem, spec=spec, out=out, devices=count, watcher=progress, **settings)
    show(result)
    if json:
        result.to_json(json)
        print(f"result: {json}")
    if report:
        print(f"report: {result.report(report)}")
    print(f"run: {result.directory}")


def check_place(path: Path | None) -> None:
    """Say before the training, not after it, that a file cannot be written."""
    if path is not None and path.is_dir():
        raise SpecError(f"'{path}' is a directory; name a file in it")
    if path is not None and not path.parent.is_dir():
        raise SpecError(f"'{path}' cannot be written: there is no directory '{path.parent}'")


def check_folder(path: Path) -> None:
    """Say before the training, not after it, that no files can be written into a folder; one that is lacking is made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        why = error.strerror or str(error)
        raise SpecError(f"cannot write into the folder '{path}': {why}; choose another place") from None


def show(result: Result) -> None:
    """The table, the conclusion and what the run cost, on the terminal."""
    from trainability.report import table

    screen = console()
    score = "R²" if result.dataset.task == "regression" else "accuracy"
    screen.print(table(result.table, result.axes, score=score, width=screen.width))
    screen.print(result.conclusion, markup=False, soft_wrap=True)
    rate = f"{result.net_steps_per_second:,.0f} network-steps/s in training, " if result.net_steps_per_second else ""
    screen.print(f"engine {result.engine}, {rate}{result.seconds:.1f} s in all", style="dim")
