"""Where runs lie and what the files of one are called.

DIR/run.json     format, package version, the spec's hash, when it was made; written first
DIR/spec.toml    the spec as the caller gave it
DIR/meta.json    what the caller notes about the run, such as engine and seconds
DIR/parts/       KIND-KEY-CHECKSUM.parquet, where the checksum is the start of the SHA-256 of the bytes
DIR/.lock        held by the one process that writes
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import re
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from trainability.core.errors import StoreError

FORMAT = 2
"""Also of which trials a part holds: it goes up when the plan cuts blocks in another way."""
IDENTITY, SPEC, META, PARTS = "run.json", "spec.toml", "meta.json", "parts"
Kind: TypeAlias = Literal["trials", "portraits"]
CHECKSUM_LENGTH = 16

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_PART = re.compile(rf"({'|'.join(get_args(Kind))})-({_KEY.pattern})-([0-9a-f]{{{CHECKSUM_LENGTH}}})\.parquet")


class PartName(NamedTuple):
    """What the name of a part says."""

    kind: str
    key: str
    checksum: str

    @property
    def text(self) -> str:
        """The name of the file."""
        return f"{self.kind}-{self.key}-{self.checksum}.parquet"


def parse_part(name: str) -> PartName | None:
    """What the file name `name` says, or None if it is not the name of a part."""
    match = _PART.fullmatch(name)
    return PartName(*match.groups()) if match else None


def check_part(kind: str, key: str) -> None:
    """ValueError unless `kind` is known and `key` can stand in a file name."""
    if kind not in get_args(Kind):
        raise ValueError(f"a part is one of {', '.join(get_args(Kind))}, got {kind!r}")
    if not _KEY.fullmatch(key):
        raise ValueError(f"a key has letters, digits, '.', '_' and '-', at most 200, got {key!r}")


def home() -> Path:
    """Where this package keeps its files: $TRAINABILITY_HOME if set, else the user's cache directory."""
    if chosen := os.environ.get("TRAINABILITY_HOME"):
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("trainability"))


def default_directory(spec_hash: str) -> Path:
    """The directory of the run of that spec when the user chose none; it need not exist."""
    return runs_directory() / spec_hash[:16]


def runs_directory() -> Path:
    """Where the runs lie for which the user chose no directory; it need not exist.

    Each format has its own, so that nobody is refused for a run that an older version left there.
    """
    return home() / f"runs-{FORMAT}"


def cache_directory(name: str) -> Path:
    """The directory of the cache `name`, such as ``programs``; it need not exist."""
    return home() / name


def new_identity(spec_hash: str) -> dict[str, Any]:
    """What run.json says of a run that begins now."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {"format": FORMAT, "package": package_version(), "spec_hash": spec_hash, "created": now}


def read_identity(directory: Path) -> dict[str, Any]:
    """What run.json of `directory` says.

    Raises StoreError if it is damaged or of another format, OSError if it cannot be read.
    """
    advice = "choose another --out or delete it"
    try:
        identity = json.loads((directory / IDENTITY).read_bytes())
        found, package = identity["format"], identity["package"]
        if found == FORMAT and not isinstance(identity["spec_hash"], str):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise StoreError(f"{directory / IDENTITY} is damaged; {advice}") from None
    if found != FORMAT:
        raise StoreError(
            f"{directory} holds a run of format {found} (trainability {package}), this is "
            f"trainability {package_version()} with format {FORMAT}; install the former or {advice}"
        )
    return identity


def package_version() -> str:
    """The version of this package, ``unknown`` if it runs without being installed."""
    try:
        return importlib.metadata.version("trainability")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def to_json(value: dict[str, Any]) -> bytes:
    """`value` as indented JSON; NumPy's numbers become plain ones."""
    return (json.dumps(value, indent=2, default=lambda number: number.item()) + "\n").encode()
