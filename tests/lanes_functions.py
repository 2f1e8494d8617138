"""The lanes kernel's elementary functions and activations as functions of arrays."""

from __future__ import annotations

import dataclasses

import numpy as np

from trainability.activations import choose
from trainability.core.catalogue import Choice
from trainability.core.expression import FUNCTIONS, REDUCTIONS
from trainability.engine.lanes.formulas import formula_of
from trainability.engine.lanes.library import load

NAMES = tuple(name for name, function in FUNCTIONS.items() if function.numpy and name not in REDUCTIONS)
"""The functions that a formula may call and that are not written with others."""

SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5]


def applied(choice: Choice, z: np.ndarray, kernel: str | None = None, written_out: bool = True):
    """(values, slopes) of an activation at z, by the kernel."""
    module = load(kernel)
    kind = module.Block32 if z.dtype == np.float32 else module.Block64
    padded = np.zeros(-(-len(z) // kind.lanes) * kind.lanes, z.dtype)
    padded[: len(z)] = z
    values = np.repeat(np.array(choice.values, z.dtype)[:, None], kind.lanes, axis=1)
    formula = module.Formula(*dataclasses.astuple(formula_of(choice.entry, hidden=False, written_out=written_out)))
    answer, slope = kind.apply(formula, padded.reshape(-1, kind.lanes), values.reshape(len(choice.values), kind.lanes))
    return answer.ravel()[: len(z)], slope.ravel()[: len(z)]


def called(name: str, z: np.ndarray, kernel: str | None = None) -> np.ndarray:
    """A function of the grammar at z, by the kernel."""
    return applied(choose(f"expr:{name}(x)"), z, kernel)[0]


def power(x: np.ndarray, y: np.ndarray, kernel: str | None = None) -> np.ndarray:
    """x to the power y by the kernel, for as many y as x."""
    module = load(kernel)
    kind = module.Block32 if x.dtype == np.float32 else module.Block64
    entry = choose("expr:x**1.5").entry
    program = formula_of(entry)  # its first constant, the exponent, becomes a parameter: each lane has its own
    program = dataclasses.replace(program, parameters=1, constants=program.constants[1:], slopes=(0,))
    columns = np.ones((2, -(-len(x) // kind.lanes) * kind.lanes), x.dtype)
    columns[:, : len(x)] = x, y
    found = [
        kind.apply(module.Formula(*dataclasses.astuple(program)), row[None], exponents[None])[0].ravel()
        for row, exponents in zip(*columns.reshape(2, -1, kind.lanes), strict=True)
    ]
    return np.concatenate(found)[: len(x)]


def points(dtype: type) -> np.ndarray:
    """Arguments of all sizes, many of them where functions bend, and next to multiples of a quarter turn."""
    rng = np.random.default_rng(3)
    info = np.finfo(dtype)
    sizes = 10.0 ** rng.uniform(np.log10(info.tiny) + 1, np.log10(info.max) - 1, 300)
    near = 10.0 ** rng.uniform(-6, 3, 900)
    turns = np.pi / 2 * np.r_[1:20, rng.integers(20, 25_000 if dtype == np.float32 else 800_000, 200)]
    return np.r_[sizes, near, turns, -near, -sizes, rng.uniform(-3, 3, 600)].astype(dtype)


def bits(kernel: str) -> dict[str, np.ndarray]:
    """All functions of the grammar and powers, in both types, by that kernel."""
    found = {}
    for dtype in (np.float32, np.float64):
        z = np.r_[points(dtype), np.array(SPECIAL, dtype)]
        found |= {f"{name} {dtype.__name__}": called(name, z, kernel) for name in NAMES}
        found[f"** {dtype.__name__}"] = power(z, z[::-1], kernel)
    return found
