"""A run on disk survives kills, flipped bits, full disks, second writers and other people's files."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import trainability.store
from trainability.core.errors import StoreError
from trainability.store import Run, cache_directory, default_directory, open_existing, open_run
from trainability.store.layout import FORMAT, Kind

SPEC, HASH = 'problem = "xor"  # ⊕\r\n', "a" * 64
TABLE = pl.DataFrame({"cell": [3, 3], "train_loss": [math.nan, math.inf], "vital": [[[1.0, 2.0], []], None]})
KINDS = get_args(Kind)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return open_run(tmp_path / "deep" / "run", SPEC, HASH)


def again(run: Run) -> Run:
    """The same run as another process finds it: nothing remembered."""
    return open_run(run.directory, run.spec_text, run.spec_hash)


def part(run: Run, key: str) -> Path:
    (path,) = run.directory.rglob(f"*-{key}-*.parquet")
    return path


def files(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Another Python process that runs `code`, with this package."""
    home = str(Path(trainability.store.__file__).parents[2])
    path = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def fail(error: int):
    def raising(*_: object, **__: object):
        raise OSError(error, os.strerror(error))

    return raising


# What was written is read.

numbers = st.none() | st.floats(width=32)
COLUMNS: dict[str, tuple[pl.DataType, st.SearchStrategy]] = {
    "cell": (pl.Int32(), st.integers(0, 2**31 - 1)),
    "ended": (pl.String(), st.sampled_from(["solved", "steps", "nan"])),
    "solved": (pl.Boolean(), st.booleans()),
    "first_step": (pl.Int64(), st.none() | st.integers(0, 2**62)),
    "train_loss": (pl.Float64(), st.none() | st.floats()),
    "checkpoint": (pl.List(pl.Int64), st.lists(st.integers(0, 2**62), max_size=3)),
    "history_train_loss": (pl.List(pl.Float32), st.none() | st.lists(numbers, max_size=3)),
    "vital": (
        pl.List(pl.List(pl.Float32)),
        st.none() | st.lists(st.none() | st.lists(numbers, max_size=3), max_size=3),
    ),
}
SCHEMA = {name: kind for name, (kind, _) in COLUMNS.items()}
tables = st.lists(st.fixed_dictionaries({name: values for name, (_, values) in COLUMNS.items()}), max_size=4).map(
    lambda rows: pl.DataFrame(rows, schema=SCHEMA)
)


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True), tables, min_size=1, max_size=3),
    st.sampled_from(KINDS),
)
def test_tables_come_back_as_they_were(parts: dict[str, pl.DataFrame], kind: Kind):
    with tempfile.TemporaryDirectory() as directory:
        run = open_run(Path(directory) / "run", SPEC, HASH)
        with run.lock():
            for key, table in parts.items():
                run.write(kind, key, table)
        for reader in (run, again(run)):
            assert reader.finished(kind) == set(parts)
            assert_frame_equal(reader.read(kind), pl.concat(parts[key] for key in sorted(parts)), check_exact=True)
            other = KINDS[1 - KINDS.index(kind)]
            assert reader.finished(other) == set()
            assert reader.read(other).is_empty()
            assert not reader.damaged


def test_the_order_is_that_of_the_keys_and_columns_can_be_chosen(run: Run):
    with run.lock():
        for number in (12, 3, 7):
            run.write("trials", f"c{number:04}", pl.DataFrame({"cell": [number], "wide": [[0.5] * 9]}))
    assert run.read("trials", ["cell"]).to_dict(as_series=False) == {"cell": [3, 7, 12]}
    assert [key for key, _ in run.tables("trials")] == ["c0003", "c0007", "c0012"]
    with pytest.raises(StoreError, match="cannot read it"):
        run.read("trials", ["missing"])


def test_parts_with_all_null_or_other_columns_join(run: Run):
    with run.lock():
        run.write("trials", "a", pl.DataFrame({"cell": [0], "validation_loss": [None]}))
        run.write("trials", "b", pl.DataFrame({"validation_loss": [0.5], "cell": [1], "vital": [[1.0]]}))
    assert run.read("trials").to_dicts() == [
        {"cell": 0, "validation_loss": None, "vital": None},
        {"cell": 1, "validation_loss": 0.5, "vital": [1.0]},
    ]


def test_a_key_that_is_written_again_is_replaced(run: Run):
    with run.lock():
        run.write("trials", "a", TABLE)
        run.write("trials", "a-0123456789abcdef", TABLE)  # looks like the key `a` with a checksum
    with run.lock():
        run.write("trials", "a", TABLE.head(1))
    for reader in (run, again(run)):
        assert reader.finished("trials") == {"a", "a-0123456789abcdef"}
        assert len(reader.read("trials")) == 3


def test_meta_and_spec_come_back(run: Run):
    import numpy as np

    assert run.read_meta() == {}
    with run.lock():
        run.write_meta({"engine": "reference", "seconds": np.float32(1.5), "steps": np.int64(7)})
    assert again(run).read_meta() == {"engine": "reference", "seconds": 1.5, "steps": 7}
    found = open_existing(run.directory)
    assert (found.spec_text, found.spec_hash) == (SPEC, HASH)
    (run.directory / "meta.json").write_text("{")
    assert run.read_meta() == {}


@pytest.mark.parametrize("key", ["", "../a", "a/b", ".tmp-a", "a b", "é", "x" * 201])
def test_unsafe_keys_are_refused(run: Run, key: str):
    with run.lock(), pytest.raises(ValueError, match="a key has letters"):
        run.write("trials", key, TABLE)


def test_writing_needs_the_lock(run: Run):
    for write in (lambda: run.write("trials", "a", TABLE), lambda: run.write_meta({})):
        with pytest.raises(RuntimeError, match=r"run\.lock"):
            write()


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


# One writer.


def test_a_second_process_cannot_write_and_can_read(run: Run):
    with run.lock():
        run.write("trials", "a", TABLE)
    holder = child(
        """
        import sys
        from pathlib import Path
        from trainability.store import open_existing

        with open_existing(Path(sys.argv[1])).lock():
            print("locked", flush=True)
            sys.stdin.read()
        """,
        run.directory,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(StoreError, match=r"another process is writing to .*run"), again(run).lock():
            pass
        assert again(run).finished("trials") == {"a"}
    finally:
        holder.kill()
        holder.communicate()
    with again(run).lock():
        pass


def test_a_file_system_without_locks_is_told(run: Run, monkeypatch: pytest.MonkeyPatch):
    import fcntl

    monkeypatch.setattr(fcntl, "flock", fail(errno.ENOLCK))
    with pytest.raises(StoreError, match="cannot be locked"), run.lock():
        pass


# What else may be in the place of the run.


def test_another_spec_is_refused(run: Run):
    before = files(run.directory)
    with pytest.raises(StoreError, match=r"holds another run \(spec aaaa.*bbbb.*choose another --out or delete it"):
        open_run(run.directory, "other", "b" * 64)
    assert files(run.directory) == before
    assert open_existing(run.directory).spec_text == SPEC


@pytest.mark.parametrize("opening", [open_existing, lambda directory: open_run(directory, SPEC, HASH)])
def test_another_format_is_refused(run: Run, opening):
    identity = run.directory / "run.json"
    identity.write_text(json.dumps(json.loads(identity.read_text()) | {"format": FORMAT + 1, "package": "9.8.7"}))
    with pytest.raises(StoreError, match=rf"format {FORMAT + 1} \(trainability 9\.8\.7\).*with format {FORMAT}; inst"):
        opening(run.directory)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1, "package": "1", "spec_hash": 3}', "\x00"])
def test_a_damaged_identity_is_refused(run: Run, text: str):
    (run.directory / "run.json").write_text(text)
    for opening in (open_existing, lambda directory: open_run(directory, SPEC, HASH)):
        with pytest.raises(StoreError, match=r"run\.json is damaged"):
            opening(run.directory)


def test_a_directory_of_other_files_is_left_alone(tmp_path: Path):
    for name in ("spec.toml", "thesis.tex"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(StoreError, match=r"holds no run \(it has spec\.toml, thesis\.tex\)"):
        open_run(tmp_path, SPEC, HASH)
    assert files(tmp_path) == {"spec.toml", "thesis.tex"}
    assert (tmp_path / "spec.toml").read_text() == "mine"
    with pytest.raises(StoreError, match="holds no run"):
        open_existing(tmp_path)


def test_an_empty_directory_is_taken_and_a_missing_one_is_no_run(tmp_path: Path):
    with pytest.raises(StoreError, match="holds no run"):
        open_existing(tmp_path / "missing")
    assert not (tmp_path / "missing").exists()
    assert open_run(tmp_path, SPEC, HASH).directory == tmp_path


def test_a_file_in_the_place_of_the_directory(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("mine")
    for place in (file, file / "below"):
        with pytest.raises(StoreError, match="is a file or lies below one"):
            open_run(place, SPEC, HASH)
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="dangling"):
        open_run(dangling, SPEC, HASH)
    assert file.read_text() == "mine"


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


# Places and size.


def test_where_runs_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("TRAINABILITY_HOME", str(tmp_path))
    assert default_directory("0123456789abcdef" * 4) == tmp_path / "runs" / "0123456789abcdef"
    assert cache_directory("programs") == tmp_path / "programs"
    monkeypatch.setenv("TRAINABILITY_HOME", "~/kept")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_directory("programs") == tmp_path / "kept" / "programs"


def test_where_runs_lie_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))
    monkeypatch.delenv("TRAINABILITY_HOME", raising=False)
    assert cache_directory("programs") == tmp_path / "trainability" / "programs"
    monkeypatch.setenv("TRAINABILITY_HOME", "")
    assert cache_directory("programs") == tmp_path / "trainability" / "programs"


def test_importing_the_store_stays_light():
    heavy = child("""
        import sys
        import trainability.store, trainability.core.statistics
        print({"polars", "scipy", "jax", "platformdirs"} & set(sys.modules))
        """)
    assert heavy.communicate(timeout=60)[0] == "set()\n"


def test_checking_is_linear_in_the_parts(run: Run, monkeypatch: pytest.MonkeyPatch):
    """Asking what is finished reads a part once, however often it is asked."""
    with run.lock():
        for number in range(40):
            run.write("trials", f"{number:05}", TABLE.with_columns(trial=number))
    reads: list[Path] = []
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (reads.append(path), read_bytes(path))[1])
    reader = again(run)
    reads.clear()
    for _ in range(5):
        assert len(reader.finished("trials")) == 40
    assert len(reads) == 40
    assert reader.read("trials")["trial"].to_list() == [n for n in range(40) for _ in range(2)]
    assert len(reads) == 80
