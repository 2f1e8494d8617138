"""The benchmark's contestants train the same networks, and its rows measure what they say."""

from __future__ import annotations

import dataclasses
import math
import types
from pathlib import Path

import numpy as np
import pytest

from bench import command, rows
from bench.contest import Contest, Standing, _compare_losses, ratios
from bench.figure import Figure
from bench.measurement import TOLERANCE, Check, Measurement, Setting, measure
from bench.rows import ROWS
from bench.rows.million import peak_bytes
from bench.works import DIGITS, SHAPES, XOR, Work

MINI_BATCHES = dataclasses.replace(XOR, name="mini-batches", problem="xor_cloud", samples=50, batch=16, depth=2)


@pytest.mark.parametrize("engine", ["lanes", "reference"])
def test_contestants_train_the_same_networks(engine: str):
    works = [XOR, SHAPES[0], SHAPES[9], SHAPES[-1], DIGITS, MINI_BATCHES]
    if engine == "lanes":
        pytest.importorskip("trainability.engine.lanes._processor", reason="the kernel was not built")
    else:
        works = works[:1]  # it compiles for long
    with Contest(["pytorch_batched", "pytorch_loop", f"trainability_{engine}"]) as contest:
        for work in works:
            for standing in contest.check(work):
                assert standing.failure is None, (work, standing)
                assert standing.agrees, (work, standing)


def test_a_contestant_that_trains_something_else_is_found():
    standings = [Standing(name, name, check=Check(1.0, (0.5,) * 8, TOLERANCE)) for name in "abc"]
    standings[0].check = Check(1.0, (0.51,) * 8, TOLERANCE)
    standings[1].check = Check(1.0, (0.5,) * 6 + (0.9, 0.1), TOLERANCE)  # two of eight part by rounding
    _compare_losses(standings)
    assert [one.agrees for one in standings] == [False, True, True]


def test_networks_of_a_work_differ_and_do_not_depend_on_where_a_block_begins():
    (w, _), *_ = XOR.initial(3, first=4)
    (later, _), *_ = XOR.initial(1, first=5)
    assert (w[1] == later[0]).all()
    assert (w[0] != w[1]).any()


def test_an_epoch_shows_each_network_every_sample_once_in_its_own_order():
    batches = MINI_BATCHES.batches(2)
    steps = len(MINI_BATCHES.rows[0]) // MINI_BATCHES.batch
    epoch = [next(batches) for _ in range(steps)]
    for network in range(2):
        shown = [row for rows in epoch for row in rows[network]]
        assert len(set(shown)) == len(shown) == steps * MINI_BATCHES.batch
    assert (epoch[0][0] != epoch[0][1]).any()


def test_the_sixty_shapes_are_all_there():
    assert len({(one.width, one.depth, one.step_rows, one.optimizer) for one in SHAPES}) == 60
    assert {one.step_rows for one in SHAPES} == {4, 32}


def test_the_search_finds_the_fastest_block_and_does_not_try_what_is_hopeless(monkeypatch: pytest.MonkeyPatch):
    clock, tried = [0.0], []

    class Pretended:
        """Blocks of 100 networks would be the fastest."""

        compile_seconds = 0.0

        def __init__(self, work: Work, setting: Setting, first: int):
            self.block = setting.block
            tried.append(self.block)

        def advance(self, steps: int) -> int:
            clock[0] += steps * self.block * 1e-6 * (1 + math.log(self.block / 100) ** 2)
            return steps

        def outputs(self) -> np.ndarray:
            raise NotImplementedError

    monkeypatch.setattr("bench.measurement.time", types.SimpleNamespace(perf_counter=lambda: clock[0]))
    settings = tuple(Setting(block, 1) for block in (4, 16, 64, 256, 1024, 4096))
    work = dataclasses.replace(XOR, networks=None)
    found = measure(Pretended, settings, 2.0, work)
    assert tried == [4, 16, 64, 256, 32, 128]
    assert found.setting == "block 128, 1 thread"
    assert found.seconds == pytest.approx(2.0, rel=0.01)
    assert found.rate == pytest.approx(1e6 / (1 + math.log(1.28) ** 2))
    tried.clear()
    measure(Pretended, settings, 2.0, dataclasses.replace(XOR, networks=20))
    assert max(tried) == 16


def test_a_figure_is_the_median_of_the_ratios_within_a_turn():
    def standing(rates: list[float]) -> Standing:
        return Standing("", "", [Measurement(1, 1, 1 / rate, 0.0, "", 1.0) for rate in rates])

    figure = Figure.of("", ratios(standing([10, 20, 90]), standing([10, 10, 30])))
    assert (round(figure.value, 9), round(figure.low, 9), round(figure.high, 9)) == (2, 1, 3)


def test_the_demo_that_is_measured_is_the_demo_of_the_makefile():
    words = command.demo_words()
    assert words[:2] == ["compare", "xor"]
    options = dict(zip(words[2::2], words[3::2], strict=True))
    assert len(options["--depth"].split(",")) * len(options["--activation"].split(",")) == 20
    assert (options["--seeds"], options["--steps"]) == ("256", "10000")


def test_peak_memory_grows_with_what_is_held():
    before = peak_bytes()
    held = bytearray(64 * 2**20)
    held[::4096] = b"1" * len(held[::4096])
    assert peak_bytes() >= before
    assert peak_bytes() >= len(held)


def test_rows_have_names_of_their_own():
    modules = [path for path in Path(rows.__file__).parent.glob("*.py") if path.stem != "__init__"]
    assert len({row.NAME for row in ROWS}) == len(ROWS) == len(modules)
