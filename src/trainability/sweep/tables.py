"""An engine's columns as the tables of `core.records`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainability.core.records import PORTRAIT_TRIALS, SCORES, portrait_points, region_grid
from trainability.core.types import Dataset
from trainability.engine.answers import answers
from trainability.engine.interface import BlockResult, Program, Trials

if TYPE_CHECKING:
    import polars as pl


def trials_table(columns: dict[str, np.ndarray]) -> pl.DataFrame:
    """The trials table from an engine's columns: arrays become lists, −1 and missing scores become null."""
    import polars as pl

    return pl.DataFrame([_series(name, values) for name, values in columns.items()])


def _series(name: str, values: np.ndarray) -> pl.Series:
    import polars as pl

    if name == "first_step":
        return pl.Series(name, np.where(values < 0, np.nan, values), nan_to_null=True).cast(pl.Int64)
    series = pl.Series(name, values, nan_to_null=name in SCORES and name.startswith("validation"))
    kind: Any = pl.Int64 if values.dtype.kind == "i" else pl.Float32
    for _ in range(values.ndim - 1):
        kind = pl.List(kind)
    return series.cast(kind) if values.ndim > 1 else series


def portraits_table(program: Program, trials: Trials, result: BlockResult, data: Dataset) -> pl.DataFrame:
    """Portraits of a typical solved and a typical failed trial of each cell in a block: that of the median final loss.

    Only the first `PORTRAIT_TRIALS` of a cell are considered; a loss that became NaN counts as the largest.
    """
    import polars as pl

    lists = pl.List(pl.Float32)
    schema = {"cell": pl.Int32, "trial": pl.Int32, "solved": pl.Boolean, "answers": lists, "region": lists}
    considered = trials.trial < PORTRAIT_TRIALS
    if not considered.any():
        return pl.DataFrame(schema=schema)
    points, _, _ = portrait_points(data)
    grid = None
    if data.x_train.shape[1] == 2:
        first, second = region_grid(data.x_train)
        grid = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    rows = []
    for cell, solved in sorted(set(zip(trials.cell.tolist(), result.columns["solved"].tolist(), strict=True))):
        alike = (trials.cell == cell) & (result.columns["solved"] == solved) & considered
        matching = np.flatnonzero(alike)
        if not len(matching):
            continue
        order = np.argsort(result.columns["train_loss"][matching], kind="stable")
        i = int(matching[order[(len(order) - 1) // 2]])
        parameters = of_trial(result.parameters, i)
        numbers = {name: values[i] for name, values in trials.numbers.items()}
        answer = lambda x, p=parameters, n=numbers: answers(program, p, n, x).astype(np.float32).ravel()  # noqa: E731
        with np.errstate(over="ignore"):  # a network that diverged may answer more than float32 holds: inf
            rows.append({
                "cell": cell, "trial": int(trials.trial[i]), "solved": solved,
                "answers": answer(points), "region": None if grid is None else answer(grid),
            })  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def of_trial(tree: Any, i: int) -> Any:
    """Trial i of a tree of arrays with a leading axis of trials, such as a block's parameters."""
    if isinstance(tree, dict):
        return {name: of_trial(part, i) for name, part in tree.items()}
    if isinstance(tree, list | tuple):
        return [of_trial(part, i) for part in tree]
    return tree[i]
