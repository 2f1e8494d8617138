"""A run on disk survives second writers, other runs and other people's files in its place."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from tests.made_store import HASH, SPEC, TABLE, again, child, fail, files
from trainability.core.errors import StoreError
from trainability.store import Run, open_existing, open_run
from trainability.store.layout import FORMAT


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return open_run(tmp_path / "deep" / "run", SPEC, HASH)


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


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", json.dumps({"format": FORMAT, "package": "1", "spec_hash": 3}), "\x00"]
)
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
