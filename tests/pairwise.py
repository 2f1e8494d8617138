"""A small table of rows in which every wanted pair of values occurs: pairwise cover, built greedily.

Reference: D. Cohen et al., The AETG system: an approach to testing based on combinatorial design, IEEE TSE 23 (1997).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
Factors: TypeAlias = Mapping[str, Sequence[Hashable]]
Pair: TypeAlias = frozenset[tuple[str, Any]]


def cover(
    factors: Factors,
    together: Iterable[tuple[str, str]],
    allowed: Callable[[Row], bool] = lambda row: True,
    start: Iterable[Row] = (),
) -> list[Row]:
    """Rows, one value of every factor each, with every allowed pair of values of the factors named in `together`.

    Args:
        together: pairs of factors.
        allowed: whether a row, complete or not, may be. A row that may be must be completable in the factors' order.
        start: rows that are there already; they come first in the answer.
    """
    rows = [dict(row) for row in start]
    together = list(together)
    missing = wanted(factors, together, allowed)
    used = Counter(itertools.chain.from_iterable(row.items() for row in rows))
    for row in rows:
        _strike(missing, row, together)
    while missing:
        row = dict(next(iter(missing)))
        for name in (name for name in factors if name not in row):
            fits = [value for value in factors[name] if allowed({**row, name: value})]
            # Of the values that bring as many missing pairs, the one that was used least.
            row[name] = max(fits, key=lambda v: (_gain(missing, row, name, v, together), -used[name, v]))
        _strike(missing, row, together)
        used.update(row.items())
        rows.append({name: row[name] for name in factors})
    return rows


def wanted(factors: Factors, together: Iterable[tuple[str, str]], allowed: Callable[[Row], bool]) -> dict[Pair, None]:
    """Every allowed pair of values of the factors named in `together`, those with most values first."""
    by_size = sorted(together, key=lambda names: -len(factors[names[0]]) * len(factors[names[1]]))
    return {
        frozenset({(a, x), (b, y)}): None
        for a, b in by_size
        for x, y in itertools.product(factors[a], factors[b])
        if allowed({a: x, b: y})
    }


def _strike(missing: dict[Pair, None], row: Row, together: list[tuple[str, str]]) -> None:
    for a, b in together:
        missing.pop(frozenset({(a, row[a]), (b, row[b])}), None)


def _gain(missing: dict[Pair, None], row: Row, name: str, value: Any, together: list[tuple[str, str]]) -> int:
    others = [b if a == name else a for a, b in together if name in (a, b)]
    return sum(frozenset({(name, value), (o, row[o])}) in missing for o in others if o in row)
