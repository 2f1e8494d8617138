"""What is said beforehand of a phenomenon's time: as stated at first, and as the user's cache knows it afterwards."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from trainability import lab
from trainability.lab.expected import PAGE, READ, START, expected, remember
from trainability.lab.phenomenon import PHENOMENA, Setting
from trainability.store import cache_directory

P1 = PHENOMENA["or-depth"]
REST = 2.0
"""Seconds of a run that are not training."""


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TRAINABILITY_HOME", str(tmp_path))
    return tmp_path


def ran() -> tuple[Setting, Path]:
    """A setting with which something was trained, and where that lies."""
    setting = Setting(True, 2)
    result = setting.compare("xor", steps=5)
    remember(P1, setting, setting.ledger.seconds + REST)
    return setting, result.directory


@pytest.mark.parametrize("quick", [True, False])
def test_at_first_it_is_what_is_stated_and_grows_with_the_seeds(quick: bool):
    form = 0 if quick else 1
    seeds, seconds = P1.seeds[form], P1.seconds[form]
    assert expected(P1, Setting(quick, seeds)) == seconds
    assert expected(P1, Setting(quick, 3 * seeds)) == pytest.approx(START + 3 * (seconds - START))
    assert START < expected(P1, Setting(quick, 2)) < seconds
    assert expected(P1, Setting(quick, seeds), page=True) == seconds + PAGE


def test_what_was_trained_is_not_counted_again():
    setting, _ = ran()
    assert setting.ledger.seconds > 0
    assert expected(P1, Setting(True, 2)) == pytest.approx(START + REST + READ)
    for other in (Setting(True, 3), Setting(False, 2), Setting(True, 2, seed=1), Setting(True, 2, data="mnist:x")):
        assert expected(P1, other) != pytest.approx(START + REST + READ)


def test_a_training_that_was_deleted_is_counted_again():
    _, directory = ran()
    shutil.rmtree(directory)
    assert expected(P1, Setting(True, 2)) == expected(P1, Setting(True, 2, seed=1))


@pytest.mark.parametrize(
    "damage", [b"", b"{}", b"[1]", b'{"seconds": -1, "runs": []}', b'{"seconds": NaN, "runs": []}']
)
def test_a_damaged_memory_is_none(damage: bytes):
    ran()
    (file,) = cache_directory("lab").iterdir()
    file.write_bytes(damage)
    assert expected(P1, Setting(True, 2)) == expected(P1, Setting(True, 2, seed=1))


def test_a_home_that_cannot_be_written_does_not_matter(home: Path):
    (home / "lab").write_text("a file is in the way")
    remember(P1, Setting(True, 2), 1.0)
    assert expected(P1, Setting(True, P1.seeds[0])) == P1.seconds[0]


def test_a_run_is_remembered():
    made = lab.run("activation-card", quick=True, seeds=2)
    assert expected(made.phenomenon, Setting(True, 2)) == pytest.approx(START + made.seconds, abs=0.01)
