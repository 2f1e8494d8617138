"""The file system, made safe: files that are whole or absent, one writer at a time, errors as sentences."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from trainability.core.errors import StoreError

TEMPORARY = ".tmp-"
LOCK = ".lock"


@contextlib.contextmanager
def explained(directory: Path) -> Iterator[None]:
    """Inside this context an OSError about `directory` becomes a StoreError of one clear sentence."""
    try:
        yield
    except OSError as error:
        raise StoreError(_sentence(error, directory)) from error


def _sentence(error: OSError, directory: Path) -> str:
    reason = (error.strerror or str(error)).lower()
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"the disk is full ({reason}); what was finished stays in {directory}: "
            "free some space and run the same command again"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{directory} cannot be used ({reason}); choose another --out or change its permissions"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        place = error.filename or directory
        return f"{place} is a file or lies below one, where a directory was expected; choose another --out"
    if error.errno == errno.ENOENT:
        return f"{directory} has gone, perhaps it was deleted meanwhile; run the same command again"
    return f"{directory} cannot be used ({reason}); choose another --out"


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that whatever happens, the path holds all of it or what it held before.

    Raises OSError; the temporary file is removed unless the process is killed.
    """
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
    try:
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            rest = memoryview(data)
            while rest:
                written = os.write(file, rest)
                if not written:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                rest = rest[written:]
            os.fsync(file)
        finally:
            os.close(file)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    """Make a new name last through a power cut, where the file system can; without it the work is redone."""
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Be the only writer of `directory`; the system lets go when the process dies, however it dies.

    Raises StoreError if another process is writing there or the file system knows no locks.
    """
    import fcntl

    with explained(directory):
        handle = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"another process is writing to {directory}; wait until it ends or choose another --out"
            ) from None
        except OSError as error:
            raise StoreError(
                f"{directory} cannot be locked ({error.strerror}); choose an --out on a local disk"
            ) from error
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)  # closing alone would not free it while a forked child lives
    finally:
        os.close(handle)


def remove_leftovers(directory: Path) -> None:
    """Remove the temporary files of killed processes; only the one writer may call this. Raises OSError."""
    for path in directory.glob(f"{TEMPORARY}*"):
        path.unlink(missing_ok=True)
