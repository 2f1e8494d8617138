"""The table of the cells on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from trainability.report.inputs import fixed_choices
from trainability.report.words import NOTHING, axis_label, missing, number, percent, ranked, value

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table

_BAR: Final = 20
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True)
class _Column:
    head: str
    text: Callable[[Mapping[str, Any]], str]
    # How wide the terminal must be for the column to be worth its place.
    needs: int = 0


def table(
    cells: pl.DataFrame,
    axes: Sequence[str],
    fixed: Mapping[str, object] | None = None,
    *,
    width: int | None = None,
    most: int = 20,
    score: str = "accuracy",
) -> Table:
    """The cells as a Rich table, best first, that fits `width` characters (the terminal's, when None).

    Args:
        cells: a row per cell, as `RunRecord.cells`.
        axes: the axes that vary; each is a column.
        fixed: what is the same in every cell, said under the table; taken from `cells` when None.
        width: characters to fit into; the least important columns go first.
        most: rows at most; the rest is counted in a last line.
        score: heading of the score, ``accuracy`` or ``R²``.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = Console().width if width is None else width
    rows = ranked(cells).rows(named=True)
    shown = rows[:most]
    columns = _columns(score, width)
    names = [[value(row[axis]) for row in shown] for axis in axes]
    heads = [axis_label(axis) for axis in axes]
    body = [[column.text(row) for row in shown] for column in columns]
    space = width - _room(heads, names)
    while len(columns) > 1 and _room([c.head for c in columns], body) > space:
        least = max(range(1, len(columns)), key=lambda i: (columns[i].needs, i))
        del columns[least], body[least]

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    for head in heads:
        made.add_column(Text(head), no_wrap=True, overflow="ellipsis")
    for column in columns:
        made.add_column(Text(column.head), justify="left" if column.head == "" else "right", no_wrap=True,
                        min_width=max((len(t) for t in body[columns.index(column)]), default=1), overflow="fold")
    for i in range(len(shown)):
        made.add_row(*(Text(name[i]) for name in names), *(Text(texts[i]) for texts in body))
    lines = [f"… and {len(rows) - len(shown):,} more"] if len(rows) > len(shown) else []
    same = fixed_choices(cells, tuple(axes)) if fixed is None else fixed
    if same:
        lines.append("the same in every cell: " + ", ".join(f"{axis_label(k)} {value(v)}" for k, v in same.items()))
    if lines:
        made.caption = Text("\n".join(lines))
        made.caption_justify = "left"
    return made


def bar(share: float | None, low: float | None, high: float | None, width: int = _BAR) -> str:
    """A share as a bar of blocks with its interval drawn as a line: ``██████▌───   ``."""
    if share is None or low is None or high is None or missing(share):
        return ""
    eighths = round(share * width * 8)
    full, part = divmod(eighths, 8)
    cells = list("█" * full + (_EIGHTHS[part] if part else "") + " " * width)[:width]
    first, last = min(int(low * width), width - 1), min(max(int(high * width - 1e-9), 0), width - 1)
    for i in range(first, last + 1):
        if cells[i] == " ":
            cells[i] = "─"
        elif cells[i] == "█":
            cells[i] = "▓"
    return "".join(cells)


def _columns(score: str, width: int) -> list[_Column]:
    columns = [
        _Column("solved", lambda c: NOTHING if missing(c["solved"]) else f"{percent(c['solved'])} %"),
        _Column("95 %", lambda c: NOTHING if missing(c["solved_low"]) else (
            f"{percent(c['solved_low'])}–{percent(c['solved_high'])}"), 1),
        _Column("", lambda c: bar(c["solved"], c["solved_low"], c["solved_high"], _BAR if width >= 100 else 12), 3),
        _Column("steps", lambda c: number(c["median_steps"]), 2),
        _Column("quartiles", lambda c: NOTHING if missing(c["steps_q1"]) else (
            f"{number(c['steps_q1'])}–{number(c['steps_q3'])}"), 100),
        _Column("loss", lambda c: number(c["final_loss"], 2), 4),
        _Column(score, lambda c: number(c["accuracy"]), 80),
        _Column("gradient ratio", lambda c: number(c["gradient_ratio"], 2), 81),
        _Column("dead", lambda c: NOTHING if missing(c["dead"]) else f"{percent(c['dead'])} %", 90),
        _Column("NaN", lambda c: NOTHING if missing(c["nan"]) else f"{percent(c['nan'])} %", 82),
    ]  # fmt: skip
    return [column for column in columns if column.needs <= width]


def _room(heads: list[str], body: list[list[str]]) -> int:
    """Characters that columns take, with the two spaces between them."""
    return sum(max([len(head), *map(len, texts)]) + 2 for head, texts in zip(heads, body, strict=True))
