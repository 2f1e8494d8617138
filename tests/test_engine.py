"""The reference engine: one trial alone and among thousands, how trials end, what a record says."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.made import ENGINE, MEASURES, cell, cells, dataset, equal, train
from trainability.engine.interface import checkpoints
from trainability.engine.reference import programs
from trainability.engine.reference import run as engine_run
from trainability.engine.reference import train as engine_train
from trainability.engine.selection import block_size
from trainability.sweep import plan

BINARY = dataset()

WAYS = {
    "plain": {},
    "shuffled batches": {"batch": 7},
    "penalties": {"l1": 0.01, "l2": 0.01, "clip": 0.1, "decay": 0.1, "optimizer": "sgd"},
    "noise": {"dropout": 0.3, "activation": "rrelu", "batch": 5},
    "batch norm": {"norm": "batch", "activation": "gelu"},
    "layer norm, residual": {"norm": "layer", "residual": True, "depth": 3, "activation": "tanh"},
    "learned": {"activation": "prelu", "optimizer": "lion", "schedule": "cosine"},
    "wide": {"width": 40, "depth": 2, "activation": "sigmoid", "optimizer": "nadam"},
    "early stopping": {"early_stopping": 2, "lr": 0.5, "steps": 40},
    "float64": {"dtype": "float64", "activation": "erf"},
    "matrix products": {"width": 7, "depth": 2, "batch": 100},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_trial_is_the_same_alone_and_among_thousands(way: str):
    """Bit for bit: each of some trials alone in its block, against its place in the blocks of 2,000."""
    data = dataset(samples=200) if way == "matrix products" else BINARY
    grid = cells(data, **WAYS[way])
    size = block_size(grid[0].program)
    for first in (0, 992, 1984):
        rows = [(0, t) for t in range(first, min(first + size, 2000))]
        among = train(data, grid, rows)
        for place in {0, 1, len(rows) // 2, len(rows) - 2, len(rows) - 1}:
            alone = train(data, grid, [rows[place]])
            assert equal(alone, 0, among, place) == []


def test_neighbours_with_other_numbers_do_not_matter():
    grid = cells(BINARY, lr=[0.01, 1e30], activation="leaky_relu:0.1,leaky_relu:0.3", init="he_normal,uniform:1")
    assert len({c.program for c in grid}) == 1
    rows = [(c.index, t) for c in grid for t in range(4)]
    mixed = train(BINARY, grid, rows)
    assert set(mixed.columns["ended"]) > {"nan"}
    for c in grid:
        own = [(c.index, t) for t in range(4)]
        alone = train(BINARY, grid, own)
        for i, row in enumerate(own):
            assert equal(alone, i, mixed, rows.index(row)) == []


def test_numbers_are_data_not_programs():
    usual = {"optimizer": "adam", "hidden": "6", "depth": (), "width": ()}
    for settings in ({"lr": 0.1, "seed": 1}, {"lr": 0.2, "steps": 50}, {"init": "uniform:2", "optimizer": "adam:0.8"}):
        train(BINARY, cells(BINARY, **(usual | settings)), [(0, 0)])
    assert [program.network.hidden for program, *_ in programs._programs].count((6,)) == 1


def test_the_record_does_not_depend_on_how_often_the_engine_reports(monkeypatch: pytest.MonkeyPatch):
    grid = cells(BINARY, steps=60, batch=7)
    usual = train(BINARY, grid, [(0, 0), (0, 1)])
    monkeypatch.setattr(engine_run, "SEGMENT_SECONDS", 1e-9)
    assert equal(usual, 1, train(BINARY, grid, [(0, 0), (0, 1)]), 1) == []


def test_two_devices_give_the_same_records_as_one():
    script = (
        "import sys, numpy as np\n"
        "from trainability.api import compare\n"
        "r = compare('xor', depth=1, width=3, activation='tanh', steps=50, seeds=70,\n"
        "            out=sys.argv[1], devices=int(sys.argv[2]))\n"
        "r.trials.drop('checkpoint').sort('cell', 'trial').write_ndjson(sys.stdout.buffer)\n"
    )
    outputs = []
    for devices in ("1", "2"):
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run(
                [sys.executable, "-c", script, f"{home}/run", devices],
                capture_output=True, check=True, env={**os.environ, "TRAINABILITY_HOME": home},
            )  # fmt: skip
            outputs.append(done.stdout)
    assert outputs[0].count(b"\n") == 70
    assert outputs[0] == outputs[1]


def test_a_trial_that_becomes_nan_is_frozen_where_it_was_finite():
    wild = {"activation": "exponential", "depth": 2, "lr": [1.0, 1e-6], "optimizer": "sgd"}
    grid = cells(BINARY, **wild, steps=30)
    result = train(BINARY, grid, [(c.index, t) for c in grid for t in range(8)])
    ended, end_step = result.columns["ended"], result.columns["end_step"]
    assert (ended == "nan").any()
    assert (ended != "nan").any()
    for i in np.flatnonzero(ended == "nan"):
        assert 1 <= end_step[i] <= 30
        assert not result.columns["solved"][i]
        assert all(np.isfinite(w[i]).all() for w in result.parameters["weights"])
        # Frozen at the same weights as a run that ends just before.
        if end_step[i] > 1:
            short = cells(BINARY, **wild, steps=int(end_step[i]) - 1)
            before = train(BINARY, short, [(int(result.columns["cell"][i]), int(result.columns["trial"][i]))])
            for ours, theirs in zip(result.parameters["weights"], before.parameters["weights"], strict=True):
                np.testing.assert_array_equal(ours[i], theirs[0])
    assert (end_step[ended != "nan"] == 30).all()


def test_early_stopping_ends_a_trial_after_patience_epochs_without_a_better_validation_loss():
    data = dataset(samples=12, held_out=12)
    grid = cells(data, width=8, lr=0.1, steps=200, early_stopping=5)
    result = train(data, grid, [(0, t) for t in range(8)])
    stopped = np.flatnonzero(result.columns["ended"] == "stopped")
    assert len(stopped)
    for i in stopped:
        end = int(result.columns["end_step"][i])
        # Full batch: an epoch is a step. The validation loss after every step, from runs without early stopping.
        losses = [
            float(train(data, cells(data, width=8, lr=0.1, steps=s), [(0, int(i))]).columns["validation_loss"][0])
            for s in range(max(1, end - 5), end + 1)
        ]
        assert min(losses[1:]) >= losses[0]


def test_the_first_step_at_the_target_is_the_first():
    grid = cells(BINARY, width=8, lr=0.05, steps=150)
    result = train(BINARY, grid, [(0, t) for t in range(8)])
    reached = [(t, int(s)) for t, s in enumerate(result.columns["first_step"]) if s > 1]
    assert reached
    for trial, first in reached[:3]:
        at = train(BINARY, cells(BINARY, width=8, lr=0.05, steps=first), [(0, trial)])
        before = train(BINARY, cells(BINARY, width=8, lr=0.05, steps=first - 1), [(0, trial)])
        assert at.columns["solved"][0]
        assert at.columns["ended"][0] == "solved"
        assert not before.columns["solved"][0]
        assert before.columns["ended"][0] == "steps"
        assert before.columns["first_step"][0] == -1


@pytest.mark.parametrize("target", ["loss<=0.3", "validation_accuracy>=0.6", "validation_loss<=0.6"])
def test_a_target_is_judged_by_its_own_metric(target: str):
    result = train(BINARY, cells(BINARY, width=8, lr=0.05, steps=60, target=target), [(0, t) for t in range(20)])
    name, _, number = target.replace("<", ">").partition(">=")
    value = result.columns[{"loss": "train_loss", "validation_accuracy": "validation_score"}.get(name, name)].astype(
        np.float32
    )
    holds = value >= np.float32(number) if "accuracy" in name else value <= np.float32(number)
    np.testing.assert_array_equal(result.columns["solved"], holds)
    assert holds.any()


@given(st.integers(1, 10**9))
def test_checkpoints_rise_from_0_to_the_last_step(steps: int):
    marks = checkpoints(steps)
    assert marks[0] == 0
    assert marks[-1] == steps
    assert all(a < b for a, b in itertools.pairwise(marks))
    assert len(marks) <= 3 * math.log10(steps + 1) + 5


@pytest.mark.parametrize("samples", [1, 2, 40])
def test_an_epoch_uses_every_sample_once(samples: int):
    """The engine's own shuffling: orders are permutations, and differ between epochs."""
    import jax.numpy as jnp

    from trainability.core import random

    keys = engine_train.Keys(*[random.trial_key(0, np.uint32(3), random.Stream.ORDER)] * 3)
    state = engine_train.State(*[None] * 3, jnp.arange(samples), *[None] * 6)
    orders = [np.asarray(engine_train.shuffle(state, keys, jnp.int32(epoch)).order) for epoch in range(3)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(samples))
    if samples > 20:
        assert not np.array_equal(orders[0], orders[1])


def test_every_order_of_the_samples_is_as_likely():
    """Chi-squared over the 24 orders of four samples in 4,800 epochs."""
    import jax
    import jax.numpy as jnp
    from scipy import stats

    from trainability.core import random

    keys = engine_train.Keys(*[random.trial_key(0, np.uint32(0), random.Stream.ORDER)] * 3)
    state = engine_train.State(*[None] * 3, jnp.arange(4), *[None] * 6)
    orders = jax.vmap(lambda epoch: engine_train.shuffle(state, keys, epoch).order)(jnp.arange(4800))
    _, counts = np.unique(np.asarray(orders), axis=0, return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 1e-3


def test_a_large_data_set_is_evaluated_in_chunks_to_the_same_figures(monkeypatch: pytest.MonkeyPatch):
    for task in ("classes", "regression"):
        data = dataset(task, samples=50)
        whole = train(data, cells(data, width=5), [(0, 0)])
        monkeypatch.setattr(engine_train, "CHUNK", 16)
        chunked = train(data, cells(data, width=5, target="loss<=0.001"), [(0, 0)])
        monkeypatch.undo()
        for name in ("train_loss", "train_score"):
            assert chunked.columns[name][0] == pytest.approx(whole.columns[name][0], rel=1e-5)


def test_what_the_engine_is_told_ends_the_run():
    class Stop(Exception):
        pass

    def stop(steps: int) -> None:
        raise Stop

    grid = (cell(BINARY),)
    block = plan.Block("b", grid[0].program, 12, np.array([(0, 0)]))
    with pytest.raises(Stop):
        ENGINE.run(block.program, plan.trials(block, grid, 0), BINARY, 12, MEASURES, stop)
