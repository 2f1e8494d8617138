"""A run: one directory that is written part by part and can be continued after anything."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final, get_args

from trainability.core.errors import StoreError
from trainability.store import disk, layout
from trainability.store.layout import PartName

if TYPE_CHECKING:
    import polars


@final
class Run:
    """An opened run; make one with `open_run` or `open_existing`.

    Anyone may read at any time; writing needs `lock`. What is damaged counts as not done.

    Attributes:
        directory: where it lies.
        spec_text: the spec as it was given.
        spec_hash: the whole hash of the spec.
        package: the version of this package that began the run.
    """

    def __init__(self, directory: Path, spec_text: str, identity: dict[str, Any]):
        self.directory = directory
        self.spec_text = spec_text
        self.spec_hash: str = identity["spec_hash"]
        self.package: str = identity["package"]
        self._parts = directory / layout.PARTS
        self._locked = False
        self._earlier: dict[tuple[str, str], set[PartName]] = {}  # under the lock: (kind, key) to what is on disk
        self._whole: set[str] = set()  # names of parts whose checksum was right
        self._damaged: dict[str, str] = {}  # name of a part: a sentence

    @property
    def damaged(self) -> list[str]:
        """One sentence per part that was found damaged while reading, until it is written again."""
        return [self._damaged[name] for name in sorted(self._damaged)]

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Be the one process that writes; clears away what killed processes left.

        Raises StoreError if another process is writing to the directory.
        """
        with disk.exclusive(self.directory):
            with disk.explained(self.directory):
                self._parts.mkdir(exist_ok=True)
                disk.remove_leftovers(self.directory)
                disk.remove_leftovers(self._parts)
                self._earlier = {}
                for kind in get_args(layout.Kind):
                    for part in self._names(kind):
                        self._earlier.setdefault((part.kind, part.key), set()).add(part)
            self._locked = True
            try:
                yield
            finally:
                self._locked = False

    def write(self, kind: layout.Kind, key: str, table: polars.DataFrame) -> None:
        """Keep `table` as the part `key`, instead of an earlier one of that key; threads may write at once.

        Raises StoreError if the disk is full or the directory has gone; what was finished stays.
        """
        layout.check_part(kind, key)
        buffer = io.BytesIO()
        # Measured against zstd: half the processor's time, which is taken from training, and a sixth more of the disk.
        table.write_parquet(buffer, compression="lz4", statistics=False)
        data = buffer.getvalue()
        part = PartName(kind, key, hashlib.sha256(data).hexdigest()[: layout.CHECKSUM_LENGTH])
        self._write_file(self._parts / part.text, data)
        self._whole.add(part.text)
        self._damaged.pop(part.text, None)
        self._drop_others(part)

    def finished(self, kind: layout.Kind) -> set[str]:
        """The keys of the parts that are whole; a call lists the directory and checks the parts new to it."""
        return set(self._find(kind))

    def tables(
        self, kind: layout.Kind, columns: Sequence[str] | None = None, first: int | None = None
    ) -> Iterator[tuple[str, polars.DataFrame]]:
        """Every whole part in the order of the keys, as (key, table); one at a time is in memory.

        With `columns` only these are read, with `first` only so many trials of each cell.
        Raises StoreError if a whole part does not have the columns.
        """
        import polars as pl

        for key, name in self._find(kind).items():
            data = self._load(name)
            if data is None:  # damaged since it was found
                continue
            try:
                table = pl.scan_parquet(io.BytesIO(data))
                table = table if first is None else table.filter(pl.col("trial") < first)
                table = (table if columns is None else table.select(columns)).collect()
            except pl.exceptions.PolarsError as error:
                raise StoreError(
                    f"{self._parts / name} is whole, yet polars {pl.__version__} cannot read it "
                    f"({str(error).splitlines()[0]})"
                ) from error
            yield key, table

    def read(
        self, kind: layout.Kind, columns: Sequence[str] | None = None, first: int | None = None
    ) -> polars.DataFrame:
        """All whole parts of `kind` as one table in the order of the keys.

        A column that a part lacks is null there; no parts give a table without rows and columns.
        With `columns` only these are read, with `first` only so many trials of each cell, which keeps a large run
        small in memory.
        Raises StoreError as `tables` does.
        """
        import polars as pl

        tables = [table for _, table in self.tables(kind, columns, first)]
        return pl.concat(tables, how="diagonal_relaxed", rechunk=False) if tables else pl.DataFrame()

    def write_meta(self, meta: dict[str, Any]) -> None:
        """Keep `meta`, plain values by name, in place of the earlier. Raises StoreError as `write` does."""
        self._write_file(self.directory / layout.META, layout.to_json(meta))

    def read_meta(self) -> dict[str, Any]:
        """What `write_meta` kept; empty if there is nothing or it is damaged, as no result hangs on it."""
        try:
            meta = json.loads((self.directory / layout.META).read_bytes())
        except (OSError, ValueError):
            return {}
        return meta if isinstance(meta, dict) else {}

    def _write_file(self, path: Path, data: bytes) -> None:
        if not self._locked:
            raise RuntimeError("a run is written inside `with run.lock():`")
        with disk.explained(self.directory):
            disk.write_atomically(path, data)

    def _names(self, kind: str) -> list[PartName]:
        """The parts of `kind` on disk, whole or not, sorted by key. Raises StoreError."""
        with disk.explained(self.directory):
            try:
                names = os.listdir(self._parts)
            except FileNotFoundError:  # nothing was written yet
                return []
        return sorted(part for name in names if (part := layout.parse_part(name)) and part.kind == kind)

    def _find(self, kind: layout.Kind) -> dict[str, str]:
        """Key to file name of the whole parts, sorted by key.

        Two parts of one key are left where a process was killed between writing one and removing the other;
        both are results of the same work, so either will do.
        """
        return {
            part.key: part.text
            for part in self._names(kind)
            if part.text in self._whole or self._load(part.text) is not None
        }

    def _load(self, name: str) -> bytes | None:
        """The bytes of a part, or None after noting why it does not count."""
        part = layout.parse_part(name)
        try:
            data = (self._parts / name).read_bytes()
        except OSError as error:
            reason = f"it cannot be read ({error.strerror})"
        else:
            if part and hashlib.sha256(data).hexdigest().startswith(part.checksum):
                self._whole.add(name)
                self._damaged.pop(name, None)
                return data
            reason = "its checksum does not match its bytes"
        self._whole.discard(name)
        self._damaged[name] = f"the part {name} is damaged: {reason}; its work counts as not done"
        return None

    def _drop_others(self, part: PartName) -> None:
        """Remove the earlier parts of the same key."""
        for other in self._earlier.get((part.kind, part.key), set()) - {part}:
            with disk.explained(self.directory):
                (self._parts / other.text).unlink(missing_ok=True)
            self._whole.discard(other.text)
            self._damaged.pop(other.text, None)
        self._earlier[part.kind, part.key] = {part}


def open_run(directory: Path, spec_text: str, spec_hash: str) -> Run:
    """The run of that spec in `directory`: a new one, or the one there to be continued.

    Raises StoreError if the directory holds a run of another spec or format or files of something else, or if
    it cannot be made, read or written.
    """
    directory = Path(directory)
    identity, spec = directory / layout.IDENTITY, directory / layout.SPEC
    with disk.explained(directory):
        _refuse_foreign(directory)
        begun = identity.exists() and spec.exists()
        if not begun:
            directory.mkdir(parents=True, exist_ok=True)
        with contextlib.nullcontext() if begun else disk.exclusive(directory):
            if not identity.exists():
                disk.write_atomically(identity, layout.to_json(layout.new_identity(spec_hash)))
            says = layout.read_identity(directory)
            if says["spec_hash"] != spec_hash:
                raise StoreError(
                    f"{directory} holds another run (spec {says['spec_hash'][:16]}, this one is "
                    f"{spec_hash[:16]}); choose another --out or delete it"
                )
            if not spec.exists():  # a process was killed between the two files
                disk.write_atomically(spec, spec_text.encode())
    return Run(directory, spec_text, says)


def open_existing(directory: Path) -> Run:
    """The run in `directory`, with its spec. Raises StoreError if there is none or it cannot be read."""
    directory = Path(directory)
    with disk.explained(directory):
        if not (directory / layout.IDENTITY).exists():
            raise StoreError(
                f"{directory} holds no run (it has no {layout.IDENTITY}); "
                "name the directory that an earlier --out named"
            )
        says = layout.read_identity(directory)
        try:
            spec_text = (directory / layout.SPEC).read_bytes().decode()
        except (FileNotFoundError, UnicodeDecodeError):
            raise StoreError(
                f"{directory / layout.SPEC} is missing or damaged; run the command that made it again"
            ) from None
    return Run(directory, spec_text, says)


def _refuse_foreign(directory: Path) -> None:
    """StoreError if `directory` has files but no run, so that nothing is mixed with them. Raises OSError."""
    try:
        names = set(os.listdir(directory))
    except FileNotFoundError:
        return
    foreign = sorted(n for n in names if n != disk.LOCK and not n.startswith(disk.TEMPORARY))
    if foreign and layout.IDENTITY not in names:
        shown = ", ".join(foreign[:3]) + (" and more" if foreign[3:] else "")
        raise StoreError(
            f"{directory} is not empty and holds no run (it has {shown}); choose another --out or an empty directory"
        )
