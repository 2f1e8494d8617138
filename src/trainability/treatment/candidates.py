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
MOST_RANDOM: Final = 3
"""Operations of a random set."""


def of_diagnosis(findings: Sequence[Finding]) -> list[Operations]:
    """Sets to try, the likeliest first: every finding's first operation together, each alone, then the general ones."""
    own = [RULES[finding.code].treatments for finding in findings if RULES[finding.code].treatments]
    together: Operations = ()
    sets: list[Operations] = []
    for treatments in own:
        if all(o.kind != treatments[0].kind for o in together):
            together = (*together, treatments[0])
    if together:
        sets.append(in_order(together))
    longest = max((len(treatments) for treatments in own), default=0)
    for rank in range(longest):  # every finding's first, then every finding's second
        sets += [(treatments[rank],) for treatments in own if rank < len(treatments)]
    sets += [(operation,) for operation in GENERAL]
    return list(dict.fromkeys(sets))


def at_random(seed: int) -> Iterator[Operations]:
    """Random sets of one to three operations of different kinds, for ever."""
    draw = np.random.default_rng(seed)
    while True:
        kinds = draw.choice(list(KINDS), size=draw.integers(1, MOST_RANDOM + 1), replace=False)
        yield in_order(tuple(Operation(str(kind), _value(draw, str(kind))) for kind in kinds))


def _value(draw: np.random.Generator, kind: str) -> float | str:
    values = KINDS[kind].values
    return values[int(draw.integers(len(values)))]
