"""What a rule is, and what it answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from trainability.core.catalogue import Catalogue, Entry
from trainability.core.chart import Chart
from trainability.core.operation import Operation

Role: TypeAlias = Literal["root", "symptom"]


@dataclass(frozen=True)
class Evidence:
    """What a rule has found, before anything is said of its role.

    Attributes:
        figures: name to number or words: what was measured, and the threshold that it was held against.
        layer, step: where, if it is at one place.
        confidence: 0 to 1; 1 for what is certain from the program itself.
        despite: codes of findings that do not explain this one here.
        weak: whether it is only worth saying where nothing surer is found; it explains nothing.
    """

    figures: Mapping[str, float | str]
    confidence: float
    layer: str | None = None
    step: int | None = None
    weak: bool = False
    despite: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A diagnosis.

    Attributes:
        code: the rule's name, such as ``dying-relu``.
        role: ``root``, or ``symptom`` of the finding named in `of`.
        advice: a paragraph: what it means and what to change.
    """

    code: str
    role: Role
    evidence: Evidence
    advice: str
    of: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data; a number that is not finite is None."""
        figures = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in self.evidence.figures.items()
        }
        return {
            "code": self.code,
            "role": self.role,
            "layer": self.evidence.layer,
            "step": self.evidence.step,
            "confidence": self.evidence.confidence,
            "evidence": figures,
            "advice": self.advice,
            "of": self.of,
        }


@dataclass(frozen=True, kw_only=True)
class Rule(Entry):
    """A rule: its `name` is the finding's code, its `summary` what is wrong, its `reference` the thresholds' source.

    Attributes:
        check: reads a chart; None where nothing is wrong.
        advice: a paragraph: what it means and what to change.
        explains: codes that are symptoms of this one where both are found.
        treatments: operations on a recipe that may cure it, the likeliest first; none where only advice helps.
        sick, healthy: builders of a chart on which it fires, and of one that looks alike on which it does not.
    """

    check: Callable[[Chart], Evidence | None]
    advice: str
    explains: tuple[str, ...] = ()
    treatments: tuple[Operation, ...] = ()
    sick: Callable[[], Chart] = field(repr=False)
    healthy: Callable[[], Chart] = field(repr=False)


RULES: Catalogue[Rule] = Catalogue("rule", "trainability.diagnosis.rules", Rule)
