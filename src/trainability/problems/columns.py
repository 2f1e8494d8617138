"""From columns of a table to inputs and targets: what is a number, what is a class, what is neither.

Everything inferred is said in a note, and everything refused names the column and the line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from trainability.core.errors import DataError, SpecError, UnknownName
from trainability.problems.problem import Samples, check_size, several

if TYPE_CHECKING:
    import polars as pl

MIN_ROWS: Final = 4
MAX_ONE_HOT: Final = 20
MAX_WHOLE_CLASSES: Final = 20
MAX_TEXT_CLASSES: Final = 1000
TARGET_NAMES: Final = ("target", "label", "class", "y")
MISSING: Final = ("", "?", "na", "n/a", "nan", "null")


@dataclass(frozen=True)
class Table:
    """Columns as read, and what to call a row of theirs: ``line 7``."""

    name: str
    frame: pl.DataFrame
    place: Callable[[int], str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column understood: float64 numbers, or text as codes into sorted `values`.

    `whole` says that every number is written as an integer.
    """

    name: str
    numbers: np.ndarray
    values: tuple[str, ...] = ()
    whole: bool = False


def understand(table: Table, name: str) -> Column:
    """The column of that name as numbers or as text; DataError that names the first cell that is neither."""
    import polars as pl

    series = table.frame[name]
    where = f"{table.name}, column '{name}'"
    if series.dtype.is_numeric() or series.dtype == pl.Boolean:
        numbers = series.cast(pl.Float64).fill_nan(None)
        _refuse_missing(numbers.is_null(), table, where)
        return Column(name, _finite(numbers.to_numpy(), table, where), whole=not series.dtype.is_float())
    if series.dtype not in (pl.String, pl.Categorical, pl.Enum):
        raise DataError(f"{where} is of type {series.dtype}; numbers, text or booleans can be learned from: convert it")
    text = series.cast(pl.String).str.strip_chars()
    missing = text.is_null() | text.str.to_lowercase().is_in(list(MISSING))
    numbers = text.cast(pl.Float64, strict=False)
    numeric = numbers.is_not_null() & ~missing
    _refuse_missing(missing, table, where)
    if numeric.all():
        whole = not text.str.contains("[.eE]").any()
        return Column(name, _finite(numbers.to_numpy(), table, where), whole=whole)
    strange = int((~numeric).to_numpy().argmax())
    cell = text[strange]
    if text.str.contains(r"^[+-]?\d*,?\d+$").all():
        raise DataError(
            f"{where}, {table.place(strange)}: '{cell}' has a decimal comma; write '{cell.replace(',', '.')}'"
        )
    if (count := int(numeric.sum())) > table.frame.height / 2:
        raise DataError(
            f"{where}, {table.place(strange)}: '{cell}' is not a number, as {count:,} of the column's "
            f"{table.frame.height:,} cells are"
        )
    values = text.unique().sort()
    codes = values.search_sorted(text).to_numpy()
    return Column(name, codes.astype(np.float64), tuple(values.to_list()))


def _refuse_missing(missing: pl.Series, table: Table, where: str) -> None:
    if count := int(missing.sum()):
        more = f" ({count - 1:,} more in this column)" if count > 1 else ""
        raise DataError(
            f"{where}, {table.place(int(missing.to_numpy().argmax()))}: the cell is empty or not a "
            f"number{more}; fill it in or delete the row"
        )


def _finite(numbers: np.ndarray, table: Table, where: str) -> np.ndarray:
    if not np.isfinite(numbers).all():
        row = int((~np.isfinite(numbers)).argmax())
        raise DataError(f"{where}, {table.place(row)}: the number is infinite; correct it or delete the row")
    return numbers.astype(np.float64)


def learnable(table: Table, target_column: str | None) -> Samples:
    """Inputs and target of a table; DataError when there is nothing to learn, or no sound way to learn it."""
    frame, notes = table.frame, list(table.notes)
    if not frame.height:
        raise DataError(f"{table.name} has a header but no rows")
    if frame.height < MIN_ROWS:
        raise DataError(f"{table.name} has {frame.height} row(s) of data; at least {MIN_ROWS} are needed")
    if frame.width < 2:
        raise DataError(f"{table.name} has one column only; a feature and a target are needed")
    target, remark = choose_target(table.name, frame.columns, target_column)
    y, classes, said = as_target(table.name, understand(table, target), frame.height)
    blocks: list[np.ndarray] = []
    names: list[str] = []
    for name in frame.columns:
        if name == target:
            continue
        column = understand(table, name)
        block, made, word = _as_feature(table, column)
        blocks.append(block)
        names += made
        notes += word
        check_size(frame.height, len(names), table.name)
    x, kept, dropped = drop_constant(table.name, np.concatenate(blocks, axis=1), tuple(names))
    return Samples(x, y, kept, classes, (target,), (*notes, remark, said, *dropped))


def choose_target(owner: str, names: list[str], wanted: str | None) -> tuple[str, str]:
    """The name of the target column, and a note on the choice; UnknownName or SpecError if there is none."""
    if wanted is None:
        folded = {name.lower(): name for name in reversed(names)}
        for usual in TARGET_NAMES:
            if usual in folded:
                return folded[usual], f"target column: '{folded[usual]}', by its name"
        return names[-1], f"target column: '{names[-1]}', the last one (none is called {', '.join(TARGET_NAMES)})"
    wanted = wanted.strip()
    found = [n for n in names if n == wanted] or [n for n in names if n.lower() == wanted.lower()]
    if len(found) == 1:
        return found[0], f"target column: '{found[0]}', as chosen"
    try:
        index = int(wanted)
    except ValueError:
        raise UnknownName(f"column of {owner}", wanted, names) from None
    if not -len(names) <= index < len(names):
        raise SpecError(f"{owner} has {len(names)} columns, numbered from 0: there is no column {index}")
    return names[index], f"target column: '{names[index]}', number {index % len(names)} counted from 0"


def as_target(owner: str, column: Column, rows: int) -> tuple[np.ndarray, tuple[str, ...], str]:
    """(labels or values, classes, note) of a target column.

    Text is classes. Numbers are classes when there are at most 20 distinct ones, each in two rows on average,
    all whole, and written as integers or equal to 0 … k - 1 or to -1 and 1. Other numbers are a regression.
    """
    name, numbers = column.name, column.numbers
    distinct, codes = np.unique(numbers, return_inverse=True)
    count = len(distinct)
    if count < 2:
        only = column.values[0] if column.values else f"{distinct[0]:g}"
        raise DataError(f"{owner}: target '{name}' is '{only}' in every row, so there is nothing to learn")
    if column.values:
        if count > min(MAX_TEXT_CLASSES, rows // 2):
            raise DataError(
                f"{owner}: target '{name}' is text with {count:,} distinct values in {rows:,} rows, too many "
                "for classes; choose another target column"
            )
        return (
            codes.astype(np.int64),
            column.values,
            f"target '{name}' has {count} distinct values of text: taken as {count} classes",
        )
    integral = bool((distinct == np.round(distinct)).all())
    labels = column.whole or np.array_equal(distinct, np.arange(count)) or np.array_equal(distinct, [-1, 1])
    if integral and labels and count <= min(MAX_WHOLE_CLASSES, rows // 2):
        return (
            codes.astype(np.int64),
            tuple(f"{v:.0f}" for v in distinct),
            f"target '{name}' has {count} distinct whole numbers: taken as {count} classes",
        )
    hint = "; write labels as text to have classes" if integral else ""
    return (
        numbers[:, None],
        (),
        f"target '{name}' has {count:,} distinct numbers: taken as a regression{hint}",
    )


def _as_feature(table: Table, column: Column) -> tuple[np.ndarray, list[str], list[str]]:
    """(inputs (rows, n), their names, notes) of a feature column: numbers as they are, text one-hot."""
    name, values = column.name, column.values
    if not values:
        return column.numbers[:, None], [name], []
    rows = len(column.numbers)
    if len(values) > max(2, min(MAX_ONE_HOT, rows // 2)):
        cell = values[int(column.numbers[0])]
        raise DataError(
            f"{table.name}, column '{name}', {table.place(0)}: '{cell}' is not a number, and the column's "
            f"text has {len(values):,} distinct values in {rows:,} rows, too many for one-hot inputs; delete "
            "the column or turn it into numbers"
        )
    if len(values) == 2:
        return (
            column.numbers[:, None],
            [f"{name}={values[1]}"],
            [f"column '{name}' is text with two values: 0 for '{values[0]}', 1 for '{values[1]}'"],
        )
    hot = (column.numbers[:, None] == np.arange(len(values))).astype(np.float64)
    return (
        hot,
        [f"{name}={v}" for v in values],
        [f"column '{name}' is text with {len(values)} distinct value(s): one-hot, one input each"],
    )


def drop_constant(
    owner: str, x: np.ndarray, names: tuple[str, ...]
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """`x` and `names` without columns that never change, and a note; DataError when none is left."""
    varies = x.min(axis=0) != x.max(axis=0)
    if varies.all():
        return x, names, ()
    if not varies.any():
        raise DataError(f"{owner}: every input is the same in all rows, so there is nothing to learn from")
    gone = tuple(n for n, v in zip(names, varies, strict=True) if not v)
    kept = tuple(n for n, v in zip(names, varies, strict=True) if v)
    return x[:, varies], kept, (f"{len(gone):,} input(s) never change and are left out: {several(gone)}",)
