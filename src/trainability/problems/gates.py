"""Logic gates and parity: a table of every input, to be learned whole."""

from __future__ import annotations

import functools

import numpy as np

from trainability.core.catalogue import Parameter
from trainability.problems.problem import Draw, Problem, Samples

_ALL = "the truth table is complete and free of noise: anything less than every row is wrong"


def _table(inputs: int) -> np.ndarray:
    """Every row of `inputs` bits in counting order, shape (2^inputs, inputs)."""
    return ((np.arange(2**inputs)[:, None] >> np.arange(inputs)[::-1]) & 1).astype(np.float64)


def _gate(answers: tuple[int, ...], draw: Draw) -> Samples:
    return Samples(_table(2), np.array(answers, dtype=np.int64), ("a", "b"), ("0", "1"))


def _parity(draw: Draw, n: float) -> Samples:
    x = _table(int(n))
    return Samples(x, (x.sum(axis=1) % 2).astype(np.int64), tuple(f"x{i + 1}" for i in range(int(n))), ("0", "1"))


def _or_rows(draw: Draw) -> Samples:
    x = draw.points.integers(0, 2, (draw.samples, 2)).astype(np.float64)
    wrong = draw.disturbance.uniform(size=draw.samples) < draw.noise
    return Samples(x, (x.any(axis=1) ^ wrong).astype(np.int64), ("a", "b"), ("0", "1"))


def _entry(name: str, summary: str, *answers: int, aliases: tuple[str, ...] = (), reference: str = "") -> Problem:
    return Problem(
        name=name,
        summary=summary,
        aliases=aliases,
        task="binary",
        target="accuracy>=1",
        target_reason=_ALL,
        make=functools.partial(_gate, answers),
        exhaustive=True,
        reference=reference,
    )


AND = _entry("and", "1 when both inputs are 1; linearly separable", 0, 0, 0, 1)
OR = _entry("or", "1 when an input is 1; linearly separable", 0, 1, 1, 1)
NAND = _entry("nand", "0 when both inputs are 1; linearly separable", 1, 1, 1, 0)
NOR = _entry("nor", "1 when both inputs are 0; linearly separable", 1, 0, 0, 0)
XOR = _entry(
    "xor",
    "1 when the inputs differ; needs a hidden layer",
    0,
    1,
    1,
    0,
    reference="Minsky and Papert, Perceptrons (1969)",
)
XNOR = _entry("xnor", "1 when the inputs agree; needs a hidden layer", 1, 0, 0, 1)
OR_ROWS = Problem(
    name="or_rows",
    summary="rows of the table of OR, drawn at random: three in four answer 1",
    task="binary",
    target="accuracy>=1",
    target_reason="rows repeat, so a network that has learned the table has every row right",
    make=_or_rows,
    samples=100,
    noise="each answer is wrong with this probability",
)
PARITY = Problem(
    name="parity",
    summary="1 when an odd number of the n inputs is 1: every input matters in every row",
    task="binary",
    parameters=(Parameter("n", 3, low=1, high=16, integer=True, doc="inputs; the table has 2^n rows"),),
    target="accuracy>=1",
    target_reason=_ALL,
    make=_parity,
    exhaustive=True,
    reference="Minsky and Papert, Perceptrons (1969)",
)
