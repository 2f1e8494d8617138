"""Panels between which means over directions are resolved, of many intervals at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory.gates.means import COLUMNS, Means
from trainability.theory.quadrature import ORDER, TO_COEFFICIENTS, nodes_of, weights_of

_TOLERANCE = 1e-11
"""What a panel may be off by, of its interval's largest value times that's length."""
_PARTS = 2, 2, 8
"""Into which a panel is split, round by round: many rounds are made where a circle touches a switch."""
_TINY = 1e-300
_NARROWEST, _MOST_NODES = 1e-11, 6_000_000


@dataclass(frozen=True)
class Panels:
    """Panels, each with ORDER nodes; those of an interval lie together, ascending.

    Attributes:
        interval: which one each panel is of, shape (panels,).
        x, w: nodes and their weights, shape (panels, ORDER).
        value, error: of the means there, shape (columns, panels, ORDER).
        stuck: panels that are not resolved although they are the narrowest, shape (panels,).
        nodes: how many values of φ each interval took, shape (intervals,).
    """

    interval: np.ndarray
    x: np.ndarray
    w: np.ndarray
    value: np.ndarray
    error: np.ndarray
    stuck: np.ndarray
    nodes: np.ndarray


def resolved(
    means: Callable[[np.ndarray, np.ndarray], Means],
    edges: np.ndarray,
    distance: np.ndarray,
    rounding: float,
    name: str,
) -> Panels:
    """Panels between `edges` on which E[φ²] and E[φ′²] over directions are resolved.

    Args:
        means: of places x (panels, ORDER) and their interval (panels,): means at them all, one after the other.
        edges: each interval's ends and what else panels are to end at, ascending, shape (intervals, edges).
        distance: from 0, about, of each interval: what a slope is to be multiplied by to compare with φ.
        rounding: φ² of what is rounding, per squared distance.
        name: the formula's, for sentences.

    Raises:
        SpecError: as `means`, or too many values of φ are needed.
    """
    count, widths = len(edges), edges[:, -1] - edges[:, 0]
    interval = np.repeat(np.arange(count), edges.shape[1] - 1)
    low, high = edges[:, :-1].ravel(), edges[:, 1:].ravel()
    done, nodes, largest = [], np.zeros(count, dtype=int), np.zeros((2, count))
    for parts in itertools.chain(_PARTS, itertools.repeat(_PARTS[-1])):
        if not low.size:
            break
        x = nodes_of(low, high)
        found = means(x, interval)
        np.add.at(nodes, interval, found.nodes.reshape(x.shape).sum(axis=1))
        if nodes.sum() > _MOST_NODES:
            raise SpecError(f"'{name}' is too rough or too noisy to be integrated")
        value, error = (part.reshape(len(part), *x.shape) for part in (found.value, found.error))
        seen = value[[COLUMNS["second"], COLUMNS["slope_second"]]]
        seen[1] *= distance[interval][:, None] ** 2
        for size, found_size in zip(largest, np.abs(seen).max(axis=-1), strict=True):
            np.maximum.at(size, interval, found_size)
        share = (high - low) / widths[interval]
        # As coefficients fall from half the order to the order, so they will from there to twice the order.
        middle, last = (np.abs(seen @ TO_COEFFICIENTS[k : k + 2].T).max(axis=-1) for k in (ORDER // 2 - 1, ORDER - 2))
        rest = last * np.minimum(1.0, last / np.maximum(middle, _TINY)) ** 2
        enough = np.maximum(_TOLERANCE * largest, rounding * distance**2)[:, interval]
        rough = np.any((rest * share > enough) & (last > rounding * distance[interval] ** 2), axis=0)
        split = rough & (share > _NARROWEST)
        columns = interval, x, weights_of(low, high), value, error, rough
        done.append([part[:, ~split] if part.ndim == 3 else part[~split] for part in columns])
        cuts = low[split] + (high - low)[split] * np.arange(parts + 1)[:, None] / parts
        interval, low, high = np.tile(interval[split], parts), cuts[:-1].ravel(), cuts[1:].ravel()
    interval, x, w, value, error, stuck = (
        np.concatenate(part, axis=1 if part[0].ndim == 3 else 0) for part in zip(*done, strict=True)
    )
    order = np.lexsort((x[:, 0], interval))
    return Panels(interval[order], x[order], w[order], value[:, order], error[:, order], stuck[order], nodes)
