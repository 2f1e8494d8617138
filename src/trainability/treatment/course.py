"""What following the diagnosis leads to: treat the roots, look again, treat what shows then."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from trainability.core.errors import SpecError
from trainability.core.operation import Operation
from trainability.diagnosis import RULES, Finding, diagnose
from trainability.diagnosis.reading import learns
from trainability.treatment.candidates import Operations, certain, upon
from trainability.treatment.trials import Trials

LOOKS: Final = 3
"""At most so many times."""
WORSE: Final = 0.1
FASTER: Final = Operation("rate", 10.0)
"""What is tried where a run does not learn and nothing shows why."""


def course(trials: Trials, findings: Sequence[Finding], seed: int, budget: float) -> Iterator[Operations]:
    """Sets of operations, each trained and watched on the seed, until a look finds no root that could be treated.

    Where a run does not learn and nothing shows why, it is made faster. What makes it clearly worse is the end.

    One set helps often only with the next: scaled inputs, which need a higher rate, may score lower than raw ones.

    Args:
        findings: of the untreated run.
        budget: of the trials' whole cost, in samples.
    """
    at = certain(findings)
    tried: set[Operations] = set()
    stuck, best = False, -math.inf
    for _ in range(LOOKS):
        at = upon(at, FASTER) if stuck and not _treatable(findings) else _treated(at, findings)
        if not at or at in tried or trials.cost + trials.expected(at, (seed,)) > budget:
            return
        tried.add(at)
        try:
            chart = trials.outcome(at, seed, watch=True).chart
            score = float(trials.scores(at, (seed,)).mean())
        except SpecError:  # it does not fit this recipe
            return
        yield at
        if chart is None or score < best - WORSE:
            return
        best = max(best, score)
        findings, stuck = diagnose(chart), not learns(chart)


def _treatable(findings: Sequence[Finding]) -> list[tuple[Operation, ...]]:
    """The treatments of every root that has some."""
    roots = (RULES[finding.code].treatments for finding in findings if finding.role == "root")
    return [treatments for treatments in roots if treatments]


def _treated(operations: Operations, findings: Sequence[Finding]) -> Operations:
    """The operations, and of each root the first treatment that is not among them; one of a kind."""
    kinds: set[str] = set()
    for treatments in _treatable(findings):
        more = ((upon(operations, operation), operation.kind) for operation in treatments)
        new, kind = next(((one, kind) for one, kind in more if one != operations), (operations, ""))
        if kind not in kinds:
            operations = new
            kinds.add(kind)
    return operations
