"""Expectations under Gaussians that do not lie around 0, and double integrals over two correlated ones.

Each mean gets panels of its own, split at φ's kinks and wherever φ is steep, so that no integral crosses either.
"""

from __future__ import annotations

import math

import numpy as np

from trainability.theory.functions import Phi
from trainability.theory.quadrature import nodes_of, weights_of

REACH = 10.0
"""Deviations: the Gaussian's share beyond them is 1e-23."""

_INNER_STEP, _OUTER_STEP = 2.0, 1.0
_MOST_AT_ONCE = 400_000
_CLOSE = (-9.0, -4.0, -1.5, -0.5, 0.5, 1.5, 4.0, 9.0)


def features(phi: Phi, reach: float, scale: float) -> np.ndarray:
    """Where in [-reach, reach] φ has a kink, or changes on a length shorter than `scale`."""
    edges = phi.resolution.edges(reach)
    widths = np.diff(edges)
    narrowest = np.minimum(np.append(widths, np.inf), np.insert(widths, 0, np.inf))
    # Panels as wide as they are where nothing happens are no feature.
    plain = 0.5 * 2.0 ** np.floor(np.log2(np.maximum(np.abs(edges), 1.0)))
    found = edges[(narrowest < scale / 1.5) & (narrowest < plain)]
    found = np.concatenate([found, phi.resolution.jumps(reach)])
    return np.unique(found[np.abs(found) <= reach])


def smoothed(
    phi: Phi, means: np.ndarray, deviation: float, reach: float = REACH
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """E[φ], E[φ²] and E[φ′] under N(mean, deviation²), each of shape (means,)."""
    if deviation == 0:
        value = phi.value(means)
        return value, value**2, phi.slope(means)
    marks = features(phi, float(np.abs(means).max()) + reach * deviation, deviation)
    z = np.linspace(-reach, reach, 1 + math.ceil(2 * reach / _INNER_STEP))
    rows = max(1, _MOST_AT_ONCE // (16 * (len(z) + len(marks))))
    parts = [_smoothed(phi, part, deviation, z, marks) for part in np.split(means, range(rows, len(means), rows))]
    value, square, slope = (np.concatenate(column) for column in zip(*parts, strict=True))
    return value, square, slope


def _smoothed(
    phi: Phi, means: np.ndarray, deviation: float, z: np.ndarray, marks: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    at = np.clip((marks - means[:, None]) / deviation, z[0], z[-1])
    edges = np.sort(np.concatenate([np.broadcast_to(z, (len(means), len(z))), at], axis=1), axis=1)
    low, high = edges[:, :-1], edges[:, 1:]
    nodes = nodes_of(low, high)
    weight = weights_of(low, high) * np.exp(-0.5 * nodes**2) / math.sqrt(2 * math.pi)
    x = means[:, None, None] + deviation * nodes
    with np.errstate(all="ignore"):
        value, slope = phi.value(x), phi.slope(x)
        # A panel of no width may lie where φ has no value, and a node where φ′ has none.
        value, slope = (np.where((weight > 0) & ~np.isinf(part), part, 0.0) for part in (value, slope))
    axes = (1, 2)
    return (weight * value).sum(axis=axes), (weight * value**2).sum(axis=axes), (weight * slope).sum(axis=axes)


def line(phi: Phi, q: float, marks: np.ndarray, reach: float = REACH) -> tuple[np.ndarray, np.ndarray]:
    """Nodes x and the weights of N(0, q) at them, on panels split at `marks`."""
    s = math.sqrt(q)
    steps = np.linspace(-reach * s, reach * s, 1 + math.ceil(2 * reach / _OUTER_STEP))
    edges = np.unique(np.clip(np.concatenate([marks, steps]), steps[0], steps[-1]))
    x = nodes_of(edges[:-1], edges[1:])
    weight = weights_of(edges[:-1], edges[1:]) * np.exp(-0.5 * x**2 / q) / math.sqrt(2 * math.pi * q)
    return x.ravel(), weight.ravel()


def double(phi: Phi, q: float, c: float, reach: float = REACH) -> tuple[float, float]:
    """E[φ(u)φ(v)] and E[φ′(u)φ′(v)] of u, v ~ N(0, q) with correlation c, |c| < 1.

    Outside the integral over u, inside that over v given u, whose mean is c u and deviation √(q(1 − c²)); both out to
    `reach` deviations.
    """
    s = math.sqrt(q)
    deviation = s * math.sqrt((1 - c) * (1 + c))
    marks = features(phi, reach * s, s)
    if deviation < 2 * s * abs(c):
        # The inner integral changes where its mean c u passes a feature, on the length of its deviation.
        sharp = features(phi, reach * s, deviation)
        beside = (sharp[:, None] + deviation * np.array(_CLOSE)).ravel() / c
        x, weight = line(phi, q, np.concatenate([marks, marks / c, beside]), reach)
    else:
        x, weight = line(phi, q, marks, reach)
    value, _, slope = smoothed(phi, c * x, deviation, reach)
    with np.errstate(all="ignore"):
        return float(weight @ (phi.value(x) * value)), float(weight @ (phi.slope(x) * slope))
