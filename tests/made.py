"""Small made data sets and a short way to run the engine on them, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainability import vitals
from trainability.core.types import Dataset
from trainability.engine.interface import BlockResult, Measures
from trainability.engine.selection import make
from trainability.sweep import plan
from trainability.sweep.spec import make_spec

MEASURES = Measures(vitals.names(), vitals.measure_layer)
ENGINE = make(None, None)


def dataset(task: str = "binary", samples: int = 24, held_out: int = 10, inputs: int = 3) -> Dataset:
    """Normal inputs; labels and values that a small network can learn."""
    rng = np.random.Generator(np.random.Philox(7))
    x = rng.normal(size=(samples + held_out, inputs))
    score = x[:, 0] - x[:, 1] * x[:, 2]
    y: np.ndarray
    if task == "binary":
        y, classes, target = (score > 0).astype(np.int64), ("no", "yes"), "accuracy>=1"
    elif task == "classes":
        y, classes, target = np.digitize(score, [-0.5, 0.5]).astype(np.int64), ("a", "b", "c"), "accuracy>=1"
    else:
        y, classes, target = np.stack([score, x[:, 2]], axis=1), (), "r2>=0.95"
    return Dataset(
        name=f"made {task}",
        task=task,  # type: ignore[arg-type]
        x_train=x[:samples],
        y_train=y[:samples],
        x_validation=x[samples:],
        y_validation=y[samples:],
        features=tuple(f"x{i}" for i in range(inputs)),
        classes=classes,
        targets=("y",) if classes else ("y", "z"),
        target=target,
    )


def cell(data: Dataset, **settings: Any) -> plan.Cell:
    """The one cell of a grid without several levels; a small fast network by default."""
    return cells(data, **settings)[0]


def cells(data: Dataset, **settings: Any) -> tuple[plan.Cell, ...]:
    """The cells of a grid on `data`."""
    usual = {"problem": data.name, "depth": 1, "width": 4, "init": "he_normal", "steps": 12, "lr": 0.01}
    spec = plan.resolve(make_spec({**usual, **settings}), data)
    return plan.cells(spec, data)


def train(data: Dataset, grid: tuple[plan.Cell, ...], rows: list[tuple[int, int]], seed: int = 0) -> BlockResult:
    """The given (cell, trial) rows as one block."""
    block = plan.Block("b", grid[0].program, grid[0].steps, np.array(rows))
    return ENGINE.run(block.program, plan.trials(block, grid, seed), data, block.steps, MEASURES, lambda steps: None)


def equal(a: BlockResult, i: int, b: BlockResult, j: int) -> list[str]:
    """The columns in which row i of `a` and row j of `b` differ in any bit."""
    differing = [
        name
        for name in a.columns
        if not np.array_equal(a.columns[name][i], b.columns[name][j], equal_nan=a.columns[name].dtype.kind == "f")
    ]
    for part in ("weights", "biases"):
        pairs = zip(a.parameters[part], b.parameters[part], strict=True)
        differing += [part for x, y in pairs if x[i].tobytes() != y[j].tobytes()]
    return differing
