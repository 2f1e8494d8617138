"""Text tables: CSV and TSV, with separator and header inferred."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trainability.core.errors import DataError
from trainability.problems.columns import MISSING, Table
from trainability.problems.problem import check_size

if TYPE_CHECKING:
    import polars as pl

# Commas come last: numbers with decimal commas also split at commas.
_SEPARATORS: Final = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma"}
_SNIFFED_LINES: Final = 50
_CHUNK_ROWS: Final = 20_000


def read_delimited(path: Path, owner: str) -> Table:
    """The cells of a text table, all as text; DataError with the line of what is wrong."""
    lines = _check_text(path, owner)
    separator = _separator(path)
    frame, places = _cells(path, owner, separator, lines)
    notes = []
    if separator != {".tsv": "\t"}.get(path.suffix.lower(), ","):
        notes.append(f"columns are separated by a {_SEPARATORS[separator]}")
    first = [cell.strip() for cell in frame.row(0)]
    header = _is_header(frame, first)
    if header:
        names = [name or f"column {i}" for i, name in enumerate(first)]
        if twice := next((n for i, n in enumerate(names) if n in names[:i]), None):
            raise DataError(f"{owner}: two columns are named '{twice}' in line {places[0]}; rename one")
        unnamed_first = not first[0]
        frame, places = frame[1:], places[1:]
        notes.append(f"line 1 is taken as the header: {len(names)} names")
    else:
        names = [f"column {i}" for i in range(len(first))]
        unnamed_first = False
        notes.append("no header: columns are numbered from 0")
    frame = frame.rename(dict(zip(frame.columns, names, strict=True)))
    if unnamed_first and frame.width > 2 and _counts_rows(frame[names[0]]):
        frame = frame.drop(names[0])
        notes.append("the first column has no name and counts the rows: left out")
    return Table(owner, frame, lambda row: f"line {places[row]}", tuple(notes))


def _check_text(path: Path, owner: str) -> int:
    """The number of lines; DataError for a file that is empty or not UTF-8 text. Reads block by block."""
    decoder, lines = codecs.getincrementaldecoder("utf-8")(), 0
    blank = True
    with path.open("rb") as stream:
        while True:
            block = stream.read(1 << 20)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line = lines + 1 + error.object[: error.start].count(b"\n")
                raise DataError(
                    f"{owner}, line {line}: byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8"
                ) from None
            if not block:
                break
            if b"\0" in block:
                line = lines + 1 + block[: block.index(b"\0")].count(b"\n")
                raise DataError(
                    f"{owner}, line {line}: a zero byte, so this is not a UTF-8 text table; save it as CSV in UTF-8"
                )
            blank = blank and not text.lstrip("\ufeff").strip()
            lines += block.count(b"\n")
    if blank:
        raise DataError(f"{owner} is empty")
    return lines + 1


def _reader(stream, separator: str):
    return csv.reader(stream, delimiter=separator, skipinitialspace=separator != "\t", strict=True)


def _separator(path: Path) -> str:
    """The separator that splits the first lines into as many cells each, or else line 1 into most.

    Where several do, it is the one that leaves most cells numbers and no quotes inside cells.
    """
    with path.open(encoding="utf-8-sig", newline="") as stream:
        sample = list(itertools.islice((line for line in stream if line.strip()), _SNIFFED_LINES))
    scores = {}
    for separator in _SEPARATORS:
        try:
            rows = list(_reader(io.StringIO("".join(sample), newline=""), separator))
        except csv.Error:
            # A quoted cell that the sample cuts off, or a quote that this separator leaves out of place.
            rows = [sample[0].split(separator)]
        width, cells = len(rows[0]), list(itertools.chain(*rows))
        even = len(rows) > 1 and all(len(row) == width for row in rows)
        numbers = sum(_is_number(cell if separator == "," else cell.replace(",", ".")) for cell in cells)
        clean = not any('"' in cell for cell in cells)
        scores[separator] = (width > 1, even, clean, numbers / len(cells), 0 if even else width)
    return max(scores, key=lambda separator: scores[separator])


def _cells(path: Path, owner: str, separator: str, lines: int) -> tuple[pl.DataFrame, array]:
    """Every cell as text, and the line on which each row starts; blank lines are skipped."""
    import polars as pl

    parts: list[pl.DataFrame] = []
    chunk: list[list[str]] = []
    places = array("Q")
    width = 0
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = _reader(stream, separator)
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader, None)
            except csv.Error as error:
                raise DataError(f"{owner}, line {line}: {error}; look for a quote that is not closed") from None
            if row is not None and len(row) < 2 and not "".join(row).strip():
                continue  # a blank line
            if row and not width:
                width = len(row)
                if width == 1:
                    raise DataError(
                        f"{owner}, line {line}: one column only; a feature and a target are needed, "
                        "separated by a comma, semicolon, tab or bar"
                    )
                check_size(lines, width, owner)
            if row and len(row) != width:
                raise DataError(f"{owner}, line {line} has {len(row)} cell(s), but line {places[0]} has {width}")
            if row:
                chunk.append(row)
                places.append(line)
            if chunk and (row is None or len(chunk) == _CHUNK_ROWS):
                names = [f"column_{i}" for i in range(width)]
                parts.append(pl.DataFrame(chunk, schema=dict.fromkeys(names, pl.String), orient="row"))
                chunk = []
            if row is None:
                break
    if not parts:
        raise DataError(f"{owner} has no cells that are not empty")
    return pl.concat(parts), places


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_header(frame: pl.DataFrame, first: list[str]) -> bool:
    """Whether the first row names the columns.

    It does when it holds no number (but its columns' numbers 0, 1, 2, …) and is above a column of numbers,
    or, above text alone, when none of its cells occurs again below.
    """
    import polars as pl

    empty = [cell.lower() in MISSING for cell in first]
    if any(_is_number(cell) and cell != str(i) for i, cell in enumerate(first)) or any(empty[1:]):
        return False
    body = frame[1:]
    names = [not _is_number(cell) and not gap for cell, gap in zip(first, empty, strict=True)]
    if not any(names):
        return False
    if not body.height:
        return True
    for name, is_name in zip(frame.columns, names, strict=True):
        text = body[name].str.strip_chars()
        gap = text.str.to_lowercase().is_in(list(MISSING))
        if is_name and not gap.all() and (gap | text.cast(pl.Float64, strict=False).is_not_null()).all():
            return True
    return (
        all(names)
        and len(set(first)) == len(first)
        and not any(
            (body[name].str.strip_chars() == cell).any() for name, cell in zip(frame.columns, first, strict=True)
        )
    )


def _counts_rows(series: pl.Series) -> bool:
    """Whether a column is 0, 1, 2, … or 1, 2, 3, …"""
    import numpy as np
    import polars as pl

    numbers = series.cast(pl.Float64, strict=False).to_numpy()
    return any(np.array_equal(numbers, np.arange(start, start + len(numbers))) for start in (0, 1))
