"""What single networks answer: portraits of a typical solved and a typical failed trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from trainability.core.records import portrait_points
from trainability.core.types import Dataset
from trainability.report.inputs import RunRecord
from trainability.report.words import cell_title, ranked, short

MOST: Final = 4


@dataclass(frozen=True)
class Portrait:
    """One network: its title, its answers (points, outputs) and its region (side · side, outputs)."""

    title: str
    answers: np.ndarray
    region: np.ndarray | None


def portraits(record: RunRecord) -> list[Portrait]:
    """At most `MOST` networks.

    A solved one of the best cell, one solved and one failed of the cell where seeds decide (its solved share
    is nearest to one half), and a failed one of the worst cell; where one is missing, the next of its kind.
    """
    if record.portraits.is_empty():
        return []
    cells = {c["cell"]: c for c in ranked(record.cells).iter_rows(named=True)}
    rank = {cell: place for place, cell in enumerate(cells)}
    rows = [r for r in _typical(record) if r["cell"] in cells]
    good = sorted((r for r in rows if r["solved"]), key=lambda r: rank[r["cell"]])
    bad = sorted((r for r in rows if not r["solved"]), key=lambda r: -rank[r["cell"]])
    split = min(cells, key=lambda cell: abs((cells[cell]["solved"] or 0.0) - 0.5))
    chosen = [*_first_and(split, good), *_first_and(split, bad)[::-1]]
    return [_portrait(record, row, cells[row["cell"]]) for row in chosen]


def _typical(record: RunRecord) -> list[dict[str, Any]]:
    """One stored portrait per cell and outcome: that of the median final loss; without losses, the first."""
    import polars as pl

    key = ["cell", "trial"]
    rows = record.portraits.filter(pl.col("answers").list.len() > 0)
    if "train_loss" in record.trials.columns:
        losses = record.trials.select(*(pl.col(k).cast(rows.schema[k]) for k in key), "train_loss")
        rows = rows.join(losses, on=key, how="left", maintain_order="left").sort(
            pl.col("train_loss").fill_nan(float("inf")), nulls_last=True, maintain_order=True
        )
    same: dict[tuple[int, bool], list[dict[str, Any]]] = {}
    for row in rows.iter_rows(named=True):
        same.setdefault((row["cell"], row["solved"]), []).append(row)
    return [group[(len(group) - 1) // 2 if "train_loss" in rows.columns else 0] for group in same.values()]


def _first_and(split: int, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first row, and that of cell `split`, or the second where there is none."""
    others = sorted(rows[1:], key=lambda row: row["cell"] != split)
    return rows[:1] + others[: MOST // 2 - 1]


def target_label(data: Dataset) -> str:
    """The first target as an axis is labelled: in the user's unit, unless it says ``(standardised)``."""
    name = data.targets[0]
    scaled = any(note.startswith(f"target '{name}' is standardised") for note in data.notes)
    return short(name) + " (standardised)" * scaled


def decide(outputs: np.ndarray) -> np.ndarray:
    """The class that each row of `outputs` (points, outputs) names; −1 where an output is not a number.

    A single output above 1/2 answers class 1; of several the largest decides.
    """
    found = outputs[:, 0] > 0.5 if outputs.shape[1] == 1 else outputs.argmax(axis=1)
    return np.where(np.isfinite(outputs).all(axis=1), found.astype(int), -1)


def _portrait(record: RunRecord, row: dict[str, Any], cell: dict[str, Any]) -> Portrait:
    points = len(portrait_points(record.dataset)[0])
    answers = np.array(row["answers"], float).reshape(points, -1)
    region = row.get("region")
    word = "solved" if row["solved"] else "not solved"
    return Portrait(
        title=f"{word}: {cell_title(cell, record.axes, 18)}" if record.axes else word,
        answers=answers,
        region=None if region is None else np.array(region, float).reshape(-1, answers.shape[1]),
    )
