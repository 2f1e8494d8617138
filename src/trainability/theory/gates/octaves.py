"""Means of a gate over directions along the distance r from 0, by octaves of r, made as they are asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from trainability.core.errors import SpecError
from trainability.theory.expectations import Expectations, Products
from trainability.theory.gates.formula import GateFormula, Overflow
from trainability.theory.gates.means import COLUMNS, Means
from trainability.theory.gates.panels import resolved
from trainability.theory.quadrature import ORDER

_CHEAP, _NEAR = (1_000_000, 600_000), 6
"""Values of φ that a table takes up to an octave, and beyond."""
_AT_ONCE = 4
_NARROW = 1e-4
"""Of its distance, the width of a panel that something singular has made so narrow."""
_HUGE = 1e290


class Directions(Protocol):
    """Takes means over all directions."""

    formula: GateFormula

    def means(self, radius: np.ndarray) -> Means:
        """At the distances (n,); SpecError where φ is not finite or too rough."""
        ...

    def products(self, exact: Expectations, octaves: Octave, q: float) -> Products:
        """The expectations over two correlated inputs; `exact` knows what there is for two that are the same."""
        ...


@dataclass(frozen=True)
class Octave:
    """Means over directions at nodes between two distances of which one is twice the other; or several such octaves.

    Attributes:
        r, w: nodes and their weights, ascending, shape (nodes,); ORDER of them to a panel.
        value, error: of the means, shape (columns, nodes).
        stuck: panels that are not resolved although they are the narrowest, of their nodes, shape (nodes,).
        touching: distances at which panels narrow down, as where a circle touches a switch.
        cost: how many values of φ they took.
    """

    r: np.ndarray
    w: np.ndarray
    value: np.ndarray
    error: np.ndarray
    stuck: np.ndarray
    touching: np.ndarray
    cost: int

    @classmethod
    def joined(cls, octaves: Sequence[Octave]) -> Octave:
        """Several that follow each other, as one."""
        names = "r", "w", "value", "error", "stuck", "touching"
        parts = (np.concatenate([getattr(octave, name) for octave in octaves], axis=-1) for name in names)
        return cls(*parts, cost=sum(octave.cost for octave in octaves))


class Octaves:
    """The octaves of one formula. What they hold does not depend on which were asked for before."""

    def __init__(self, directions: Directions):
        self.directions = directions
        self._formula = directions.formula
        self._kept: dict[int, Octave | SpecError] = {}

    def made(self, places: range) -> list[Octave | SpecError]:
        """Those from 2^place to twice that, or why there is none."""
        missing = [place for place in places if place not in self._kept]
        if missing:
            try:
                self._kept.update(zip(missing, self._sample(missing), strict=True))
            except SpecError as error:
                if len(missing) == 1:
                    self._kept[missing[0]] = error
                for place in missing if len(missing) > 1 else ():
                    self.made(range(place, place + 1))
        return [self._kept[place] for place in places]

    def affordable(self, places: range) -> list[Octave]:
        """Those from the first place on, as far out as they are finite and cheap.

        What oscillates, or is steep on its own scale, takes more in each octave than in the one before.
        """
        found: list[Octave] = []
        place, cost = places.start, 0
        while place < places.stop and cost + 2 * (found[-1].cost if found else 0) <= _CHEAP[place > _NEAR]:
            block = self.made(range(place, max(place + 1, min(place + _AT_ONCE, _NEAR))))
            good = [octave for octave in block if isinstance(octave, Octave)]
            found += good
            if len(good) < len(block):
                break
            place, cost = place + len(block), cost + sum(octave.cost for octave in good)
        return found

    def _sample(self, places: list[int]) -> list[Octave]:
        low = 2.0 ** np.array(places)

        def means(r: np.ndarray, _: np.ndarray) -> Means:
            found = self.directions.means(r.ravel())
            if not (np.abs(found.value[[COLUMNS["second"], COLUMNS["slope_second"]]]) < _HUGE).all():
                raise Overflow(f"'{self._formula.name}' overflows or grows faster than the Gaussian decays")
            return found

        edges = np.stack([low, 2 * low], axis=1)
        panels = resolved(means, edges, 2 * low, self._formula.rounding, self._formula.name)
        ends = np.searchsorted(panels.interval, np.arange(len(places) + 1))
        made = []
        for i, cost in enumerate(panels.nodes.tolist()):
            mine = slice(ends[i], ends[i + 1])
            value, error = (part[:, mine].reshape(len(part), -1) for part in (panels.value, panels.error))
            stuck = np.repeat(panels.stuck[mine], ORDER)
            touching = _narrowing(panels.x[mine].mean(axis=1), panels.w[mine].sum(axis=1))
            made.append(Octave(panels.x[mine].ravel(), panels.w[mine].ravel(), value, error, stuck, touching, cost))
        return made


def density(r: np.ndarray, q: float | np.ndarray, dimensions: int) -> np.ndarray:
    """Of the distance r of as many pieces as there are `dimensions`, each of variance q."""
    half = 0.5 * r**2 / q
    return 2 * half ** (0.5 * dimensions) * np.exp(-half) / (r * math.gamma(0.5 * dimensions))


def share_within(r: float, q: float, dimensions: int) -> float:
    """The chance of a distance below r, a small part of √q."""
    return (0.5 * r * r / q) ** (0.5 * dimensions) / math.gamma(0.5 * dimensions + 1)


def _narrowing(middle: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Where panels, ascending, narrow down to far below their place: the middles of the narrowest of each run."""
    narrow = np.flatnonzero(width < _NARROW * middle)
    runs = np.split(narrow, np.flatnonzero(np.diff(narrow) > 1) + 1) if narrow.size else []
    return np.array([middle[run][width[run] <= 1.001 * width[run].min()].mean() for run in runs])
