"""What single networks answer: portraits of a typical solved and a typical failed trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from trainability.report.inputs import RunRecord
from trainability.report.words import cell_title, ranked

MOST: Final = 4


@dataclass(frozen=True)
class Portrait:
    """One network: its title, its answers (points, outputs), its region (side · side, outputs) and its threshold."""

    title: str
    solved: bool
    answers: np.ndarray
    region: np.ndarray | None
    threshold: float


def portraits(record: RunRecord) -> list[Portrait]:
    """At most `MOST` networks.

    A solved one of the best cell; one solved and one failed of the cell where seeds decide (the solved share nearest to
    one half); a failed one of the worst cell; then further ones, until there are two of a kind.
    """
    if record.portraits.is_empty():
        return []
    order = {c["cell"]: (rank, c) for rank, c in enumerate(ranked(record.cells).iter_rows(named=True))}
    rows = [r for r in record.portraits.iter_rows(named=True) if r["cell"] in order and r["answers"]]
    good = sorted((r for r in rows if r["solved"]), key=lambda r: order[r["cell"]][0])
    bad = sorted((r for r in rows if not r["solved"]), key=lambda r: -order[r["cell"]][0])
    split = min(order.values(), key=lambda ranked_cell: abs((ranked_cell[1]["solved"] or 0.0) - 0.5))[1]["cell"]
    chosen = [*_first_and(split, good), *_first_and(split, bad)[::-1]]
    return [_portrait(record, row, order[row["cell"]][1]) for row in chosen]


def _first_and(split: int, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first row, and that of cell `split`, or the second where there is none."""
    others = sorted(rows[1:], key=lambda row: row["cell"] != split)
    return rows[:1] + others[:MOST // 2 - 1]


def decide(outputs: np.ndarray, threshold: float) -> np.ndarray:
    """The class that each row of `outputs` (points, outputs) names; −1 where the output is not a number."""
    found = outputs[:, 0] > threshold if outputs.shape[1] == 1 else outputs.argmax(axis=1)
    return np.where(np.isfinite(outputs).all(axis=1), found.astype(int), -1)


def _portrait(record: RunRecord, row: dict[str, Any], cell: dict[str, Any]) -> Portrait:
    from trainability.core.records import portrait_points

    points = len(portrait_points(record.dataset)[0])
    answers = np.array(row["answers"], float).reshape(points, -1)
    region = row.get("region")
    word = "solved" if row["solved"] else "not solved"
    threshold = cell.get("threshold")
    return Portrait(
        title=f"{word}: {cell_title(cell, record.axes)}" if record.axes else word,
        solved=row["solved"],
        answers=answers,
        region=None if region is None else np.array(region, float).reshape(-1, answers.shape[1]),
        threshold=0.5 if threshold is None else threshold,
    )
