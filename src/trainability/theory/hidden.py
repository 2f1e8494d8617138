"""Bumps so narrow that they lie between the nodes of a panel, which looks smooth without them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from trainability.theory.quadrature import ORDER, TO_COEFFICIENTS, Refined, nodes_of

_SEEN = 1e-8
"""A bump of this height, relative to the function's size there or nearer to 0, is one."""

_DENSITY, _FARTHEST = 250, 8.0
_BESIDE = (-1e-7, 0.0, 1e-7)


def probes(low: float, high: float, centres: np.ndarray) -> np.ndarray:
    """Points between `low` and `high` at which to look: densely within 8 of 0, and at and beside `centres`."""
    ends = max(low, -_FARTHEST), min(high, _FARTHEST)
    grid = np.linspace(*ends, max(2, math.ceil((ends[1] - ends[0]) * _DENSITY))) if ends[0] < ends[1] else np.empty(0)
    beside = (centres[:, None] + np.maximum(1.0, np.abs(centres))[:, None] * np.array(_BESIDE)).ravel()
    return np.concatenate([grid, beside[(low < beside) & (beside < high)]])


def with_hidden(
    value: Callable[[np.ndarray], np.ndarray], found: Refined, again: Callable[[np.ndarray], Refined], x: np.ndarray,
    largest: float = 0.0,
) -> Refined:  # fmt: skip
    """`found`, or where the panels miss something that `value` shows at `x`, what `again` makes of edges there.

    Args:
        value: the function.
        again: from edges to panels between which it is resolved.
        largest: the function's size nearer to 0 than all of the panels.
    """
    low, high = found.edges[:-1], found.edges[1:]
    if not low.size or not x.size:
        return found
    with np.errstate(all="ignore"):
        at_nodes, at_x = value(nodes_of(low, high)), value(x)
        panel = np.clip(np.searchsorted(found.edges, x, side="right") - 1, 0, low.size - 1)
        t = (2 * x - low[panel] - high[panel]) / (high - low)[panel]
        made = np.einsum(
            "nk,nk->n", np.polynomial.legendre.legvander(t, ORDER - 1), (at_nodes @ TO_COEFFICIENTS.T)[panel]
        )
        sizes = np.abs(at_nodes).max(axis=1)
        order = np.argsort(np.abs(low + high))
        sizes[order] = np.fmax.accumulate(np.fmax(sizes[order], largest))
        missed = (
            (np.abs(at_x - made) > _SEEN * sizes[panel]) & ~np.asarray(found.loss.any(axis=0))[panel] & (np.abs(t) < 1)
        )
    if not missed.any():
        return found
    return again(np.unique(np.concatenate([found.edges, x[missed]])))
