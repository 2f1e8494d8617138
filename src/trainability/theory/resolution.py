"""Where a function is smooth: panels between which 16 nodes determine it.

From them come the kinks and the slope of a Python function, of which nothing else is known, and the places that the
double integrals of the correlation map must not integrate across.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from trainability.theory.hidden import probes, with_hidden
from trainability.theory.quadrature import NARROWEST, ORDER, TO_COEFFICIENTS, Refined, nodes_of, refined

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
        self._reach = 0.0
        self._ended = [False, False]

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest x up to which the function is smooth enough for panels, so far as is known."""
        return (
            float(self._edges[0]) if self._ended[0] else -math.inf,
            float(self._edges[-1]) if self._ended[1] else math.inf,
        )

    def edges(self, reach: float) -> np.ndarray:
        """Edges of panels, ascending, that cover at least [-reach, reach], or up to `ends`; of a kink, both sides."""
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
        """φ′(x), the derivative of the polynomial on x's panel; 0 on a panel that holds a kink, and beyond `ends`."""
        self.reach(float(np.abs(x).max(initial=0.0)))
        panel = np.clip(np.searchsorted(self._edges, x, side="right") - 1, 0, len(self._stuck) - 1)
        low, high = self._edges[panel], self._edges[panel + 1]
        at = (2.0 * x - low - high) / (high - low)
        found = np.polynomial.legendre.legval(at, self._coefficients.T[:, panel], tensor=False)
        return found if not any(self._ended) else np.where((self._edges[0] <= x) & (x <= self._edges[-1]), found, 0.0)

    def reach(self, reach: float) -> None:
        """Make the panels cover [-reach, reach], or as much of it as is smooth enough.

        Raises:
            SpecError: [-1, 1] is not.
        """
        if self._edges.size == 0:
            found = self._resolved(np.array([-1.0, 0.0, 1.0]), least=1.0)
            self._edges, self._stuck, self._coefficients = found[:3]
            self._reach = 1.0
        while self._reach < reach and not all(self._ended):
            outer = self._reach * np.array([1.0, 1.5, 2.0])
            sides = [None if ended else outer for ended in self._ended]
            parts = [(self._edges, self._stuck, self._coefficients)]
            for side, edges in enumerate(sides):
                if edges is None:
                    continue
                edges, stuck, known, whole = self._resolved(edges if side else -edges[::-1], least=self._reach)
                self._ended[side] = not whole
                parts.insert(side * len(parts), (edges[1:] if side else edges[:-1], stuck, known))
            self._edges, self._stuck, self._coefficients = (np.concatenate(part) for part in zip(*parts, strict=True))
            self._reach *= 2.0

    def _resolved(self, edges: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
        inside = self._kinks[(self._kinks > edges[0]) & (self._kinks < edges[-1])]
        edges = np.unique(np.concatenate([edges, inside]))
        if self._largest == 0:
            sample = self._value(np.append(np.linspace(edges[0], edges[-1], _NODES_EVEN), 0.0))
            self._largest = float(np.abs(sample[np.isfinite(sample)]).max(initial=0.0))
        # Of what φ is nearer to 0: where it grows exponentially, the near end of a panel counts as much as the far one.
        floor = _TOLERANCE * self._largest

        def panels(edges: np.ndarray) -> Refined:
            return refined(lambda x: self._value(x)[None], edges, _TOLERANCE, lambda _: floor, self._name, least)

        found = panels(edges)
        found = with_hidden(
            self._value, found, panels, probes(float(edges[0]), float(edges[-1]), self._kinks), self._largest
        )
        edges, stuck = found.edges, found.stuck
        low, high = edges[:-1], edges[1:]
        values = self._value(nodes_of(low, high))
        with np.errstate(invalid="ignore", over="ignore"):
            coefficients = values @ TO_COEFFICIENTS.T
            # On a panel of 1e-13 beside a kink, rounding would be taken for a slope.
            noise = 16 * np.finfo(float).eps * np.abs(values).max(axis=1, keepdims=True)
        coefficients[np.abs(coefficients) < noise] = 0.0
        slopes = np.polynomial.legendre.legder(coefficients, axis=1) * (2.0 / (high - low))[:, None]
        slopes = np.concatenate([slopes, np.zeros((len(low), 1))], axis=1)
        # On the narrowest there is a jump or a kink; of noise the slope is kept, so that it shows what it is worth.
        far = np.maximum(np.abs(low), np.abs(high))
        slopes[stuck & (high - low <= NARROWEST * np.maximum(1.0, far))] = 0.0
        return edges, stuck, slopes, found.whole
