"""The statistics that decide claims, on made data of which the truth is known."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.command import strict_json
from trainability.lab import verdicts
from trainability.lab.text import LANGUAGES, Text, check_language, prose, same
from trainability.lab.verdicts import Verdict, everywhere
from trainability.lab.words import evidence

WORDS = same("it")


def outcomes(k: int, n: int) -> np.ndarray:
    return np.arange(n) < k


@pytest.mark.parametrize(
    ("k", "n", "kind"), [(90, 100, "holds"), (10, 100, "fails"), (50, 100, "open"), (3, 3, "open"), (0, 0, "open")]
)
def test_a_share_is_decided_by_its_whole_interval(k: int, n: int, kind: str):
    assert verdicts.share(outcomes(k, n), WORDS, above=0.5).kind == kind
    opposite = {"holds": "fails", "fails": "holds", "open": "open"}[kind]
    assert verdicts.share(outcomes(k, n), WORDS, below=0.5).kind == opposite


def test_that_all_of_some_seeds_succeed_does_not_say_that_all_do():
    assert verdicts.share(outcomes(1000, 1000), WORDS, above=1.0).kind == "open"


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("a", "b", "above", "kind"),
    [(90, 10, 0.0, "holds"), (10, 90, 0.0, "fails"), (52, 50, 0.0, "open"), (90, 60, 0.5, "fails")],
)
def test_a_difference_of_shares(a: int, b: int, above: float, kind: str, paired: bool):
    verdict = verdicts.shares_differ(outcomes(a, 100), outcomes(b, 100), WORDS, above=above, paired=paired)
    assert verdict.kind == kind
    assert verdict.value == pytest.approx((a - b) / 100)
    assert verdict.p_value is not None
    assert (verdict.p_value < 0.05) == (abs(a - b) > 20)


def test_unpaired_shares_agree_with_a_published_example():
    """Newcombe (1998), table II, example (a): 56/70 against 48/80, method 10: 0.0524 to 0.3339."""
    verdict = verdicts.shares_differ(outcomes(56, 70), outcomes(48, 80), WORDS, paired=False)
    assert verdict.interval == pytest.approx((0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize(("shift", "kind"), [(1.0, "holds"), (-1.0, "fails"), (0.0, "open")])
def test_a_median(shift: float, kind: str):
    values = np.random.default_rng(3).standard_normal(101) + shift
    verdict = verdicts.median(values, WORDS, above=0.0)
    assert verdict.kind == kind
    assert verdict.value == pytest.approx(np.median(values))
    assert (verdict.p_value or 0) < 0.05 if kind != "open" else (verdict.p_value or 0) > 0.05


def test_a_median_of_few_values_is_open():
    assert verdicts.median(np.full(5, 9.0), WORDS, above=0.0).kind == "open"
    assert verdicts.median(np.full(6, 9.0), WORDS, above=0.0).kind == "holds"
    assert verdicts.median([], WORDS, above=0.0).kind == "open"


def test_the_medians_interval_covers_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(7).exponential(size=(2000, 25))
    found = [verdicts.median(row, WORDS, above=0.0).interval or (0, 0) for row in draws]
    covered = np.mean([low <= math.log(2) <= high for low, high in found])
    assert 0.95 <= covered <= 0.985


@given(st.lists(st.floats(-1e6, 1e6) | st.just(math.inf), min_size=1, max_size=40), st.floats(-10, 10))
def test_a_median_and_its_mirror_image_agree(values: list[float], threshold: float):
    up = verdicts.median(values, WORDS, above=threshold)
    down = verdicts.median([-v for v in values], WORDS, below=-threshold)
    assert up.kind == down.kind
    assert up.p_value == pytest.approx(down.p_value)


def test_a_rank_correlation():
    x = np.arange(60.0)
    noise = np.random.default_rng(0).standard_normal(60)
    assert verdicts.rank_correlation(x, x + noise, WORDS).kind == "holds"
    assert verdicts.rank_correlation(x, -x + noise, WORDS).kind == "fails"
    assert verdicts.rank_correlation(x, noise, WORDS).kind == "open"
    assert verdicts.rank_correlation(x[:3], x[:3], WORDS).kind == "open"


def test_what_is_computed_holds_or_fails():
    assert verdicts.at_most(1e-9, 1e-6, WORDS).kind == "holds"
    assert verdicts.at_most(math.nan, 1e-6, WORDS).kind == "fails"
    assert verdicts.at_least(14, 14, WORDS).kind == "holds"


def made(kind: str) -> Verdict:
    k = {"holds": 90, "fails": 10, "open": 50}[kind]
    return verdicts.share(outcomes(k, 100), WORDS, above=0.5)


@pytest.mark.parametrize("kinds", list(itertools.product(("holds", "fails", "open"), repeat=3)), ids="-".join)
def test_a_claim_over_several_settings(kinds: tuple[str, ...]):
    verdict = everywhere({str(i): made(kind) for i, kind in enumerate(kinds)}, same("the setting"))
    if {"holds", "fails"} <= set(kinds):
        assert (verdict.kind, verdict.on) == ("depends", same("the setting"))
    else:
        assert verdict.kind == ("open" if "open" in kinds else kinds[0])
        assert verdict.on is None
    strict_json(json.dumps(verdict.to_dict()))


def test_one_side_is_asked_for():
    for sides in ({}, {"above": 0.0, "below": 0.0}):
        with pytest.raises(ValueError, match="either above or below"):
            verdicts.share([True], WORDS, **sides)


def test_words_in_both_languages():
    text = Text("{n} of {what}", "{what} {n}개").filled(n=3, what=Text("layers", "층"))
    assert [text.to(lang) for lang in LANGUAGES] == ["3 of layers", "층 3개"]
    assert prose("a\n  b\n\n c ", "ㄱ").to("en") == "a b\n\nc"
    with pytest.raises(Exception, match="unknown language 'kr'; did you mean 'ko'"):
        check_language("kr")


def test_numbers_in_words_have_a_true_minus_and_no_p_value_is_zero():
    said = evidence(verdicts.median(np.full(2000, -1.0), same("a change"), below=0.0), "en")
    assert "a change: −1 (95 % interval −1 to −1), against 0, p < 1e-300, n = 2,000" in said
