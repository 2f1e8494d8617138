"""Every activation at its defaults, at other values, and some formulas; and where to evaluate them."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest

from trainability.activations import (
    ACTIVATIONS,
    Activation,
    Peer,
    choose,
    default_choice,
    is_elementwise,
    kinks,
    pieces_of,
)
from trainability.core.catalogue import Choice

UNITS = 5
FORMULAS = [
    "expr:x*hardtanh(x)",
    "expr:silu(x) + 0.1*x",
    "expr:where(x > 0, log1p(x), elu(x, 0.5))",
    "expr:x1*tanh(x2)",
    "expr:exp(x - units_max(x))",
]


def moved(choice: Choice[Activation]) -> Choice[Activation]:
    """The same entry with other values."""
    values = (p.check(p.default + 1.0 if p.integer else p.default * 1.25 + 0.125, "") for p in choice.entry.parameters)
    return Choice(choice.entry, tuple(values))


CHOICES = [
    choice for entry in ACTIVATIONS for choice in dict.fromkeys([default_choice(entry), moved(default_choice(entry))])
]
CHOICES += [choose(text) for text in FORMULAS]
ELEMENTWISE = [choice for choice in CHOICES if is_elementwise(choice.entry)]


def ids(choices: list[Choice[Activation]]) -> list[str]:
    return [choice.text for choice in choices]


every_choice = pytest.mark.parametrize("choice", CHOICES, ids=ids(CHOICES))
every_elementwise = pytest.mark.parametrize("choice", ELEMENTWISE, ids=ids(ELEMENTWISE))
every_entry = pytest.mark.parametrize("entry", ACTIVATIONS, ids=lambda entry: entry.name)


def points(choice: Choice[Activation], far: bool = True) -> np.ndarray:
    """Pre-activations (rows, pieces * units): common ones, large ones, and both sides of each kink."""
    beside = [kink + step for kink in kinks(choice) for step in (-1e-3, 1e-3)]
    near = np.r_[np.linspace(-8.03, 8.01, 397), beside]
    x = np.r_[near, [-1e3, -50.0, 50.0, 700.0, 1e3]] if far else near
    width = UNITS * pieces_of(choice)
    if is_elementwise(choice.entry):
        return np.resize(x, (math.ceil(len(x) / width), width))
    return np.random.default_rng(0).permuted(np.resize(x, (60, width)), axis=None).reshape(60, width)


def resolved(peer: Peer):
    module, _, name = peer.path.rpartition(".")
    return getattr(importlib.import_module(module), name)
