"""Compiled programs are kept for blocks of the same program, and not all of them for ever."""

from __future__ import annotations

import numpy as np

from tests.peers.trajectory import trajectories
from trainability.engine.reference import programs


def run(task: str, width: int) -> list[np.ndarray]:
    trajectories.cache_clear()
    return trajectories(task, activation="relu", optimizer="sgd", hidden=str(width))[0].final["weights"]


def test_programs_that_were_not_used_for_long_are_let_go(monkeypatch):
    monkeypatch.setattr(programs, "_programs", {})
    monkeypatch.setattr(programs, "MOST_PROGRAMS", 2)
    first = run("binary", 3)
    run("binary", 4)
    run("binary", 3)
    run("binary", 5)
    kept = [program.network.hidden for program, *_ in programs._programs]
    assert kept == [(3,), (5,)], "the last used ones are kept"
    run("binary", 4)
    again = run("binary", 3)
    assert len(programs._programs) == 2
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
