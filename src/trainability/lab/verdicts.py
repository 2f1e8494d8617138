"""How a claim is decided: a statistic, a threshold, a test.

Every function answers with a `Verdict`. A claim *holds* if the whole interval lies on the claimed side of its
threshold, *fails* if the whole interval lies on the other side, and is *open* where the interval contains it. A claim
over several settings *depends* on them where it holds in some and fails in others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from trainability.core.statistics import mcnemar, paired_difference, two_proportions, wilson
from trainability.lab.text import Text

Kind: TypeAlias = Literal["holds", "fails", "depends", "open"]


@dataclass(frozen=True)
class Verdict:
    """How a claim ended.

    Attributes:
        kind: ``holds``, ``fails``, ``depends`` or ``open``.
        value: the effect's size, in the units of `statistic`.
        statistic: what the value is.
        threshold: what it is compared with.
        interval: of `value`, 95 % unless the statistic says otherwise; None for what is computed, not sampled.
        p_value: of the hypothesis that there is no effect, where there is a test.
        n: how many networks, pairs or samples it rests on.
        on: of ``depends``, on what.
        parts: of a claim over several settings, the verdict in each, by a short name.
        labels: what the parts are called; a part without one is called by its name.
    """

    kind: Kind
    value: float
    statistic: Text
    threshold: float
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    n: int | None = None
    on: Text | None = None
    parts: Mapping[str, Verdict] = field(default_factory=dict)
    labels: Mapping[str, Text] = field(default_factory=dict)

    def label(self, part: str, lang: str) -> str:
        """What a part is called."""
        return self.labels[part].to(lang) if part in self.labels else part

    def to_dict(self, lang: str = "en") -> dict[str, Any]:
        """Plain data; a number that is not finite is None."""
        number = lambda x: x if x is None or math.isfinite(x) else None  # noqa: E731
        return {
            "verdict": self.kind,
            "statistic": self.statistic.to(lang),
            "value": number(self.value),
            "interval": self.interval and [number(x) for x in self.interval],
            "threshold": number(self.threshold),
            "p_value": number(self.p_value),
            "n": self.n,
            "on": self.on and self.on.to(lang),
            "parts": {name: part.to_dict(lang) for name, part in self.parts.items()},
        }


def decided(low: float, high: float, above: float) -> Kind:
    """Whether a value with that interval is above a threshold."""
    return "holds" if low > above else "fails" if high < above else "open"


def share(solved: ArrayLike, statistic: Text, *, above: float | None = None, below: float | None = None) -> Verdict:
    """Whether the share of true outcomes (bool, shape (trials,)) lies above, or below, a threshold; Wilson's interval.

    An interval that ends at a threshold of 0 or 1 is open: that all of some seeds succeed does not say that all do.
    """
    outcomes = np.asarray(solved, bool)
    low, high = (float(end) for end in wilson(outcomes.sum(), outcomes.size))
    threshold, claimed_above = _side(above, below)
    kind = decided(low, high, threshold) if claimed_above else decided(-high, -low, -threshold)
    value = float(outcomes.mean()) if outcomes.size else math.nan
    return Verdict(kind, value, statistic, threshold, (low, high), None, outcomes.size)


def shares_differ(a: ArrayLike, b: ArrayLike, statistic: Text, *, above: float = 0.0, paired: bool = True) -> Verdict:
    """Whether the share of `a` is more than that of `b` by more than `above`; bool, shape (trials,).

    Paired outcomes (same seeds): Newcombe's interval and McNemar's exact test; else the interval of two unpaired
    proportions (Newcombe's method 10) and Fisher's exact test.
    """
    a, b = np.asarray(a, bool), np.asarray(b, bool)
    if paired:
        difference, low, high = paired_difference(a, b)
        p_value = mcnemar(a, b)
    else:
        difference, low, high = _unpaired(a, b)
        p_value = two_proportions(int(a.sum()), a.size, int(b.sum()), b.size)
    return Verdict(decided(low, high, above), difference, statistic, above, (low, high), p_value, min(a.size, b.size))


def median(values: ArrayLike, statistic: Text, *, above: float | None = None, below: float | None = None) -> Verdict:
    """Whether the median of a sample lies above, or below, a threshold; for pairs, give the differences.

    The interval is the sign test's: order statistics, which suppose nothing of the distribution. The p-value is that of
    the two-sided sign test at the threshold; NaN are left out, infinite values count.
    Reference: W. J. Conover, Practical Nonparametric Statistics, 3rd ed. (1999), section 3.2.
    """
    from scipy.stats import binom, binomtest

    x = np.sort(np.asarray(values, float).ravel())
    x = x[~np.isnan(x)]
    threshold, claimed_above = _side(above, below)
    if not len(x):
        return Verdict("open", math.nan, statistic, threshold, (-math.inf, math.inf), 1.0, 0)
    k = int(binom.ppf(0.025, len(x), 0.5))  # so many values are cut off at each end
    enough = k >= 1 and binom.cdf(k - 1, len(x), 0.5) <= 0.025
    low, high = (float(x[k - 1]), float(x[-k])) if enough else (-math.inf, math.inf)
    apart = int((x != threshold).sum())
    p_value = float(binomtest(int((x > threshold).sum()), apart, 0.5).pvalue) if apart else 1.0
    kind = decided(low, high, threshold) if claimed_above else decided(-high, -low, -threshold)
    return Verdict(kind, float(np.median(x)), statistic, threshold, (low, high), p_value, len(x))


def rank_correlation(x: ArrayLike, y: ArrayLike, statistic: Text, *, above: float = 0.0) -> Verdict:
    """Whether y grows with x: Spearman's rank correlation, interval by Fisher's transformation.

    Reference: D. G. Bonett, T. A. Wright, Psychometrika 65 (2000), for the variance (1 + ρ²/2)/(n − 3).
    """
    from scipy.stats import spearmanr

    x, y = np.asarray(x, float), np.asarray(y, float)
    rho, p_value = (float(part) for part in spearmanr(x, y))  # pyright: ignore[reportArgumentType]
    if len(x) < 5 or not math.isfinite(rho):
        return Verdict("open", rho, statistic, above, (-1.0, 1.0), None, len(x))
    half = 1.959963984540054 * math.sqrt((1 + rho**2 / 2) / (len(x) - 3))
    middle = math.atanh(max(-1 + 1e-15, min(1 - 1e-15, rho)))
    low, high = math.tanh(middle - half), math.tanh(middle + half)
    return Verdict(decided(low, high, above), rho, statistic, above, (low, high), p_value, len(x))


def at_most(value: float, bound: float, statistic: Text, n: int | None = None) -> Verdict:
    """Whether a computed value (not a sample) is within a bound, as an error within a tolerance is."""
    return Verdict("holds" if value <= bound else "fails", float(value), statistic, bound, n=n)


def at_least(value: float, bound: float, statistic: Text, n: int | None = None) -> Verdict:
    """Whether a computed value (not a sample) reaches a bound."""
    return Verdict("holds" if value >= bound else "fails", float(value), statistic, bound, n=n)


def exactly(value: float, expected: float, statistic: Text, n: int | None = None) -> Verdict:
    """Whether what was counted is the number that is claimed."""
    return Verdict("holds" if value == expected else "fails", float(value), statistic, expected, n=n)


def everywhere(parts: Mapping[str, Verdict], on: Text, labels: Mapping[str, Text] | None = None) -> Verdict:
    """A claim about several settings: holds or fails where it does so in all; depends `on` what differs between them.

    Open while a setting is open and no two others contradict each other. Its value is the setting's that is nearest to
    its threshold, in units of that setting's interval where there is one.
    """
    kinds = {part.kind for part in parts.values()}
    differ = {"holds", "fails"} <= kinds or "depends" in kinds
    kind: Kind = "depends" if differ else "open" if "open" in kinds else next(iter(parts.values())).kind
    weakest = min(parts.values(), key=_margin)
    return Verdict(
        kind, weakest.value, weakest.statistic, weakest.threshold, weakest.interval, weakest.p_value, weakest.n,
        on if kind == "depends" else None, dict(parts), labels or {},
    )  # fmt: skip


def _margin(verdict: Verdict) -> float:
    distance = abs(verdict.value - verdict.threshold)
    if verdict.interval is None or not all(map(math.isfinite, verdict.interval)):
        return distance
    return distance / max(verdict.interval[1] - verdict.interval[0], 1e-300)


def _side(above: float | None, below: float | None) -> tuple[float, bool]:
    if above is not None and below is None:
        return above, True
    if below is not None and above is None:
        return below, False
    raise ValueError("give either above or below")


def _unpaired(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """Newcombe's interval for the difference of two unpaired proportions. Reference: Stat. Med. 17 (1998) 873-890."""
    if not a.size or not b.size:
        return math.nan, -1.0, 1.0
    rates = float(a.mean()), float(b.mean())
    (low_a, high_a), (low_b, high_b) = (
        tuple(float(end) for end in wilson(outcomes.sum(), outcomes.size)) for outcomes in (a, b)
    )
    difference = rates[0] - rates[1]
    down = math.hypot(rates[0] - low_a, high_b - rates[1])
    up = math.hypot(high_a - rates[0], rates[1] - low_b)
    return difference, difference - down, difference + up
