"""Where the loss is in a traced program, and what it got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from trainability.adapters.jax.by_hand import ByHand, by_hand
from trainability.adapters.jax.names import ACTIVATIONS, LOSSES, OF_SCORES, PASSING, RESHAPING, SCORED
from trainability.adapters.jax.trace import Operation, Program
from trainability.adapters.loss import LossSeen
from trainability.core.chart import LossKind


@dataclass
class TracedLoss:
    """The loss of a program; the fields are those of `core.chart.LossFacts`, output and target their numbers.

    Attributes:
        operation: what it is made by; None where it is not known.
        root: of a loss of logarithms that is written by hand, the number of what is minimised.
        alone: whether no other loss of a library's is added to it.
        by_hand: whether it is no library's.
        across_batch: whether its softmax runs over the samples of a batch.
        scaled: of a library's loss that is only reduced and multiplied by numbers, the number of what is minimised.
    """

    name: str = "custom"
    kind: LossKind = "unknown"
    reduction: str = "mean"
    last: str | None = None
    decreasing: bool = True
    output: int | None = None
    target: int | None = None
    operation: Operation | None = None
    root: int | None = None
    alone: bool = True
    scaled: int | None = None
    across_batch: bool = False
    by_hand: bool = False

    def factor(self, values: Mapping[int, Any]) -> float:
        """What the loss is multiplied with before it is minimised: 1 where that is not known."""
        if self.scaled is None or self.operation is None:
            return 1.0
        parts = np.asarray(values[self.operation.output]).astype(float)
        reduced, root = float(parts.sum() if self.reduction == "sum" else parts.mean()), float(values[self.scaled])
        known = np.isfinite(root) and np.isfinite(reduced) and reduced != 0
        return abs(root / reduced) if known else 1.0

    def note(self, seen: LossSeen, values: Mapping[int, Any]) -> np.ndarray | None:
        """Take in what it got at a moment; answers the targets."""
        seen.name, seen.kind, seen.reduction = self.name, self.kind, self.reduction
        # Logarithms of probabilities are at most 0, however their sign is written.
        seen.decreasing = self.decreasing if self.root is None else not float(values[self.root]) < 0
        if self.output is None:
            return None
        seen.across_batch |= self.across_batch
        seen.by_hand = self.by_hand
        seen.last, seen.alone, seen.factor = self.last, self.alone, self.factor(values)
        target = None if self.target is None else np.asarray(values[self.target])
        labels = target is not None and np.issubdtype(target.dtype, np.integer) and self.kind != "binary"
        wanted = None if target is None else target.astype(float)
        seen.add(np.asarray(values[self.output]).astype(float), wanted, labels)
        return wanted


def traced_loss(made: Program, first: bool = False) -> TracedLoss:
    """The loss at the end of a program: a library's, else one that is written by hand as many are.

    Args:
        first: whether it is the first of several that are added up.
    """
    operations = made.operations
    trained = made.reached(made.parameters.values())
    given = made.reached(made.data) - trained
    named = next((op for op in (operations if first else reversed(operations)) if op.name in LOSSES), None)
    found = _named(named, made, trained, given) if named else _written(by_hand(made, trained, given), made)
    found.reduction = _reduction(made, found)
    if found.operation is not None and found.name != "custom" and found.root is None:
        found.decreasing = _turned(made, found) % 2 == 0
    if found.output is not None:
        last = last_activation(found.output, made)
        found.last = ACTIVATIONS[last.name] if last else None
        last = last or found.operation  # of a loss that is written by hand, log_softmax itself
        found.across_batch = last is not None and found.kind == "classes" and _across_batch(last, made)
    return found


def _written(found: ByHand | None, made: Program) -> TracedLoss:
    if found is None:
        return TracedLoss()
    logarithms = found.kind != "regression" and found.name != "nll"
    return TracedLoss(**vars(found), root=made.root if logarithms else None, by_hand=True)


def _named(loss: Operation, made: Program, trained: set[int], given: set[int]) -> TracedLoss:
    name, kind = LOSSES[loss.name]
    scored = any(f in SCORED for e in loss.equations for f, _ in e.functions[1:])
    if loss.name in OF_SCORES and (scored or any(e.primitive.name == "log1p" for e in loss.equations)):
        name = OF_SCORES[loss.name]
    outputs = [n for n in loss.inputs if n in trained]
    targets = [n for n in loss.inputs if n in given] or outputs[1:]
    found = TracedLoss(
        name, kind, output=outputs[0] if outputs else None, target=targets[0] if targets else None, operation=loss
    )
    found.alone = sum(operation.name in LOSSES for operation in made.operations) <= 1
    found.scaled = made.root if found.alone and all(_multiplies(one, made) for one in _after(made, found)) else None
    return found


def _multiplies(operation: Operation, made: Program) -> bool:
    """Whether all that it does is to sum, to move, or to multiply with a single number."""
    if operation.name in ("mul", "div"):
        return any(not made.shapes[n] for n in operation.inputs)
    return operation.name in ("neg", "reduce_sum", *RESHAPING)


def _after(made: Program, loss: TracedLoss) -> list[Operation]:
    """What is done to the loss on its way to what is minimised."""
    if loss.operation is None:
        return made.operations[-4:]
    reached = made.reached([loss.operation.output])
    start = made.operations.index(loss.operation) + 1
    return [op for op in made.operations[start:] if not reached.isdisjoint(op.inputs)]


_RISING: Final = RESHAPING | {
    "add", "add_any", "sub", "mul", "div", "neg", "reduce_sum", "integer_pow", "square", "abs", "sqrt", "select_n",
    "gather", "max", "max0", "dot_general",
}  # fmt: skip
"""What rises with what it gets, but for its sign."""


def _reduction(made: Program, loss: TracedLoss) -> str:
    after = _after(made, loss)
    summed = any(operation.name == "reduce_sum" for operation in after)
    return "sum" if summed and not any(_scaled(operation, made) for operation in after) else "mean"


def _scaled(operation: Operation, made: Program) -> bool:
    """Whether something is divided by how many there are, or multiplied by a number under 1."""
    known = [float(made.values[n]) for n in operation.inputs if n in made.literals and not made.shapes[n]]
    if operation.name == "div":
        return not known or abs(known[-1]) > 1
    return operation.name == "mul" and any(abs(number) < 1 for number in known)


def _turned(made: Program, loss: TracedLoss) -> int:
    """How often the sign was turned after the loss; 0 where more is done to it than to add up, scale and square."""
    turned = 0
    reached = made.reached([loss.operation.output]) if loss.operation else set()
    for operation in _after(made, loss):
        inverse = operation.name == "div" and operation.inputs[-1] in reached
        if operation.name not in _RISING or inverse:
            return 0
        numbers = [made.values[n] for n in operation.inputs if n in made.literals and not made.shapes[n]]
        subtracted = operation.name == "sub" and operation.inputs[0] not in reached
        negative = operation.name in ("mul", "div") and any(float(v) < 0 for v in numbers)
        turned += operation.name == "neg" or subtracted or negative
    return turned


def _across_batch(softmax: Operation, made: Program) -> bool:
    """Whether the probabilities of one sample depend on the others in the batch: they add up to 1 along it."""
    if softmax.name not in ("softmax", "log_softmax") or len(made.shapes[softmax.output]) < 2:
        return False
    sums = [e for e in softmax.equations if e.primitive.name == "reduce_sum"]
    return bool(sums) and tuple(sums[0].params["axes"]) == (0,)


def last_activation(output: int, made: Program) -> Operation | None:
    """The activation that made the loss's input, through what only reshapes."""
    producers = {operation.output: operation for operation in made.operations}
    while output in producers:
        operation = producers[output]
        if operation.name in ACTIVATIONS:
            return operation
        if operation.name not in PASSING - {"add", "add_any"} and operation.name not in RESHAPING:
            return None
        output = operation.inputs[0]
    return None
