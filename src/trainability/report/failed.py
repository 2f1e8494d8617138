"""Inside the trials that failed: how they differ from solved trials of the same cell, as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from trainability.report.inputs import RunRecord, shown_note
from trainability.report.words import NOTHING, axis_label, number, percent, ranked, value

if TYPE_CHECKING:
    import polars as pl

MOST: Final = 12
_HEADS: Final = {
    "gradient": "gradient ratio",
    "dead": "dead",
    "saturated": "saturated",
    "correlation": "correlation",
    "nan": "NaN",
    "loss": "final loss",
}
_SHARES: Final = ("dead", "saturated", "nan")
_CAPTION: Final = (
    "Medians over the trials of a row whose value is finite; where failed and solved differ is where to look: a "
    "gradient ratio (first layer over last, at the start) far below 1 vanishes on its way back and far above 1 "
    "explodes; at the end, dead near 100\u00a0% are hidden units that are off, saturated ones sit on a flat end, and a "
    "correlation near 1 (of the last hidden layer's answers to two inputs) is a network that answers the same to "
    "every input; NaN is the share of trials that broke."
)


def failed_html(record: RunRecord) -> str:
    """A section with two rows per cell, failed and solved; empty text where no trial failed."""
    cells, left_out = _choose(record)
    if not cells:
        return ""
    found = _medians(record.trials, [cell["cell"] for cell in cells])
    heads = [axis_label(axis) for axis in record.axes] + ["outcome", "trials", *_HEADS.values()]
    words = len(record.axes) + 1
    head = "".join(f'<th scope="col"{" class=name" * (i < words)}>{escape(h)}</th>' for i, h in enumerate(heads))
    bodies = "\n".join(_body(cell, record.axes, found) for cell in cells)
    more = f" Shown are {len(cells)} cells, first those where both are common; {left_out:,} more have failed trials."
    note = _CAPTION + more * (left_out > 0) + shown_note(record)
    return (
        f"<section><h2>Inside those that failed</h2>\n<p class=note>{escape(note)}</p>\n"
        f'<div class="scroll"><table class="pairs"><thead><tr>{head}</tr></thead>\n{bodies}\n</table></div></section>'
    )


def _choose(record: RunRecord) -> tuple[list[dict[str, Any]], int]:
    """At most `MOST` cells with failed trials, best first, and how many are left out.

    Where both outcomes are common they can be compared: these come first, nearest to one half before others;
    then the cells that failed most.
    """
    cells = [c for c in ranked(record.cells).iter_rows(named=True) if c["solved"] is not None and c["solved"] < 1]
    telling = sorted(cells, key=lambda c: abs(c["solved"] - 0.5) if 0.1 <= c["solved"] <= 0.9 else 1 + c["solved"])
    chosen = {cell["cell"] for cell in telling[:MOST]}
    return [c for c in cells if c["cell"] in chosen], len(cells) - len(chosen)


def _medians(trials: pl.DataFrame, cells: list[int]) -> dict[tuple[int, bool], dict[str, Any]]:
    """Cell and outcome to the number of ``trials`` and a number per column of the table, None where nothing is finite.

    In the list columns the last layer is the output; it has no activation, so it is left out of all but the gradient.
    """
    import polars as pl

    def layers(name: str, place: int) -> pl.Expr:
        return pl.col(name).list.get(place, null_on_oob=True).cast(pl.List(pl.Float64))

    def hidden(name: str) -> pl.Expr:
        last = layers(name, -1)
        return last.list.head(last.list.len().cast(pl.Int64) - 1)

    first = layers("gradient_rms", 0).list
    signs = {
        "gradient": first.first() / first.last(),
        "dead": hidden("dead").list.mean(),
        "saturated": hidden("saturated").list.mean(),
        "correlation": hidden("correlation").list.last(),
        "loss": pl.col("train_loss").cast(pl.Float64),
    }
    needed = dict.fromkeys(("gradient_rms", "dead", "saturated", "correlation"), pl.List(pl.List(pl.Float32)))
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in needed.items() if name not in trials.columns]
    rows = trials.filter(pl.col("cell").is_in(cells)).with_columns(absent)
    measured = rows.select("cell", "solved", nan=pl.col("ended") == "nan", **signs)
    table = measured.group_by("cell", "solved").agg(
        pl.len().alias("trials"),
        pl.col("nan").mean(),
        *(pl.col(name).filter(pl.col(name).is_finite()).median() for name in signs),
    )
    return {(row["cell"], row["solved"]): row for row in table.iter_rows(named=True)}


def _body(cell: dict[str, Any], axes: tuple[str, ...], found: dict[tuple[int, bool], dict[str, Any]]) -> str:
    """A cell's two rows; what names the cell stands once, beside both."""
    names = "".join(f'<th scope="rowgroup" rowspan="2" class=name>{escape(value(cell[a]))}</th>' for a in axes)
    rows = []
    for solved, outcome in ((False, "failed"), (True, "solved")):
        row = found.get((cell["cell"], solved), {"trials": 0})
        texts = [f"{row['trials']:,}", *(_text(name, row.get(name)) for name in _HEADS)]
        numbers = "".join(f"<td>{text}</td>" for text in texts)
        rows.append(f'<tr class="{outcome}">{names if not solved else ""}<td class=name>{outcome}</td>{numbers}</tr>')
    return f"<tbody>{''.join(rows)}</tbody>"


def _text(name: str, item: float | None) -> str:
    if item is None:
        return NOTHING
    return f"{percent(item)} %" if name in _SHARES else number(item, 2)
