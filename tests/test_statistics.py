"""Intervals and tests against SciPy, against slower twins, and against what they promise, by enumeration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainability.core.errors import SpecError
from trainability.core.statistics import (
    holm,
    mcnemar,
    paired_difference,
    quantiles,
    two_proportions,
    wilson,
)

LEVELS = (0.8, 0.95, 0.99)
pairs_of_outcomes = st.integers(0, 60).flatmap(
    lambda n: st.tuples(*[st.lists(st.booleans(), min_size=n, max_size=n)] * 2)
)


def outcomes(both: int, a_only: int, b_only: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Paired outcomes with these counts."""
    cells = np.repeat([0, 1, 2, 3], [both, a_only, b_only, neither])
    return cells <= 1, cells % 2 == 0


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("n", [1, 2, 7, 64, 1000])
def test_wilson_is_scipys(n: int, level: float):
    from scipy.stats import binomtest

    counts = np.unique(np.linspace(0, n, 30).astype(int))
    low, high = wilson(counts, n, level)
    peers = [binomtest(int(k), n).proportion_ci(level, method="wilson") for k in counts]
    np.testing.assert_allclose(low, [p.low for p in peers], atol=1e-13)
    np.testing.assert_allclose(high, [p.high for p in peers], atol=1e-13)


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.floats(0.5, 0.9999))
def test_wilson_holds_the_rate_and_stays_in_range(k: int, more: int, level: float):
    low, high = wilson(k, k + more, level)
    assert 0 <= low <= high <= 1
    if k + more:
        assert low <= k / (k + more) <= high
    assert (low == 0) == (k == 0)
    assert (high == 1) == (more == 0)


def test_wilson_broadcasts_and_knows_nothing_of_no_trials():
    low, high = wilson([[0], [3]], [0, 10, 20][1:])
    assert low.shape == high.shape == (2, 2)
    assert wilson(0, 0) == (0, 1)


def test_wilson_ends_exactly_at_0_and_1():
    n = np.arange(1, 3000)
    for level in LEVELS:
        assert (wilson(0, n, level)[0] == 0).all()
        assert (wilson(n, n, level)[1] == 1).all()


@pytest.mark.parametrize("n", [20, 50, 200])
def test_wilson_covers(n: int):
    from scipy.stats import binom

    k = np.arange(n + 1)
    p = np.linspace(0.05, 0.95, 181)[:, None]
    low, high = wilson(k, n)
    coverage = (binom.pmf(k, n, p) * ((low <= p) & (p <= high))).sum(axis=1)  # exact, no luck involved
    assert abs(coverage.mean() - 0.95) < 0.006
    assert coverage.min() > 0.9


@pytest.mark.parametrize("counts", [(5, 4), (-1, 4), (math.nan, 4), (1, [4, 0])])
def test_impossible_counts_are_refused(counts: tuple):
    with pytest.raises(ValueError, match="between 0 and n"):
        wilson(*counts)


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, math.nan])
def test_a_level_is_a_share(level: float):
    with pytest.raises(SpecError, match="between 0 and 1, got"):
        wilson(1, 2, level)
    with pytest.raises(SpecError, match="between 0 and 1, got"):
        paired_difference([True], [False], level)


@given(pairs_of_outcomes)
def test_mcnemar_is_a_binomial_test_of_the_pairs_that_differ(outcome: tuple[list[bool], list[bool]]):
    from scipy.stats import binomtest

    a, b = np.array(outcome, bool)
    wins, differ = int((a & ~b).sum()), int((a != b).sum())
    expected = binomtest(wins, differ).pvalue if differ else 1.0
    assert mcnemar(a, b) == pytest.approx(expected, rel=1e-10)
    assert mcnemar(b, a) == mcnemar(a, b)


def test_unpaired_outcomes_are_refused():
    for test in (mcnemar, paired_difference):
        with pytest.raises(ValueError, match="one length"):
            test([True], [True, False])


@given(*[st.integers(0, 30)] * 4)
def test_two_proportions_is_fishers_sum_over_tables(k1: int, m1: int, k2: int, m2: int):
    n1, n2, k = k1 + m1, k2 + m2, k1 + k2
    ways = {i: math.comb(n1, i) * math.comb(n2, k - i) for i in range(max(0, k - n2), min(n1, k) + 1)}
    expected = sum(w for w in ways.values() if w <= ways[k1]) / math.comb(n1 + n2, k)
    assert two_proportions(k1, n1, k2, n2) == pytest.approx(expected, rel=1e-9)


def test_two_proportions_refuses_impossible_counts():
    with pytest.raises(ValueError, match="between 0 and n"):
        two_proportions(1, 0, 1, 2)


@given(pairs_of_outcomes, st.sampled_from(LEVELS))
def test_paired_difference_mirrors_and_stays_in_range(outcome: tuple[list[bool], list[bool]], level: float):
    a, b = outcome
    difference, low, high = paired_difference(a, b, level)
    mirrored = paired_difference(b, a, level)
    assert -1 <= low <= high <= 1
    if a:
        assert difference == pytest.approx(np.mean(a) - np.mean(b))
        assert low <= difference <= high
        assert (low, high) == pytest.approx((-mirrored[2], -mirrored[1]))
    else:
        assert math.isnan(difference)
        assert (low, high) == (-1, 1)


@given(st.integers(0, 200), st.integers(0, 200))
def test_paired_difference_without_correlation_adds_squares(k1: int, k2: int):
    """Where φ = 0 the method adds the squares of two Wilson intervals, as the unpaired method does."""
    n = 200
    a, b = (
        np.arange(n) < k1,
        np.arange(n) >= n - k2,
    )  # as negatively or as weakly correlated as the rates allow
    both, neither = int((a & b).sum()), int((~a & ~b).sum())
    phi_zero = 0 <= both * neither - (k1 - both) * (k2 - both) <= n / 2
    _, low, high = paired_difference(a, b)
    (l1, l2), (u1, u2) = wilson([k1, k2], n)
    p1, p2 = k1 / n, k2 / n
    square_low = max(p1 - p2 - math.hypot(p1 - l1, u2 - p2), -1)
    square_high = min(p1 - p2 + math.hypot(u1 - p1, p2 - l2), 1)
    if phi_zero:
        assert (low, high) == pytest.approx((square_low, square_high))
    else:  # a negative correlation makes the difference less certain
        assert low <= square_low + 1e-12
        assert high >= square_high - 1e-12


def test_paired_difference_uses_the_pairing():
    a, b = outcomes(both=40, a_only=10, b_only=0, neither=50)
    _, low, high = paired_difference(a, b)
    _, low_apart, high_apart = paired_difference(a, np.roll(b, 50))
    assert high - low < 0.7 * (high_apart - low_apart)
    assert low > 0 > low_apart


@pytest.mark.parametrize("n", [20, 50, 100])
def test_paired_difference_covers(n: int):
    """Over random tables the coverage is near the level and, as Newcombe (1998) finds, a little above it."""
    rng = np.random.default_rng(n)
    coverages = []
    for cells in rng.dirichlet([1, 1, 1, 1], size=40):
        tables, times = np.unique(rng.multinomial(n, cells, size=500), axis=0, return_counts=True)
        low, high = np.array([paired_difference(*outcomes(*table))[1:] for table in tables]).T
        truth = cells[1] - cells[2]
        coverages.append(np.average((low <= truth) & (truth <= high), weights=times))
    assert 0.945 < np.mean(coverages) < 0.975
    assert min(coverages) > 0.9


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_is_the_stepwise_procedure(p_values: list[float]):
    """The twin steps down per level: the adjusted value is the least level at which a test is rejected."""

    def rejected(alpha: float) -> set[int]:
        left = sorted(range(len(p_values)), key=lambda i: p_values[i])
        done: set[int] = set()
        while left and p_values[left[0]] * len(left) <= alpha:
            done.add(left.pop(0))
        return done

    adjusted = holm(p_values)
    assert adjusted.shape == (len(p_values),)
    for i, value in enumerate(adjusted):
        assert p_values[i] <= value <= 1
        if value < 1:
            assert i in rejected(value)
            assert i not in rejected(np.nextafter(value, -1))
        else:
            assert i not in rejected(np.nextafter(1, 0))


@pytest.mark.parametrize("p_values", [[0.1, math.nan], [-0.1], [1.1], [[0.1]]])
def test_holm_refuses_what_is_no_p_value(p_values: list):
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm(p_values)


def test_the_family_rejects_a_true_null_seldom():
    """Twelve cells that are all alike, each paired by seed with one control: at most 5 % false alarms."""
    rng = np.random.default_rng(1)
    families, cells, trials = 1000, 12, 40
    alarms = bare = 0
    for _ in range(families):
        control, *others = rng.random((cells + 1, trials)) < 0.5
        p = np.array([mcnemar(control, other) for other in others])
        alarms += bool((holm(p) <= 0.05).any())
        bare += bool((p <= 0.05).any())
    assert alarms / families < 0.05
    assert bare / families > 0.1  # without the adjustment the draw does raise false alarms


@given(st.lists(st.floats(-1e6, 1e6) | st.just(math.inf) | st.just(math.nan) | st.none(), max_size=40))
def test_quantiles_are_numpys_inverted_cdf(values: list[float | None]):
    kept = [v for v in values if v is not None and not math.isnan(v)]
    found = quantiles(values)
    if not kept:
        assert np.isnan(found).all()
    else:
        assert set(found) <= set(kept)
        ranks = np.sort(kept)
        counted = np.quantile(np.arange(len(kept)), (0.25, 0.5, 0.75), method="inverted_cdf").astype(int)
        assert found.tolist() == ranks[counted].tolist()


def test_quantiles_keep_inf_and_the_ends():
    inf = math.inf
    assert quantiles([1, 2, inf, inf, None]).tolist() == [1, 2, inf]
    assert quantiles([3, 1, 2], (0, 1)).tolist() == [1, 3]
    assert quantiles(range(1, 101), (0.07, 0.29)).tolist() == [
        7,
        29,
    ]  # 0.07 * 100 and 0.29 * 100 are not whole
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantiles([1], (50,))


def test_quantiles_take_a_polars_column_with_nulls():
    import polars as pl

    assert quantiles(pl.Series([5, None, 1, 3])).tolist() == [1, 3, 5]
