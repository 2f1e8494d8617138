"""The table of the cells on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from trainability.report.inputs import HELD_OUT, fixed_choices, has_held_out
from trainability.report.words import NOTHING, axis_label, choices, missing, number, percent, ranked, value

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table

_GAP: Final = 2
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"

Cell = Mapping[str, Any]


@dataclass(frozen=True)
class _Column:
    """A measured column; of several that do not fit together, that with the greatest `rank` goes first."""

    head: str
    rank: int
    text: Callable[[Cell], str]


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
        width: characters to fit into; the least important columns go first, and no number is ever cut.
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
    names = [(axis_label(axis), [value(row[axis]) for row in shown]) for axis in axes]
    found = [(column, [column.text(row) for row in shown]) for column in _columns(cells, score, width)]
    space = width - sum(_wide(head, texts) for head, texts in names)
    while len(found) > 1 and sum(_wide(column.head, texts) for column, texts in found) > space:
        found.remove(max(found, key=lambda pair: pair[0].rank))

    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for head, _ in names:
        made.add_column(Text(head), no_wrap=True, overflow="ellipsis")
    for column, texts in found:
        made.add_column(
            Text(column.head),
            justify="right" if column.head else "left",
            no_wrap=True,
            width=_wide(column.head, texts) - _GAP,
        )
    for i in range(len(shown)):
        made.add_row(*(Text(texts[i]) for _, texts in names), *(Text(texts[i]) for _, texts in found))
    lines = [f"… and {len(rows) - len(shown):,} more"] if len(rows) > len(shown) else []
    same = fixed_choices(cells, tuple(axes)) if fixed is None else fixed
    if same:
        lines.append(f"the same in every cell: {choices(same)}")
    if lines:
        made.caption = Text("\n".join(lines))
        made.caption_justify = "left"
    return made


def bar(share: float | None, low: float | None, high: float | None, width: int = 20) -> str:
    """A share as blocks with its interval: ``██████▓▌──``, `width` characters; empty for a missing share."""
    if share is None or low is None or high is None or missing(share):
        return ""
    full, part = divmod(round(share * width * 8), 8)
    drawn = list(("█" * full + _EIGHTHS[part]).ljust(width)[:width])
    for i in range(min(int(low * width), width - 1), min(int(high * width - 1e-9), width - 1) + 1):
        drawn[i] = {" ": "─", "█": "▓"}.get(drawn[i], drawn[i])
    return "".join(drawn)


def _columns(cells: pl.DataFrame, score: str, width: int) -> list[_Column]:
    blocks = 20 if width >= 100 else 12
    columns = [
        _Column("solved", 0, lambda c: _percent(c["solved"])),
        _Column("95 %", 1, lambda c: _range(c["solved_low"], c["solved_high"], percent)),
        _Column("", 4, lambda c: bar(c["solved"], c["solved_low"], c["solved_high"], blocks)),
        _Column("steps", 2, lambda c: number(c["median_steps"])),
        _Column("quartiles", 9, lambda c: _range(c["steps_q1"], c["steps_q3"], number)),
        _Column("loss", 5, lambda c: number(c["final_loss"], 2)),
        _Column(score, 6, lambda c: number(c["accuracy"])),
        _Column("gradient ratio", 7, lambda c: number(c["gradient_ratio"], 2)),
        _Column("dead", 8, lambda c: _percent(c["dead"])),
    ]
    if has_held_out(cells):
        columns.insert(-2, _Column("held out", 7, lambda c: number(c[HELD_OUT])))
    if (cells["nan"].fill_null(0.0) > 0).any():
        columns.append(_Column("NaN", 3, lambda c: _percent(c["nan"])))
    return columns


def _percent(share: float | None) -> str:
    return NOTHING if missing(share) else f"{percent(share)} %"


def _range(low: float | None, high: float | None, text: Callable[[float | None], str]) -> str:
    return NOTHING if missing(low) else f"{text(low)}–{text(high)}"


def _wide(head: str, texts: Sequence[str]) -> int:
    """Characters that a column takes, with the gap after it."""
    return max([len(head), *map(len, texts)]) + _GAP
