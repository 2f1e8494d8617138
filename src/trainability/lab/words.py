"""Verdicts in words, for the terminal and the page."""

from __future__ import annotations

from typing import Final

from trainability.lab.text import Text
from trainability.lab.verdicts import Verdict
from trainability.report.words import number

KINDS: Final = {
    "holds": Text("holds", "성립"),
    "fails": Text("fails", "성립하지 않음"),
    "depends": Text("depends", "조건에 따라 다름"),
    "open": Text("open", "판단 보류"),
}
_EVIDENCE: Final = Text("{statistic}: {value}", "{statistic}: {value}")
_INTERVAL: Final = Text(" (95 % interval {low} to {high})", " (95 % 구간 {low} ~ {high})")
_THRESHOLD: Final = Text(", against {threshold}", ", 기준 {threshold}")
_P_VALUE: Final = Text(", p = {p}", ", p = {p}")
_N: Final = Text(", n = {n}", ", n = {n}")
_ON: Final = Text("depends on {on}", "{on}에 따라 다름")


def kind_words(verdict: Verdict, lang: str) -> str:
    """``holds``, ``fails``, ``open``, or ``depends on …``."""
    if verdict.on is not None:
        return _ON.to(lang).format(on=verdict.on.to(lang))
    return KINDS[verdict.kind].to(lang)


def evidence(verdict: Verdict, lang: str) -> str:
    """The effect's size, its interval, the threshold, the p-value and the sample's size, in a line."""
    words = _EVIDENCE.to(lang).format(statistic=verdict.statistic.to(lang), value=number(verdict.value))
    if verdict.interval is not None:
        low, high = verdict.interval
        words += _INTERVAL.to(lang).format(low=number(low), high=number(high))
    words += _THRESHOLD.to(lang).format(threshold=number(verdict.threshold))
    if verdict.p_value is not None:
        words += _P_VALUE.to(lang).format(p=number(verdict.p_value, 2))
    if verdict.n is not None:
        words += _N.to(lang).format(n=f"{verdict.n:,}")
    return words
