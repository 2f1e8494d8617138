"""Which combinations the twins are compared on: tables of rows in which every wanted pair of names occurs."""

from __future__ import annotations

import functools
import itertools
from typing import Any

from tests.pairwise import Factors, Row, cover
from trainability.activations import ACTIVATIONS, default_choice, kinks
from trainability.core.catalogue import Catalogue, Choice, Entry
from trainability.losses import LOSSES
from trainability.normalization import NORMALIZATIONS
from trainability.optimizers import OPTIMIZERS

LEFT_OUT = {
    # Its outputs do not sum to 1 in Keras 3.15: the threshold is taken from a sum of cumulative sums.
    ("keras", "sparsemax"),
}
MORE = {
    # Keras has it as a layer, not as a function that the catalogue could name.
    ("keras", "prelu"),
}
TEXTS = {
    # In training its slopes are drawn; with equal bounds there is nothing to draw.
    "rrelu": ("rrelu:0.2:0.2", "rrelu:0.3:0.3"),
}
MOVED_EPS = ("adagrad", "adam", "adamw", "adamax", "radam", "rmsprop")
"""The libraries add epsilon to these denominators in different places. It is made so small that it does not matter;
not quite as small with batch normalisation, where a gradient that is rounding noise must stay small against it."""

FACTORS = ("activation", "optimizer", "loss", "norm", "task", "batch", "hidden", "alone")
MOST = [
    *((name, "alone") for name in ("activation", "optimizer", "loss")),
    *(pair for pair in itertools.combinations(FACTORS[1:-1], 2) if pair != ("optimizer", "loss")),
]
"""The pairs of factors of the daily tests: each row is a program to be compiled. The soak's tables have every pair,
also those of activations, optimisers and losses, of which there are many."""


def named(catalogue: Catalogue[Any], library: str) -> tuple[str, ...]:
    """The entries that a library has too."""
    return tuple(
        entry.name
        for entry in catalogue
        if (getattr(entry, library) or (library, entry.name) in MORE) and (library, entry.name) not in LEFT_OUT
    )


def factors(*libraries: str) -> Factors:
    """Every factor's values that all the libraries have."""
    found: dict[str, tuple[Any, ...]] = {
        name: tuple(v for v in named(catalogue, libraries[0]) if all(v in named(catalogue, o) for o in libraries))
        for name, catalogue in (("activation", ACTIVATIONS), ("optimizer", OPTIMIZERS), ("loss", LOSSES))
    }
    norms = [n for n in named(NORMALIZATIONS, libraries[0]) if all(n in named(NORMALIZATIONS, o) for o in libraries)]
    return {
        **found,
        "norm": ("none", *norms),
        "task": ("binary", "classes", "regression"),
        "batch": ("full", 9),  # 9 leaves 3 of the 21 samples out in every epoch
        "hidden": ("5", "5-4"),
        "alone": (True,),  # so that a pair may ask for one factor's every value
    }


def allowed(row: Row) -> bool:
    """Whether a row, complete or not, can be compared: its loss must be defined for its task."""
    if row.get("optimizer") == "lion" and _may_cancel(row):
        return False
    if "loss" not in row or "task" not in row:
        return True
    # The hinges are the libraries' for a single output only: Keras' CategoricalHinge counts a score of 0 among those of
    # the wrong answers, and PyTorch's MultiMarginLoss sums over them.
    single = row["loss"] in ("hinge", "squared_hinge")
    return row["task"] in LOSSES[row["loss"]].tasks and (row["task"] == "binary" or not single)


def _may_cancel(row: Row) -> bool:
    """Whether a gradient may be zero but for rounding: Lion takes the sign of that, and two libraries part."""
    if "activation" not in row:
        return False
    choice = default_choice(ACTIVATIONS[row["activation"]])
    # The pulls of these losses are all of one size; through straight lines they add up, sometimes to nothing.
    straight = choice.text == "identity" or bool(kinks(choice))
    if straight and row.get("loss") in ("hinge", "mae"):
        return True
    # In a linear network a shift before the next batch normalisation changes nothing.
    return {"activation": "identity", "norm": "batch", "hidden": "5-4"}.items() <= row.items()


@functools.cache
def rows(library: str, *, every_pair: bool = False) -> list[Row]:
    """The rows for a library. Both libraries start with the same ones, which our engine then runs only once."""
    together = list(itertools.combinations(FACTORS, 2)) if every_pair else MOST
    common = cover(factors("torch", "keras"), together, allowed)
    return cover(factors(library), together, allowed, common)


def settings(row: Row) -> dict[str, Any]:
    """A row as settings of a spec, with two levels, the default and another one, for what has parameters."""
    return {
        **{name: value for name, value in row.items() if name != "alone"},
        "activation": TEXTS.get(row["activation"]) or _levels(ACTIVATIONS[row["activation"]]),
        "optimizer": _optimizers(row["optimizer"], 1e-10 if row["norm"] == "batch" else 1e-12),
        "loss": _levels(LOSSES[row["loss"]]),
    }


def speaks(library: str, entry_choice: Choice[Any]) -> bool:
    """Whether the library can be told the values of an activation's parameters."""
    entry = entry_choice.entry
    peer = getattr(entry, library)
    whole = bool(entry.learned) or len(peer.arguments) == len(entry.parameters)
    return whole or entry_choice == default_choice(entry)


def _levels(entry: Entry) -> tuple[str, ...]:
    moved = tuple(p.check(p.default * 1.25 + 0.125, entry.name) for p in entry.parameters)
    return tuple(dict.fromkeys((entry.name, Choice(entry, moved).text)))


def _optimizers(name: str, eps: float) -> tuple[str, ...]:
    entry = OPTIMIZERS[name]
    first = tuple(eps if p.name == "eps" and name in MOVED_EPS else p.default for p in entry.parameters)
    moved = tuple(v if p.name == "eps" else 0.9 * v for p, v in zip(entry.parameters, first, strict=True))
    return tuple(dict.fromkeys(Choice(entry, values).text for values in (first, moved)))


def title(row: Row) -> str:
    """A row as the name of a test."""
    return "-".join(str(value) for name, value in row.items() if name != "alone")
