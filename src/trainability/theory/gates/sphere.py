"""Means over spheres: of a gate of three pieces, how it is in all directions at one distance from 0.

By circles of latitude, as wide a step in height being as large a part of a sphere wherever it is (Archimedes).
"""

from __future__ import annotations

import functools

import numpy as np

from trainability.theory.expectations import Expectations
from trainability.theory.gates.circle import Circles
from trainability.theory.gates.formula import GateFormula
from trainability.theory.gates.means import Means
from trainability.theory.gates.octaves import Octave
from trainability.theory.gates.panels import resolved
from trainability.theory.gates.sampled import SampledGate, SampledProducts

_EDGES = (-1.0, 0.0, 1.0)


class Spheres:
    """The spheres of a formula of three pieces."""

    def __init__(self, formula: GateFormula):
        self.formula = formula
        self._circles = Circles(formula)

    def means(self, radius: np.ndarray) -> Means:
        """Of spheres of the radii (n,).

        Raises:
            SpecError: φ is not finite on one of them, or too rough.
        """

        def of_circles(height: np.ndarray, sphere: np.ndarray) -> Means:
            r = radius[sphere][:, None]
            return self._circles.means((r * np.sqrt((1 - height) * (1 + height))).ravel(), [(r * height).ravel()])

        edges = np.tile(_EDGES, (len(radius), 1))
        panels = resolved(of_circles, edges, radius, self.formula.rounding, self.formula.name)
        first = np.searchsorted(panels.interval, np.arange(len(radius)))
        value, error = (0.5 * (part * panels.w).sum(axis=-1) for part in (panels.value, panels.error))
        error[:, panels.stuck] = np.abs(value[:, panels.stuck])
        return Means(*(np.add.reduceat(part, first, axis=1) for part in (value, error)), nodes=panels.nodes)

    @functools.cached_property
    def _sampled(self) -> SampledGate:
        return SampledGate(self.formula)

    def products(self, exact: Expectations, octaves: Octave, q: float) -> SampledProducts:
        """The expectations over two correlated inputs, sampled, but for what `exact` knows where both are the same."""
        return SampledProducts(self._sampled, q, exact)
