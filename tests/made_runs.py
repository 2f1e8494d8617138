"""Made runs whose truth is known, for the tests of reports; no engine is asked."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from trainability.core.records import portrait_points, region_grid
from trainability.core.statistics import wilson
from trainability.core.types import Dataset
from trainability.report import RunRecord, conclude

VITALS = (
    "gradient_rms",
    "pre_activation_mean",
    "pre_activation_std",
    "activation_mean",
    "activation_std",
    "dead",
    "saturated",
    "correlation",
)


def xor() -> Dataset:
    x = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([0, 1, 1, 0])
    return Dataset("xor", "binary", x, y, x[:0], y[:0], ("first", "second"), ("0", "1"), ("class",), "accuracy>=1")


def blobs() -> Dataset:
    draw = np.random.default_rng(1)
    y = np.arange(240) % 3
    angle = 2 * np.pi * y / 3
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.35 * draw.normal(size=(240, 2))
    return Dataset("blobs", "classes", x[:180], y[:180], x[180:], y[180:], ("length", "width"),
                   ("setosa", "versicolor", "virginica"), ("species",), "accuracy>=0.9")  # fmt: skip


def sine() -> Dataset:
    x = np.linspace(-3, 3, 200)[:, None]
    y = np.sin(x) + 0.05 * np.random.default_rng(2).normal(size=x.shape)
    return Dataset("sine", "regression", x[::2], y[::2], x[1::2], y[1::2], ("x",), (), ("y",), "r2>=0.95")


def plane() -> Dataset:
    x = np.random.default_rng(3).uniform(-1, 1, (120, 2))
    y = np.sin(x[:, :1])
    none = (x[:0], y[:0])
    return Dataset("plane", "regression", x, y, *none, ("a", "b"), (), ("height",), "r2>=0.9")


def answers(data: Dataset, x: np.ndarray, good: bool) -> np.ndarray:
    """What a network that learned, or one that answers a constant, would say: (points, outputs)."""
    if data.task == "regression":
        return np.sin(x[:, :1]) * (1.0 if good else 0.02)
    if data.name == "xor":
        return (
            1 / (1 + np.exp(8 * (x[:, :1] - 0.5) * (x[:, 1:2] - 0.5) * 4))
            if good
            else np.full((len(x), 1), 0.5001) - 1e-3 * x[:, :1]
        )
    centres = np.stack([np.cos(2 * np.pi * np.arange(3) / 3), np.sin(2 * np.pi * np.arange(3) / 3)], axis=1)
    return -((x[:, None] - centres) ** 2).sum(-1) * (1 if good else 0) + np.array([0, 0, 1.0]) * (not good)


def made(
    data: Dataset,
    grid: dict[str, list],
    rate: Callable[[dict], float],
    *,
    n: int = 60,
    fixed: dict[str, object] | None = None,
    nan: float = 0.0,
    seed: int = 0,
) -> RunRecord:
    """A run over the product of `grid`, solved at `rate(cell)`; a share `nan` of the trials breaks."""
    draw = np.random.default_rng(seed)
    axes = tuple(a for a, found in grid.items() if len(found) > 1)
    cells, trials, portraits = [], [], []
    checkpoint = [0, 1, 2, 4, 8, 16, 32, 64, 125, 250, 500, 1000, 2000]
    when = np.array(checkpoint)
    for cell, choice in enumerate(itertools.product(*grid.values())):
        setting = dict(zip(grid, choice, strict=True))
        share = rate(setting)
        layers = int(setting.get("depth", (fixed or {}).get("depth", 3))) + 1
        shrink = {"sigmoid": 0.2, "tanh": 0.85}.get(setting.get("activation", "tanh"), 0.6)
        rows = []
        for trial in range(n):
            broken = draw.random() < nan
            solved = bool(draw.random() < share) and not broken
            speed = float(np.exp(draw.normal(5 + 0.1 * layers, 0.5)))
            floor = 1e-3 if solved else 0.25
            loss = floor + (0.25 - floor) / (1 + (when / speed) ** 3) * np.exp(draw.normal(0, 0.1))
            last = 6 if broken else len(checkpoint)
            if broken:
                loss[5:] = np.nan
            vital = {name: draw.random((last, layers)) for name in VITALS}
            back = np.arange(layers)[::-1]
            vital["gradient_rms"] = np.exp(draw.normal(-2, 0.3, (last, layers))) * shrink**back
            apart = shrink ** (1 + np.arange(layers)) * (0.2 + when[:last, None] / 3000)
            vital["correlation"] = np.clip(1 - apart, -1, 1)
            vital["dead"] *= 0.4 * (setting.get("activation") == "relu")
            first = int(speed) + 1 if solved else None
            rows.append({
                "cell": cell, "trial": trial, "ended": "nan" if broken else "solved" if solved else "steps",
                "solved": solved, "end_step": 20 if broken else 2000, "first_step": first,
                "train_loss": float(loss[-1]),
                "train_score": float("nan") if broken else 1.0 if solved else 0.5,
                "validation_loss": None, "validation_score": None,
                "checkpoint": checkpoint[:last], "history_train_loss": loss[:last].tolist(),
                "history_validation_loss": (1.3 * loss[:last]).tolist() if len(data.x_validation) else None,
                **{name: values.tolist() for name, values in vital.items()},
            })  # fmt: skip
        trials += rows
        solved = np.array([r["solved"] for r in rows])
        low, high = wilson(solved.sum(), n)
        steps = np.array([r["first_step"] for r in rows if r["solved"]], float)
        q1, middle, q3 = np.quantile(steps, [0.25, 0.5, 0.75]) if len(steps) else (None, None, None)
        ratio = np.median([r["gradient_rms"][0][0] / r["gradient_rms"][0][-1] for r in rows])
        cells.append({
            "cell": cell, **(fixed or {}), **setting, "n": n, "solved": float(solved.mean()),
            "solved_low": float(low), "solved_high": float(high),
            "median_steps": middle, "steps_q1": q1, "steps_q3": q3,
            "final_loss": _median([r["train_loss"] for r in rows]),
            "accuracy": _median([r["train_score"] for r in rows]), "gradient_ratio": float(ratio),
            "dead": float(np.mean([r["dead"][-1] for r in rows])),
            "nan": float(np.mean([r["ended"] == "nan" for r in rows])),
        })  # fmt: skip
        for good in (True, False):
            if (solved == good).any():
                points = portrait_points(data)[0]
                region = None
                if data.x_train.shape[1] == 2:
                    mesh = np.stack(np.meshgrid(*region_grid(data.x_train)), axis=-1).reshape(-1, 2)
                    region = answers(data, mesh, good).ravel().tolist()
                portraits.append(
                    {
                        "cell": cell,
                        "trial": int(np.flatnonzero(solved == good)[0]),
                        "solved": good,
                        "answers": answers(data, points, good).ravel().tolist(),
                        "region": region,
                    }
                )
    lists = {
        "checkpoint": pl.List(pl.Int64),
        "history_train_loss": pl.List(pl.Float32),
        "history_validation_loss": pl.List(pl.Float32),
        **dict.fromkeys(VITALS, pl.List(pl.List(pl.Float32))),
    }
    table = pl.DataFrame(trials, schema_overrides=lists, infer_schema_length=None)
    cell_table = pl.DataFrame(
        cells,
        infer_schema_length=None,
        schema_overrides=dict.fromkeys(("median_steps", "steps_q1", "steps_q3"), pl.Float64),
    )
    asked = pl.DataFrame(portraits, schema={
        "cell": pl.Int32, "trial": pl.Int32, "solved": pl.Boolean, "answers": pl.List(pl.Float32),
        "region": pl.List(pl.Float32)})  # fmt: skip
    return RunRecord(
        question=f"Which of {len(cells)} networks learn {data.name}?",
        command=f"trainability compare {data.name} --trials {n}",
        python="import trainability as t\n\nresult = t.compare('xor', depth=[1, 2, 4, 9])\nprint(result)",
        spec_toml=f'problem = "{data.name}"\ntrials = {n}\n',
        problem=data.name, dataset=data, cells=cell_table, trials=table, portraits=asked, axes=axes,
        conclusion=conclude(cell_table, table, axes), engine="reference",
        facts={"seconds": "12.3", "network-steps per second": "87,000", "jax": "0.10"},
    )  # fmt: skip


def _median(values: list[float]) -> float:
    known = [v for v in values if not np.isnan(v)]
    return float(np.median(known)) if known else float("nan")


def xor_rate(cell: dict) -> float:
    depth, name = cell.get("depth", 2), cell.get("activation", "tanh")
    if name == "sigmoid":
        return {1: 0.97, 2: 0.9}.get(depth, 0.0)
    return {"tanh": 1.0, "gelu": 1.0 - 0.01 * depth, "sine": 1.0, "relu": 1 - 0.06 * depth}.get(name, 0.7)


FIXED = {"width": 5, "init": "glorot_uniform", "loss": "mse", "optimizer": "adam", "lr": 0.01, "norm": "none",
         "dropout": 0.0, "l2": 2.3e-5, "batch": 4}  # fmt: skip
NAMES = ["relu", "tanh", "sigmoid", "gelu", "sine"]


def run_xor() -> RunRecord:
    return made(xor(), {"depth": [1, 2, 4, 9], "activation": NAMES}, xor_rate, fixed=FIXED)


def run_sine() -> RunRecord:
    return made(sine(), {"activation": ["relu", "tanh", "sine"], "depth": [2]}, xor_rate, fixed=FIXED)


def run_blobs() -> RunRecord:
    grid = {"init": ["he_normal", "glorot_uniform"], "depth": [2, 8], "norm": ["none", "batch"]}
    return made(blobs(), grid,
                lambda c: 0.2 if c["norm"] == "none" and c["depth"] == 8 else 0.9, n=20, nan=0.1)  # fmt: skip


def run_plane() -> RunRecord:
    return made(plane(), {"activation": ["tanh", "relu"], "depth": [1, 3]}, lambda _: 0.5, n=12)


def run_one() -> RunRecord:
    return made(xor(), {"depth": [2]}, lambda _: 0.8, fixed=FIXED)


def run_depths() -> RunRecord:
    return made(xor(), {"depth": [1, 2, 3, 5, 9, 14, 20]}, lambda c: 1 / (1 + (c["depth"] / 6) ** 4), fixed=FIXED)


def run_many() -> RunRecord:
    names = [f"activation_{k}" for k in range(15)]
    grid = {
        "depth": [1, 3, 9, 30],
        "activation": names,
        "init": ["he", "lecun", "glorot", "orthogonal", "zeros"],
    }
    return made(xor(), grid, lambda c: 0.98 if c["depth"] < 9 else 0.5 if c["init"] != "zeros" else 0, n=6)


def run_nan() -> RunRecord:
    return made(xor(), {"lr": [1.0, 10.0], "activation": ["relu", "tanh"]}, lambda _: 0.5, nan=1.0)


def run_unsolved() -> RunRecord:
    return made(blobs(), {"depth": [20, 40], "activation": ["sigmoid", "relu"]}, lambda _: 0.0)


MAKERS = {
    f.__name__.removeprefix("run_"): f
    for f in (
        run_xor,
        run_sine,
        run_blobs,
        run_plane,
        run_one,
        run_depths,
        run_many,
        run_nan,
        run_unsolved,
    )
}
every_run = pytest.mark.parametrize("name", MAKERS)


@functools.cache
def run(name: str) -> RunRecord:
    return MAKERS[name]()
