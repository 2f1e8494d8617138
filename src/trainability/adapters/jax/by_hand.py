"""Losses that are written by hand: what they compare."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from trainability.adapters.jax.names import RESHAPING
from trainability.adapters.jax.trace import Operation, Program
from trainability.core.chart import LossKind

_SQUARES: Final = ("square", "integer_pow", "mul")
_GUARDS: Final = ("add", "sub", "max", "min", "max0", "clamp", "clip", "convert_element_type")
"""What keeps a logarithm from 0, or makes 1 − p of p."""
_MEETING: Final = ("mul", "gather", "dot_general", "select_n")


@dataclass(frozen=True, eq=False)
class ByHand:
    """Name and kind as in `core.chart.LossFacts`; numbers of what is compared; the operation that does it."""

    name: str
    kind: LossKind
    output: int
    target: int
    operation: Operation


def by_hand(made: Program, trained: set[int], given: set[int]) -> ByHand | None:
    """The last logarithm of a probability that meets data, or the last difference of what is trained and given.

    Without either, the scores at the labels, if nothing more is done to them than a loss does to logarithms.
    """
    for place, operation in reversed(list(enumerate(made.operations))):
        if operation.name in ("log", "log_softmax") and operation.inputs[0] in trained:
            target = _met(made, place, given)
            if target is not None:
                return _logarithmic(operation, target, made, trained)
        found = _difference(operation, place, made, trained, given)
        if found is not None:
            return found
    return _picked(made, trained, given)


def _picked(made: Program, trained: set[int], given: set[int]) -> ByHand | None:
    """Minus the answers that stand at labels, as of logarithms of probabilities, whatever they really are."""
    for place, operation in reversed(list(enumerate(made.operations))):
        equation = operation.single
        if equation is None or equation.primitive.name != "gather" or len(operation.inputs) < 2:
            continue
        scores, labels = operation.inputs[:2]
        if scores not in trained or scores in made.parameters.values() or labels not in given:
            continue
        target = _source(labels, made)
        after = made.reached([operation.output])
        later = [one for one in made.operations[place + 1 :] if not after.isdisjoint(one.inputs)]
        signs = [one for one in later if one.name == "neg"]
        whole = made.dtypes[target] is not None and np.issubdtype(made.dtypes[target], np.integer)
        if whole and len(signs) == 1 and all(_only_scales(one, made) for one in later):
            return ByHand("nll", "classes", scores, target, signs[0])
    return None


def _only_scales(operation: Operation, made: Program) -> bool:
    """Whether it sums, moves, turns the sign, or leaves out what lies outside, as a gather does with NaN."""
    if operation.name in ("mul", "div"):
        return all(n in made.literals for n in operation.inputs[1:])
    return operation.name in ("neg", "reduce_sum", "select_n", *RESHAPING)


def _logarithmic(operation: Operation, target: int, made: Program, trained: set[int]) -> ByHand:
    if operation.name == "log_softmax":
        return ByHand("cross_entropy", "classes", operation.inputs[0], target, operation)
    probability, _ = _inside(operation, made, trained)
    others = [_inside(one, made, trained) for one in made.operations if one.name == "log"]
    if (probability, True) in others:
        return ByHand("bce", "binary", probability, target, operation)
    return ByHand("probabilities_cross_entropy", "classes", probability, target, operation)


def _inside(logarithm: Operation, made: Program, trained: Collection[int]) -> tuple[int, bool]:
    """p of ``log(p + 1e-7)``, and of ``log(1 - p)``; whether it was the latter."""
    producers = {operation.output: operation for operation in made.operations}
    inside, turned = logarithm.inputs[0], False
    while (operation := producers.get(inside)) is not None and operation.name in _GUARDS:
        carried = [n for n in operation.inputs if n in trained]
        if len(carried) != 1 or any(made.shapes[n] for n in operation.inputs if n != carried[0]):
            break
        turned ^= operation.name == "sub" and operation.inputs[-1] == carried[0]
        inside = carried[0]
    return inside, turned


def _met(made: Program, place: int, given: set[int]) -> int | None:
    """The data that logarithms are multiplied with or picked by, as handed in; nothing else may weigh them."""
    logarithm = made.operations[place]
    carried, found = {logarithm.output}, None
    for operation in made.operations[place + 1 :]:
        if carried.isdisjoint(operation.inputs):
            continue
        carried.add(operation.output)
        met = [n for n in operation.inputs if n in given]
        if not met:
            continue
        source = _source(met[0], made)
        if found is None and logarithm.name == "log" and operation.name not in _MEETING:
            return None
        if found not in (None, source):
            return None
        found = source
    return found


def _source(number: int, made: Program) -> int:
    """The array that was handed in."""
    sources = [n for n in made.data if made.shapes[n] and number in made.reached([n])]
    sources = [n for n in sources if made.dtypes[n] != np.dtype(bool)] or sources  # not what NumPy asks of labels
    return sources[-1] if sources else number


def _difference(operation: Operation, place: int, made: Program, trained: set[int], given: set[int]) -> ByHand | None:
    equation = operation.single
    if equation is None or equation.primitive.name != "sub":
        return None
    a, b = (_written(n, made) for n in equation.inputs)
    if (a in trained) == (b in trained):
        return None
    output, target = (a, b) if a in trained else (b, a)
    if target not in given or not made.shapes[target]:
        return None
    after = next((op for op in made.operations[place + 1 :] if operation.output in op.inputs), None)
    name = "mae" if after and after.name == "abs" else "custom"
    if after and after.name in _SQUARES and set(after.inputs) == {operation.output}:
        name = "mse" if after.name != "integer_pow" or after.equations[0].params["y"] == 2 else "custom"
    return ByHand(name, "regression", output, target, operation)


def _written(number: int, made: Program) -> int:
    """What was written in a program where unlike shapes were stretched against each other."""
    producers = {n: equation for equation in made.equations for n in equation.outputs}
    while number in producers and producers[number].implicit:
        number = producers[number].inputs[0]
    return number
