"""Which sets of operations are worth a try: by the diagnosis, or at random."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from trainability.core.chart import Chart, TensorFacts
from trainability.core.operation import KINDS, Operation, in_order
from trainability.diagnosis import RULES, Finding, diagnose

Operations = tuple[Operation, ...]

GENERAL: Final = (
    Operation("rate", 10.0), Operation("rate", 0.1), Operation("optimizer", "adam"),
    Operation("scale_inputs", "standardize"), Operation("output", "fit"), Operation("normalize", "layer"),
    Operation("initialize", "critical"), Operation("epochs", 3.0), Operation("activation", "relu"),
    Operation("rate", 100.0), Operation("rate", 0.01),
)  # fmt: skip
"""What is tried where the diagnosis' own operations are through."""
FINISHING: Final = (
    Operation("clip", 1.0), Operation("schedule", "cosine"), Operation("normalize", "layer"),
    Operation("initialize", "critical"), Operation("rate", 3.0), Operation("schedule", "warmup"),
    Operation("rate", 0.3),
)  # fmt: skip
"""What may make a run that learns better still, what does hardly ever harm first."""
CERTAIN: Final = 0.95
"""Confidence from which a finding is a mistake of the program itself."""
MULTIPLIED: Final = ("rate", "batch", "epochs")
"""Kinds of which one after the other is their product."""
NEAR: Final = 0.5
MOST_RANDOM: Final = 3
"""Operations of a random set."""


def certain(findings: Sequence[Finding]) -> Operations:
    """What mends the mistakes that are certain, such as a second softmax: it is a part of every set, and stays."""
    sure = [finding for finding in findings if finding.role == "root" and finding.evidence.confidence >= CERTAIN]
    return in_order(tuple(RULES[finding.code].treatments[0] for finding in sure if RULES[finding.code].treatments))


def of_diagnosis(findings: Sequence[Finding]) -> list[Operations]:
    """Sets to try, the likeliest first.

    Every finding's first operation together; then, of each finding in turn, its first with those of the findings before
    it, its first alone, and its first two together; then every other operation; at last the general ones. What is
    `certain` is a part of all.
    """
    base = certain(findings)
    own = [RULES[finding.code].treatments for finding in findings if RULES[finding.code].treatments]
    firsts = [treatments[0] for treatments in own]
    sets = [_joined(base, *firsts), base]
    for place, treatments in enumerate(own, start=1):
        sets += [_joined(base, *firsts[:place])]
        different = _joined((), *treatments)
        sets += [_joined(base, *different[:size]) for size in (1, 2)]
    for rank in range(1, max((len(treatments) for treatments in own), default=0)):
        sets += [_joined(base, treatments[rank]) for treatments in own if rank < len(treatments)]
    sets += [_joined(base, operation) for operation in GENERAL]
    sets.sort(key=lambda one: math.prod(float(o.value) for o in one if o.kind == "epochs"))
    return [one for one in dict.fromkeys(map(in_order, sets)) if one]


def further(operations: Operations, seen: Chart | None, before: Sequence[Finding]) -> list[Operations]:
    """What to try beyond a treatment, or in the place of a part of it, the likeliest first.

    First what a look at the treated run advises, then what may make a run that learns better still, then what the
    untreated one needed. A rate, a batch and a number of epochs are multiplied once more; of other kinds what is there
    gives way.

    Args:
        seen: of the treated run, where it was watched.
        before: the findings of the untreated run.
    """
    after = () if seen is None else (*_by_rank(diagnose(seen)), *_fitting(seen))
    more = (*after, *FINISHING, *_by_rank(before))
    return [one for one in dict.fromkeys(upon(operations, operation) for operation in more) if one != operations]


def _fitting(seen: Chart) -> Operations:
    """What would bring targets, loss and inputs nearer to what networks like, though nothing is wrong with them."""
    found = []
    loss = seen.loss
    if loss is not None and loss.kind == "regression" and loss.target is not None:
        labels = loss.target.whole and loss.target.distinct == 2
        found += [Operation("output", "fit")] if labels else []
        found += [Operation("scale_targets", "standardize")] if not labels and _aside(loss.target) else []
    if seen.inputs is not None and not seen.inputs.whole and _aside(seen.inputs):
        found.append(Operation("scale_inputs", "standardize"))
    return tuple(found)


def _aside(facts: TensorFacts) -> bool:
    """Whether numbers are not about of mean 0 and deviation 1."""
    return not (abs(facts.mean) <= NEAR and NEAR <= facts.std <= 1 / NEAR)


def _by_rank(findings: Sequence[Finding]) -> Operations:
    """Every finding's first operation, then every second, and so on."""
    own = itertools.zip_longest(*(RULES[finding.code].treatments for finding in findings))
    return tuple(operation for rank in own for operation in rank if operation is not None)


def upon(operations: Operations, operation: Operation) -> Operations:
    """The operations, and one more done to what they give."""
    value = operation.value
    for kept in operations:
        if kept.kind == operation.kind and kept.kind in MULTIPLIED:
            value = float(kept.value) * float(value)
    rest = tuple(kept for kept in operations if kept.kind != operation.kind)
    nothing = operation.kind in MULTIPLIED and math.isclose(float(value), 1.0)
    return in_order(rest if nothing else (*rest, Operation(operation.kind, value)))


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
