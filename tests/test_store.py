"""What was written to a run is read again, and costs no more than it must."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.made_store import HASH, KINDS, SPEC, TABLE, again, child
from trainability.core.errors import StoreError
from trainability.store import Run, cache_directory, default_directory, layout, open_existing, open_run, runs_directory
from trainability.store.layout import Kind


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return open_run(tmp_path / "deep" / "run", SPEC, HASH)


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


@settings(max_examples=25)
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


def test_the_first_trials_of_each_cell_can_be_read_alone(run: Run):
    rows = {"a": ([0, 0, 0], [0, 1, 2]), "b": ([0, 1, 1], [3, 0, 1])}
    with run.lock():
        for key, (cell, trial) in rows.items():
            run.write("trials", key, pl.DataFrame({"cell": cell, "trial": trial, "solved": True}))
    assert run.read("trials", None, 2).rows() == [(0, 0, True), (0, 1, True), (1, 0, True), (1, 1, True)]
    assert run.read("trials", ["cell"], 1).rows() == [(0,), (1,)]
    assert run.read("trials", ["trial"], 9).height == 6


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


def test_where_runs_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("TRAINABILITY_HOME", str(tmp_path))
    here = default_directory("0123456789abcdef" * 4)
    assert here == runs_directory() / "0123456789abcdef"
    assert here.is_relative_to(tmp_path)
    assert cache_directory("programs") == tmp_path / "programs"
    monkeypatch.setenv("TRAINABILITY_HOME", "~/kept")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_directory("programs") == tmp_path / "kept" / "programs"


def test_a_run_that_an_older_format_left_is_not_in_the_way(monkeypatch: pytest.MonkeyPatch, fresh_home: Path):
    monkeypatch.setattr(layout, "FORMAT", layout.FORMAT - 1)
    open_run(default_directory(HASH), "", HASH)
    monkeypatch.undo()
    monkeypatch.setenv("TRAINABILITY_HOME", str(fresh_home))
    open_run(default_directory(HASH), "", HASH)


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
