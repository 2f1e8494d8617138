"""Where a function is smooth: panels between which 16 nodes determine it.

From them come the kinks and the slope of a Python function, of which nothing else is known, and the places that the
double integrals of the correlation map must not integrate across.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from trainability.theory.quadrature import ORDER, TO_COEFFICIENTS, nodes_of, refine

_TOLERANCE = 1e-13
_NODES_EVEN = 32


class Resolution:
    """The panels of one function, made as far out as they are asked for.

    Args:
        value: the function, of a float64 array.
        name: for errors.
        kinks: points where it is known not to be smooth.
    """

    def __init__(self, value: Callable[[np.ndarray], np.ndarray], name: str, kinks: Sequence[float] = ()):
        self._value = value
        self._name = name
        self._kinks = np.asarray(kinks, dtype=float)
        self._edges = np.empty(0)
        self._stuck = np.empty(0, dtype=bool)
        self._coefficients = np.empty((0, ORDER))
        self._largest = 0.0

    def edges(self, reach: float) -> np.ndarray:
        """Edges of panels, ascending, that cover at least [-reach, reach]; of a kink, both sides."""
        return self._covering(reach)[0]

    def jumps(self, reach: float) -> np.ndarray:
        """The points at which the function is not smooth: those known, and the middles of panels never resolved."""
        edges, stuck = self._covering(reach)
        found = 0.5 * (edges[:-1] + edges[1:])[stuck]
        return np.unique(np.concatenate([self._kinks, found]))

    def _covering(self, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """Edges out to the first power of 2 that covers `reach`, however many are there, and which panels are stuck."""
        self.reach(reach)
        end = max(1.0, 2.0 ** math.ceil(math.log2(max(reach, 1.0))))
        first, last = np.searchsorted(self._edges, -end), np.searchsorted(self._edges, end, side="right")
        return self._edges[first:last], self._stuck[first : last - 1]

    def slope(self, x: np.ndarray) -> np.ndarray:
        """φ′(x), the derivative of the polynomial on x's panel; 0 on a panel that holds a kink."""
        self.reach(float(np.abs(x).max(initial=0.0)))
        panel = np.clip(np.searchsorted(self._edges, x, side="right") - 1, 0, len(self._stuck) - 1)
        low, high = self._edges[panel], self._edges[panel + 1]
        at = (2.0 * x - low - high) / (high - low)
        return np.polynomial.legendre.legval(at, self._coefficients.T[:, panel], tensor=False)

    def reach(self, reach: float) -> None:
        """Make the panels cover [-reach, reach]."""
        while self._edges.size == 0 or self._edges[-1] < reach:
            if self._edges.size == 0:
                self._add(np.array([-1.0, 0.0, 1.0]), np.zeros(0), np.zeros(0))
                continue
            far = self._edges[-1]
            outer = far * np.array([1.0, 1.5, 2.0])
            self._add(-outer[::-1], self._edges, outer)

    def _add(self, left: np.ndarray, middle: np.ndarray, right: np.ndarray) -> None:
        parts, stucks, coefficients = [], [], []
        for edges in (left, middle, right):
            if edges is middle:
                parts.append(middle[1:-1])  # its ends are there already
                stucks.append(self._stuck)
                coefficients.append(self._coefficients)
            elif edges.size:
                found, stuck, known = self._resolved(edges)
                parts.append(found)
                stucks.append(stuck)
                coefficients.append(known)
        self._edges, self._stuck = np.concatenate(parts), np.concatenate(stucks)
        self._coefficients = np.concatenate(coefficients)

    def _resolved(self, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        inside = self._kinks[(self._kinks > edges[0]) & (self._kinks < edges[-1])]
        edges = np.unique(np.concatenate([edges, inside]))
        if self._largest == 0:
            sample = self._value(np.linspace(edges[0], edges[-1], _NODES_EVEN))
            self._largest = float(np.abs(sample[np.isfinite(sample)]).max(initial=0.0))
        # Of what φ is nearer to 0: where it grows exponentially, the near end of a panel counts as much as the far one.
        floor = _TOLERANCE * self._largest
        edges, stuck = refine(lambda x: self._value(x)[None], edges, _TOLERANCE, lambda _: floor, self._name)
        low, high = edges[:-1], edges[1:]
        values = self._value(nodes_of(low, high))
        with np.errstate(invalid="ignore", over="ignore"):
            coefficients = values @ TO_COEFFICIENTS.T
            # On a panel of 1e-13 beside a kink, rounding would be taken for a slope.
            noise = 16 * np.finfo(float).eps * np.abs(values).max(axis=1, keepdims=True)
        coefficients[np.abs(coefficients) < noise] = 0.0
        slopes = np.polynomial.legendre.legder(coefficients, axis=1) * (2.0 / (high - low))[:, None]
        slopes = np.concatenate([slopes, np.zeros((len(low), 1))], axis=1)
        slopes[stuck] = 0.0
        return edges, stuck, slopes
