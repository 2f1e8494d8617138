"""A run on disk survives kills, flipped bits, full disks and file systems that say no."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.made_store import HASH, SPEC, TABLE, again, child, fail, files, part
from trainability.core.errors import StoreError
from trainability.store import Run, open_existing, open_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return open_run(tmp_path / "deep" / "run", SPEC, HASH)


# Kills and damage.


@pytest.mark.parametrize("fatal", ["write", "fsync", "replace"])
def test_a_kill_loses_at_most_the_unfinished_part(run: Run, fatal: str):
    """The process dies by SIGKILL inside the fatal call of its third part, half of the bytes written."""
    killed = child(
        """
        import os, signal, sys
        from pathlib import Path
        import polars as pl
        from trainability.store import open_existing

        directory, fatal = sys.argv[1:]
        run = open_existing(Path(directory))
        table, write = pl.DataFrame({"cell": [1, 2]}), os.write

        def die(*arguments):
            if fatal == "write":
                write(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)

        with run.lock():
            run.write("trials", "c0", table)
            run.write("trials", "c1", table)
            setattr(os, fatal, die)
            run.write("trials", "c2", table)
        """,
        run.directory,
        fatal,
    )
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert any(".tmp-" in name for name in files(run.directory))
    assert again(run).finished("trials") == {"c0", "c1"}
    with run.lock():  # the lock died with its holder
        assert not any(".tmp-" in name for name in files(run.directory))
        run.write("trials", "c2", TABLE)
    assert run.finished("trials") == {"c0", "c1", "c2"}
    assert not run.damaged


def flip(data: bytes) -> bytes:
    return data[:50] + bytes([data[50] ^ 1]) + data[51:]


@pytest.mark.parametrize("harm", [flip, lambda data: data[:-1], lambda _: b"", lambda data: data + b"\0"])
@pytest.mark.parametrize("anew", [TABLE, TABLE.reverse()])  # the same file name as before, and another
def test_a_damaged_part_is_told_and_ignored_and_done_again(run: Run, harm, anew: pl.DataFrame):
    with run.lock():
        for key in ("a", "b"):
            run.write("trials", key, TABLE)
    path = part(run, "b")
    path.write_bytes(harm(path.read_bytes()))
    reader = again(run)
    assert reader.finished("trials") == {"a"}
    (sentence,) = reader.damaged
    assert path.name in sentence
    assert "checksum" in sentence
    assert_frame_equal(reader.read("trials"), TABLE)
    assert_frame_equal(run.read("trials"), TABLE)  # though this one had found it whole before
    assert run.finished("trials") == {"a"}
    with reader.lock():
        reader.write("trials", "b", anew)
    assert not reader.damaged
    assert len(files(run.directory / "parts")) == 2
    assert_frame_equal(again(run).read("trials"), pl.concat([TABLE, anew]))


def test_two_whole_parts_of_one_key_count_once(run: Run):
    """A process was killed after the new part got its name and before the old one was removed."""
    with run.lock():
        run.write("trials", "a", TABLE)
    old = part(run, "a")
    data = old.read_bytes()
    with run.lock():
        run.write("trials", "a", TABLE.head(1))
    old.write_bytes(data)
    reader = again(run)
    assert len(list(reader.tables("trials"))) == 1
    with reader.lock():
        reader.write("trials", "a", TABLE)
    assert len(files(run.directory / "parts")) == 1


def test_a_part_that_vanished_is_done_again(run: Run):
    with run.lock():
        run.write("trials", "a", TABLE)
        part(run, "a").unlink()
    assert run.finished("trials") == set()
    assert run.read("trials").is_empty()


def test_a_kill_between_the_first_two_files_is_mended(run: Run):
    (run.directory / "spec.toml").unlink()
    with pytest.raises(StoreError, match="missing or damaged"):
        open_existing(run.directory)
    again(run)
    assert open_existing(run.directory).spec_text == SPEC


# A file system that says no.


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_full_disk_keeps_what_was_finished(run: Run, monkeypatch: pytest.MonkeyPatch, error: int, call: str):
    with run.lock():
        run.write("trials", "a", TABLE)
        before = files(run.directory)
        with monkeypatch.context() as patch:
            patch.setattr(os, call, fail(error))
            with pytest.raises(StoreError, match=r"the disk is full .* what was finished stays in .*run"):
                run.write("trials", "b", TABLE)
            with pytest.raises(StoreError, match="the disk is full"):
                run.write_meta({})
        assert files(run.directory) == before
        assert run.finished("trials") == {"a"}
        run.write("trials", "b", TABLE)  # space was made
    assert again(run).finished("trials") == {"a", "b"}


def test_a_full_disk_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fail(errno.ENOSPC))
        with pytest.raises(StoreError, match="the disk is full"):
            open_run(tmp_path / "run", SPEC, HASH)
    assert open_run(tmp_path / "run", SPEC, HASH).finished("trials") == set()


def test_short_writes_are_carried_on(run: Run, monkeypatch: pytest.MonkeyPatch):
    write = os.write
    with run.lock(), monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, data: write(file, bytes(data[:100])))
        run.write("trials", "a", TABLE)
        patch.setattr(os, "write", lambda *_: 0)
        with pytest.raises(StoreError, match="the disk is full"):
            run.write("trials", "b", TABLE)
    assert_frame_equal(again(run).read("trials"), TABLE)


@pytest.mark.parametrize("error", [errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO])
def test_other_refusals_are_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch, error: int):
    with run.lock(), monkeypatch.context() as patch:
        patch.setattr(os, "open", fail(error))
        with pytest.raises(StoreError, match=r"run cannot be used \(.*; choose another --out"):
            run.write("trials", "a", TABLE)


def test_a_directory_deleted_meanwhile(run: Run):
    import shutil

    with run.lock():
        shutil.rmtree(run.directory)
        with pytest.raises(StoreError, match="has gone"):
            run.write("trials", "a", TABLE)


def test_a_directory_without_permission(run: Run):
    with run.lock():
        run.write("trials", "a", TABLE)
    (run.directory / "parts").chmod(0o500)
    run.directory.chmod(0o500)
    if os.access(run.directory, os.W_OK):
        pytest.skip("permissions do not bind this user")
    try:
        assert_frame_equal(open_existing(run.directory).read("trials"), TABLE)
        with run.lock(), pytest.raises(StoreError, match="permission denied"):
            run.write("trials", "b", TABLE)
        with pytest.raises(StoreError, match="permission denied"):
            open_run(run.directory / "inner", SPEC, HASH)
        run.directory.chmod(0)
        for opening in (open_existing, lambda directory: open_run(directory, SPEC, HASH)):
            with pytest.raises(StoreError):
                opening(run.directory)
    finally:
        run.directory.chmod(0o700)
        (run.directory / "parts").chmod(0o700)
