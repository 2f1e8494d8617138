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
_P_VALUE: Final = Text(", p {p}", ", p {p}")
_SMALLEST: Final = 1e-300
"""Below this a p-value is not said: float64 soon ends, and 0 is none."""
_N: Final = Text(", n = {n}", ", n = {n}")
_ON: Final = Text("depends on {on}", "{on}에 따라 다름")


def kind_words(verdict: Verdict, lang: str) -> str:
    """``holds``, ``fails``, ``open``, or ``depends on …``."""
    if verdict.on is not None:
        return _ON.to(lang).format(on=verdict.on.to(lang))
    return KINDS[verdict.kind].to(lang)


def evidence(verdict: Verdict, lang: str) -> str:
    """The effect's size, its interval, the threshold, the p-value and the sample's size, in a line."""
    words = _EVIDENCE.to(lang).format(statistic=verdict.statistic.to(lang), value=_signed(verdict.value))
    if verdict.interval is not None:
        low, high = verdict.interval
        words += _INTERVAL.to(lang).format(low=_signed(low), high=_signed(high))
    words += _THRESHOLD.to(lang).format(threshold=_signed(verdict.threshold))
    if verdict.p_value is not None:
        p = verdict.p_value
        said = f"< {_SMALLEST:g}" if p < _SMALLEST else f"= {number(p, 2)}"
        words += _P_VALUE.to(lang).format(p=said)
    if verdict.n is not None:
        words += _N.to(lang).format(n=f"{verdict.n:,}")
    return words


def _signed(value: float | None) -> str:
    """`number`, with the sign that the texts have for a minus."""
    said = number(value)
    return f"−{said[1:]}" if said.startswith("-") else said
