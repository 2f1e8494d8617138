"""A small table of rows in which every wanted pair of values occurs: pairwise cover, built greedily."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
Pair: TypeAlias = tuple[tuple[str, Hashable], tuple[str, Hashable]]


def cover(
    factors: Mapping[str, Sequence[Hashable]],
    together: Iterable[tuple[str, str]],
    allowed: Callable[[Row], bool] = lambda row: True,
    start: Iterable[Row] = (),
) -> list[Row]:
    """Rows, one value of every factor each, with every allowed pair of values of the factors named in `together`.

    Args:
        together: pairs of factors.
        allowed: whether a row, complete or not, may be; every allowed pair must have an allowed row.
        start: rows that are there already; they come first in the answer.
    """
    rows = [dict(row) for row in start]
    wanted = wanted_pairs(factors, together, allowed)
    used = Counter((name, value) for row in rows for name, value in row.items())
    for row in rows:
        _take(wanted, row)
    while wanted:
        row = dict(next(iter(wanted)))
        for name in factors.keys() - row.keys() if len(row) < len(factors) else ():
            assert name in factors
        for name in (name for name in factors if name not in row):
            fits = [value for value in factors[name] if allowed({**row, name: value})]
            row[name] = max(fits, key=lambda value: (len(_found(wanted, row, name, value)), -used[name, value]))
        _take(wanted, row)
        used.update(row.items())
        rows.append({name: row[name] for name in factors})
    return rows


def wanted_pairs(
    factors: Mapping[str, Sequence[Hashable]], together: Iterable[tuple[str, str]], allowed: Callable[[Row], bool]
) -> dict[Pair, None]:
    """Every allowed pair of values of the factors named in `together`, as an ordered set."""
    order = list(factors)
    named = [sorted(names, key=order.index) for names in together]
    named.sort(key=lambda names: -len(factors[names[0]]) * len(factors[names[1]]))
    return {
        ((a, x), (b, y)): None
        for a, b in named
        for x, y in itertools.product(factors[a], factors[b])
        if allowed({a: x, b: y})
    }
