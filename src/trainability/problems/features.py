"""What is made of the inputs before a network sees them: powers, products, sines.

Names of made features are those of a polynomial: ``a^2``, ``a b``, ``sin(a)``.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from trainability.core.catalogue import Catalogue, Entry, Parameter
from trainability.core.errors import DataError, SpecError
from trainability.problems.problem import check_size

MAX_FEATURES: Final = 100_000


@dataclass(frozen=True, kw_only=True)
class Feature(Entry):
    """One way to make features of the inputs.

    Attributes:
        count: (inputs, one value per parameter) to the number of features made.
        make: (x of shape (samples, inputs), names, one value per parameter) to (features, names).
        plane: made of the two inputs x and y of a problem in the plane only.
    """

    count: Callable[..., int]
    make: Callable[..., tuple[np.ndarray, tuple[str, ...]]]
    plane: bool = False


FEATURES: Catalogue[Feature] = Catalogue("feature", "trainability.problems", Feature)


def apply_features(
    x: np.ndarray, names: tuple[str, ...], chosen: tuple[str, ...]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The `chosen` features side by side, and their names; a feature that two choices make is kept once.

    Raises UnknownName, SpecError for more than 100,000 features or for one that needs two inputs, and
    DataError for a table above 1 GB or values too large for their powers.
    """
    if not chosen:
        raise SpecError("no features chosen; use 'raw' for the inputs as they are")
    if tuple(chosen) == ("raw",):
        return x, names
    picks = [FEATURES.choose(text) for text in chosen]
    total = 0
    for pick in picks:
        if pick.entry.plane and len(names) != 2:
            raise SpecError(
                f"feature '{pick.text}' is made of two inputs, but this problem has {len(names)}; "
                "use 'squares', 'product' or 'sin' for any number of inputs"
            )
        total += pick.entry.count(len(names), *pick.values)
        if total > MAX_FEATURES:
            raise SpecError(
                f"feature '{pick.text}' of {len(names):,} inputs brings the number of features to {total:,}, "
                f"more than the {MAX_FEATURES:,} allowed; use a lower degree or fewer inputs"
            )
    if total == 0:
        raise SpecError(f"'{picks[0].text}' of {len(names)} input makes no features; add 'raw'")
    check_size(len(x), total, f"features {', '.join(chosen)}")
    made: dict[str, np.ndarray] = {}
    for pick in picks:
        with np.errstate(over="ignore", invalid="ignore"):
            columns, new = pick.entry.make(x, names, *pick.values)
        for column, name in zip(columns.T, new, strict=True):
            if not np.isfinite(column).all():
                raise DataError(f"feature '{name}' is too large for a number; standardise or rescale the data first")
            made.setdefault(name, column)
    return np.stack(list(made.values()), axis=1), tuple(made)


def _powers(x: np.ndarray, names: tuple[str, ...], terms: list[tuple[int, ...]]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The product of the inputs whose numbers a term lists (sorted, repeats are powers), for each term."""
    columns = np.empty((len(x), len(terms)))
    made = []
    for place, term in enumerate(terms):
        columns[:, place] = x[:, list(term)].prod(axis=1)
        counted = ((names[i], len(list(same))) for i, same in itertools.groupby(term))
        made.append(" ".join(name if power == 1 else f"{name}^{power}" for name, power in counted))
    return columns, tuple(made)


def _polynomial(x: np.ndarray, names: tuple[str, ...], degree: float) -> tuple[np.ndarray, tuple[str, ...]]:
    return _powers(
        x,
        names,
        [
            term
            for d in range(1, int(degree) + 1)
            for term in itertools.combinations_with_replacement(range(len(names)), d)
        ],
    )


def _pairs(x: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    return _powers(x, names, list(itertools.combinations(range(len(names)), 2)))


def _squares(x: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    return _powers(x, names, [(i, i) for i in range(len(names))])


def _raw(x: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    return x, names


def _sin(x: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    return np.sin(x), tuple(f"sin({name})" for name in names)


def _only(
    place: int, make: Callable[..., tuple[np.ndarray, tuple[str, ...]]], x: np.ndarray, names: tuple[str, ...]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """`make` of the input at that place alone."""
    return make(x[:, place : place + 1], names[place : place + 1])


def _plane(name: str, summary: str, make: Callable[..., tuple[np.ndarray, tuple[str, ...]]], *aliases: str) -> Feature:
    return Feature(
        name=name,
        summary=summary,
        aliases=aliases,
        count=lambda n: 1,
        make=make,
        plane=True,
        reference="TensorFlow Playground",
    )


RAW = Feature(name="raw", summary="the inputs as they are", count=lambda n: n, make=_raw)
POLYNOMIAL = Feature(
    name="polynomial",
    summary="every monomial of the inputs up to the degree, without the constant",
    parameters=(Parameter("degree", 2, low=1, high=20, integer=True),),
    make=_polynomial,
    count=lambda n, degree: math.comb(n + int(degree), int(degree)) - 1,
)
SQUARES = Feature(name="squares", summary="the square of each input", count=lambda n: n, make=_squares)
PRODUCT = Feature(
    name="product",
    summary="the product of each pair of inputs",
    count=lambda n: n * (n - 1) // 2,
    make=_pairs,
    aliases=("products",),
)
SIN = Feature(name="sin", summary="the sine of each input", count=lambda n: n, make=_sin)
X = _plane("x", "the first of two inputs", functools.partial(_only, 0, _raw), "x1")
Y = _plane("y", "the second of two inputs", functools.partial(_only, 1, _raw), "x2")
X_SQUARED = _plane("x^2", "the square of the first of two inputs", functools.partial(_only, 0, _squares), "x²", "x1^2")
Y_SQUARED = _plane("y^2", "the square of the second of two inputs", functools.partial(_only, 1, _squares), "y²", "x2^2")
XY = _plane("xy", "the product of two inputs", _pairs, "x*y", "x1x2")
SIN_X = _plane("sin(x)", "the sine of the first of two inputs", functools.partial(_only, 0, _sin), "sin(x1)")
SIN_Y = _plane("sin(y)", "the sine of the second of two inputs", functools.partial(_only, 1, _sin), "sin(x2)")
