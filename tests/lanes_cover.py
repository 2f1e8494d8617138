"""Small trainings that take the lanes kernel through all of its code, and their records.

As a program, ``python -m tests.lanes_cover DIRECTORY KERNEL FILE``, it runs them through a kernel of that directory and
writes the records, and the values of all functions, into a file.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.lanes_functions import bits
from tests.made import MEASURES, cells, dataset
from trainability.activations import ACTIVATIONS
from trainability.core.errors import SpecError
from trainability.engine import lanes
from trainability.engine.lanes import LanesEngine, missing
from trainability.losses import LOSSES
from trainability.normalization import NORMALIZATIONS
from trainability.optimizers import OPTIMIZERS
from trainability.schedules import SCHEDULES
from trainability.sweep import plan

DATA = {task: dataset(task) for task in ("binary", "classes", "regression")}
LARGE = dataset("classes", samples=333, held_out=70)
"""More samples than the kernel takes in one pass, and than it measures on."""

FACTORS: dict[str, list[Any]] = {
    "activation": [*(entry.name for entry in ACTIVATIONS), "expr:x*sin(3*x) + arcsinh(x)", "expr:2**x/(1 + tan(x)**2)"],
    "optimizer": [entry.name for entry in OPTIMIZERS],
    "schedule": [entry.name for entry in SCHEDULES],
    "norm": [entry.name for entry in NORMALIZATIONS],
    "dtype": ["float32", "float64"],
    "batch": [0, 7, 24, 1, 5],
    "hidden": ["5-5", "33-7-18", "1", "4", "3-3-3-3"],
    "residual": [False, True],
    "output": ["identity", "softplus", "tanh"],
    "clip": [0.0, 0.3],
    "l1": [0.0, 0.01, 0.0],
    "l2": [0.0, 0.02, 0.0, 0.0, 0.0],
    "decay": [0.0, 0.0, 0.1],
    "dropout": [0.0, 0.0, 0.2],
    "early_stopping": [None, None, 1, 3],
    "target": [None, "validation_loss<=0.6", "loss<=0.1"],
    "lr": [[0.01, 1e30], 0.02],
}
"""Values that are taken in turn. Lengths without a common factor bring different values together."""


def covered(task: str, **settings: Any) -> bool:
    """Whether there is such a network and the kernel can train it."""
    try:
        return not missing(cells(DATA[task], **{"hidden": "3", "depth": (), "width": (), **settings})[0].program)
    except SpecError:
        return False


def table() -> dict[str, list[Any]]:
    """The factors' values that the kernel covers."""
    return {
        name: [value for value in values if value is None or covered("binary", loss="mse", **{name: value})]
        for name, values in FACTORS.items()
    }


def rows() -> Iterator[tuple[str, dict[str, Any]]]:
    """(task, settings) until every value of every factor has had its turn."""
    values = table()
    losses = [(loss.name, task) for loss in LOSSES for task in loss.tasks if covered(task, loss=loss.name)]
    turns = {name: itertools.cycle(choices) for name, choices in values.items()}
    last = max(map(len, [losses, *values.values()]))
    for loss, task in itertools.islice(itertools.cycle(losses), last):
        settings = {name: value for name, turn in turns.items() if (value := next(turn)) is not None}
        if not covered(task, loss=loss, output=settings["output"]):
            del settings["output"]
        if not covered(task, norm=settings["norm"], batch=settings["batch"]):
            settings["batch"] = 2  # one sample has no spread
        yield task, {"loss": loss, "depth": (), "width": (), "steps": 6, **settings}


def records(kernel: str) -> dict[str, np.ndarray]:
    """Every column and parameter of all the trainings, by that kernel."""
    found: dict[str, np.ndarray] = {}
    for i, (task, settings) in enumerate(rows()):
        data = LARGE if task == "classes" and i % 2 else DATA[task]
        grid = cells(data, **settings)
        pairs = np.array([(cell.index, trial) for trial in range(9) for cell in grid])
        block = plan.Block("b", grid[0].program, grid[0].steps, pairs)
        trials = plan.trials(block, grid, 5)
        result = LanesEngine(kernel=kernel).run(block.program, trials, data, block.steps, MEASURES, lambda steps: None)
        found |= {f"{i} {name}": column for name, column in result.columns.items()}
        for part, arrays in result.parameters.items():
            found |= {f"{i} {part} {layer}": np.asarray(array) for layer, array in enumerate(arrays)}
    return found


def main(directory: str, kernel: str, file: str) -> None:
    """Run everything by a kernel of `directory`, and write the outcome into `file`."""
    lanes.__path__.insert(0, directory)
    np.savez(file, **bits(kernel), **records(kernel))  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:])
