"""Which sets of operations are worth a try: by the diagnosis, or at random."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from trainability.core.operation import KINDS, Operation, in_order
from trainability.diagnosis import RULES, Finding

Operations = tuple[Operation, ...]

GENERAL: Final = (
    Operation("rate", 10.0), Operation("rate", 0.1), Operation("optimizer", "adam"),
    Operation("scale_inputs", "standardize"), Operation("output", "fit"), Operation("normalize", "layer"),
    Operation("initialize", "critical"), Operation("epochs", 3.0), Operation("activation", "relu"),
    Operation("rate", 100.0), Operation("rate", 0.01),
)  # fmt: skip
"""What is tried where the diagnosis' own operations are through."""
CERTAIN: Final = 0.95
"""Confidence from which a finding is a mistake of the program itself."""
MOST_RANDOM: Final = 3
"""Operations of a random set."""


def certain(findings: Sequence[Finding]) -> Operations:
    """What mends the mistakes that are certain, such as a second softmax: it is a part of every set, and stays."""
    sure = [finding for finding in findings if finding.role == "root" and finding.evidence.confidence >= CERTAIN]
    return in_order(tuple(RULES[finding.code].treatments[0] for finding in sure if RULES[finding.code].treatments))


def of_diagnosis(findings: Sequence[Finding]) -> list[Operations]:
    """Sets to try, the likeliest first.

    Every finding's first operation together; then of each finding in turn its first alone, and its first two together;
    then every other operation; at last the general ones. What is `certain` is a part of all.
    """
    base = certain(findings)
    own = [RULES[finding.code].treatments for finding in findings if RULES[finding.code].treatments]
    sets = [_joined(base, *(treatments[0] for treatments in own)), base]
    for treatments in own:
        different = _joined((), *treatments)
        sets += [_joined(base, *different[:size]) for size in (1, 2)]
    for rank in range(1, max((len(treatments) for treatments in own), default=0)):
        sets += [_joined(base, treatments[rank]) for treatments in own if rank < len(treatments)]
    sets += [_joined(base, operation) for operation in GENERAL]
    return [one for one in dict.fromkeys(map(in_order, sets)) if one]


def _joined(base: Operations, *more: Operation) -> Operations:
    """The operations together; of several of a kind the first."""
    joined = list(base)
    for operation in more:
        if all(operation.kind != kept.kind for kept in joined):
            joined.append(operation)
    return tuple(joined)


def at_random(seed: int) -> Iterator[Operations]:
    """Random sets of one to three operations of different kinds, for ever."""
    draw = np.random.default_rng(seed)
    while True:
        kinds = draw.choice(list(KINDS), size=draw.integers(1, MOST_RANDOM + 1), replace=False)
        yield in_order(tuple(Operation(str(kind), _value(draw, str(kind))) for kind in kinds))


def _value(draw: np.random.Generator, kind: str) -> float | str:
    values = KINDS[kind].values
    return values[int(draw.integers(len(values)))]
