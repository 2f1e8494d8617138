"""The signs of a whole run, on made losses whose truth is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.command import strict_json
from trainability.core.chart import ValidationFacts
from trainability.diagnosis import RULES
from trainability.diagnosis.examples import chart, falls, stays
from trainability.diagnosis.examples import loss as loss_facts
from trainability.diagnosis.reading import DIVERGED, diverged
from trainability.diagnosis.run_signs import RUN_SIGNS, run_signs_of
from trainability.diagnosis.smoothing import smoothed
from trainability.report.chart import Diagnosis
from trainability.report.chart.tables import facts, whole_run


def signs(losses: Any, **changes: Any) -> dict[str, float]:
    return run_signs_of(chart(losses=np.asarray(losses, float), **changes))


def noise(steps: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(steps)


def test_every_sign_says_what_it_is():
    for sign in RUN_SIGNS:
        assert sign.summary
        assert sign.unit in ("times", "share", "step")
        assert sign.healthy
        assert sign.reference


def test_a_healthy_run_has_none_outside():
    found = signs(falls(), validation=ValidationFacts(np.array([100, 200]), np.array([0.1, 0.08])), gradient_noise=40.0)
    assert [name for name, value in found.items() if RUN_SIGNS[name].fits(value) is False] == []
    assert not any(map(math.isnan, found.values()))


def test_losses_are_held_against_the_best_constant_answers():
    found = signs(np.linspace(2, 1, 100), loss=loss_facts(constant=0.5))
    assert found["loss_at_start"] == 4
    assert found["loss_at_end"] == pytest.approx(2 * np.linspace(2, 1, 100)[-10:].mean())
    assert found["divergence"] == pytest.approx(found["loss_at_end"] / 4)
    assert math.isnan(signs(np.ones(10), loss=None)["loss_at_start"])


def test_the_gap_is_that_of_held_out_data():
    seen = ValidationFacts(np.array([50, 100]), np.array([0.6, 0.8]))
    found = signs(np.full(100, 0.2), loss=loss_facts(constant=0.5), validation=seen)
    assert found["validation_gap"] == pytest.approx((0.7 - 0.2) / 0.5)
    assert RUN_SIGNS["validation_gap"].fits(found["validation_gap"]) is False


def test_oscillation_is_the_share_that_goes_back_and_forth():
    assert signs(np.linspace(1, 0, 200))["oscillation"] == pytest.approx(0)
    assert signs(1 + 0.5 * np.sin(np.linspace(0, 8 * np.pi, 400)))["oscillation"] > 0.9
    zigzag = np.repeat([4, 2, 3, 1, 2, 0], 40)  # of a way of 8, 4 are left
    assert signs(zigzag)["oscillation"] == pytest.approx(0.5, abs=0.02)
    assert signs(1 - np.linspace(0, 0.8, 2000) + 0.2 * noise(2000))["oscillation"] < 0.3  # a batch's noise is none
    assert signs(np.ones(50))["oscillation"] == 0


def test_a_zigzag_from_step_to_step_oscillates_as_far_as_it_is_large_beside_the_fall():
    steps = np.arange(200)
    up_and_down = (-1.0) ** steps
    assert signs(1 + 0.1 * up_and_down)["oscillation"] == pytest.approx(1, abs=0.02)
    assert signs(1 + 0.1 * up_and_down + 0.02 * noise(200))["oscillation"] > 0.9
    fall = np.linspace(1, 0.1, 200)
    assert signs(fall + 1e-3 * up_and_down)["oscillation"] == pytest.approx(0, abs=0.01)
    # Of a fall of 0.047 a block and swings of ±0.2, the way is 0.4 a block.
    assert signs(fall + 0.2 * up_and_down)["oscillation"] == pytest.approx(1 - 0.047 / 0.4, abs=0.03)
    swung = [smoothed(np.exp(0.3 * noise(300, seed)) * np.linspace(1, 0.1, 300)) for seed in range(100)]
    assert sum(blocks is not None and blocks.swings.any() for blocks in swung) < 8  # what batches do is none
    for period in (6, 8):  # slower than from step to step
        assert signs(fall + 0.05 * np.sin(2 * np.pi * steps / period))["oscillation"] < 0.2


def test_a_plateau_has_the_length_and_the_start_that_it_was_given():
    fall, steps = np.linspace(1, 0.2, 200), 400
    for before, at in ((False, 200), (True, 0)):
        level = np.full(200, 1.0 if before else 0.2)
        losses = np.concatenate([level, fall] if before else [fall, level]) + 0.02 * noise(steps)
        found = signs(losses)
        assert found["plateau"] == pytest.approx(0.5, abs=0.11)
        assert abs(found["plateau_start"] - at) <= 40
    steady = signs(np.linspace(1, 0, 400))
    assert steady["plateau"] == 0
    assert math.isnan(steady["plateau_start"])
    assert signs(1 + 0.1 * noise(400))["plateau"] > 0.6


def test_a_run_that_diverges_does_so_in_figures():
    broken = np.append(falls(), np.nan)
    assert signs(broken)["divergence"] == math.inf
    assert signs(np.geomspace(1, 100, 50))["divergence"] > DIVERGED
    for losses in (broken, np.geomspace(1, 100, 50), falls(), stays()):
        made = chart(losses=losses)
        assert diverged(made) == (run_signs_of(made)["divergence"] > DIVERGED)
    assert not math.isnan(signs(broken)["plateau"])  # of what came before


def test_an_easy_first_batch_is_no_divergence():
    """The loss is at the best constant answer's all the time, but for the first batch."""
    start = np.append(0.1, np.ones(99))
    assert not diverged(chart(losses=start, loss=loss_facts(constant=1.0)))
    assert diverged(chart(losses=start, loss=loss_facts(constant=0.1)))
    assert diverged(chart(losses=start, loss=None))


losses = st.lists(st.floats(0.01, 100), min_size=1, max_size=90)


@given(losses, st.floats(1e-3, 1e3))
def test_signs_do_not_depend_on_the_losses_unit(values: list[float], scale: float):
    one = signs(values, loss=loss_facts(constant=0.7))
    other = signs(np.array(values) * scale, loss=loss_facts(constant=0.7 * scale))
    for name in one:
        if not name.startswith("plateau"):  # ties may fall to either side of their bound
            assert other[name] == pytest.approx(one[name], rel=1e-6, abs=1e-6, nan_ok=True), name


@given(losses, st.integers(-6, 6))
def test_plateaus_do_not_depend_on_the_losses_unit(values: list[float], power: int):
    one, other = signs(values), signs(np.array(values) * 2.0**power)  # which rounds nothing
    assert one["plateau"] == pytest.approx(other["plateau"], nan_ok=True)
    assert one["plateau_start"] == pytest.approx(other["plateau_start"], nan_ok=True)


@given(losses)
def test_shares_are_shares(values: list[float]):
    found = signs(values)
    for name in ("oscillation", "plateau"):
        assert math.isnan(found[name]) == (len(values) < 8)
        assert math.isnan(found[name]) or -1e-9 <= found[name] <= 1


@given(losses)
def test_a_falling_loss_neither_oscillates_nor_rests_longer_than_it_falls(values: list[float]):
    falling = np.cumsum(np.array(values)[::-1])[::-1]
    found = signs(falling)
    assert math.isnan(found["oscillation"]) or found["oscillation"] == pytest.approx(0, abs=1e-9)
    assert not found["divergence"] > 1


def test_they_are_in_python_json_and_on_the_page():
    made = Diagnosis(chart(losses=np.append(stays(), np.nan)), "net")
    assert made.run_signs == pytest.approx(run_signs_of(made.chart), nan_ok=True)
    read = strict_json(made.to_json())["run"]
    assert set(read) == {sign.name for sign in RUN_SIGNS}
    assert read["divergence"] is None  # infinite
    assert read["plateau"] == made.run_signs["plateau"]
    page = whole_run(made.chart)
    assert "<td class=outside>∞" in page
    for sign in RUN_SIGNS:
        assert sign.name.replace("_", " ") in page


def test_every_charts_tables_can_be_written():
    for rule in RULES:
        for made in (rule.sick(), rule.healthy()):
            assert "<td" in whole_run(made) + facts(made)


def test_what_was_seen_of_data_and_wiring_is_on_the_page():
    seen = facts(chart(accumulated=True, evaluating=("bn",), dropout=0.25, cut=("net.0",)))
    for words in ("inputs", "32 × 8", "0: 50 %", "cross_entropy, reduced by mean", "old ones are still there", "bn"):
        assert words in seen


def test_the_terminal_says_what_is_beyond_fine_and_no_more():
    slow = Diagnosis(chart(losses=stays()), "net")
    assert "Loss over the best constant answer's: 1 × at the start, 1 × at the end." in slow.text()
    assert "Outside the usual: oscillation 0.852 (up to 0.5), plateau 1 (up to 0.8)." in " ".join(slow.text().split())
    well = Diagnosis(chart(losses=falls()), "net")
    assert well.healthy
    assert "best constant answer's" in well.text()
    assert "usual" not in well.text()
    early = Diagnosis(chart(losses=np.append(np.geomspace(0.7, 0.05, 20), np.full(180, 0.05))), "net")
    assert RUN_SIGNS["plateau"].fits(early.run_signs["plateau"]) is False
    assert "usual" not in early.text()
    assert "best constant answer's" not in Diagnosis(chart(losses=falls(), loss=None), "net").text()
