"""``file:PATH``: a table of the user's own in CSV, TSV, Parquet or NPZ."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Final

from trainability.core.errors import DataError, SpecError
from trainability.problems.arrays import read_npz
from trainability.problems.columns import Table, learnable
from trainability.problems.delimited import read_delimited
from trainability.problems.problem import Samples, Source, check_size

MAX_FILE_BYTES: Final = 2_000_000_000
EXTENSIONS: Final = (".csv", ".tsv", ".parquet", ".npz")


def read_table(path: Path, target_column: str | None = None) -> Samples:
    """Inputs and target of a file; DataError that names the place for one that cannot be learned from."""
    owner = f"'{path}'"
    extension = path.suffix.lower()
    _check_file(path, owner, extension)
    try:
        if extension == ".npz":
            if target_column is not None:
                raise SpecError(f"{owner} takes no target column: the array y of an NPZ file is the target")
            return read_npz(path, owner)
        table = _read_parquet(path, owner) if extension == ".parquet" else read_delimited(path, owner)
        return learnable(table, target_column)
    except OSError as error:
        raise DataError(f"{owner} cannot be read: {error.strerror or error}") from None


def _check_file(path: Path, owner: str, extension: str) -> None:
    """DataError unless there is a file of a known kind and a size that can be read."""
    if path.is_dir():
        raise DataError(f"{owner} is a folder; name a file of it")
    if not path.exists():
        if not path.parent.is_dir():
            raise DataError(f"there is no folder '{path.parent}', so no file {owner}")
        names = sorted(p.name for p in path.parent.iterdir() if p.suffix.lower() in EXTENSIONS)
        near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
        raise DataError(f"there is no file {owner}" + (f"; did you mean '{path.parent / near[0]}'?" if near else ""))
    if extension not in EXTENSIONS:
        raise DataError(
            f"{owner} ends in '{extension}', which is not a known kind of table; known are {', '.join(EXTENSIONS)}"
        )
    size = path.stat().st_size
    if size == 0:
        raise DataError(f"{owner} is empty")
    if size > MAX_FILE_BYTES:
        raise DataError(
            f"{owner} has {size / 1e9:,.1f} GB, more than the {MAX_FILE_BYTES / 1e9:g} GB allowed; use a part"
        )


def _read_parquet(path: Path, owner: str) -> Table:
    import polars as pl

    try:
        lazy = pl.scan_parquet(path, glob=False)
        width = len(lazy.collect_schema())
        check_size(int(lazy.select(pl.len()).collect().item()), width, owner)
        frame = lazy.collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{owner} is not a Parquet file, or is damaged: {first}") from None
    return Table(owner, frame, lambda row: f"row {row} (from 0)")


FILE = Source(
    name="file",
    summary="a table of your own: CSV, TSV, Parquet or NPZ",
    placeholder="PATH",
    read=read_table,
    takes_column=True,
)
