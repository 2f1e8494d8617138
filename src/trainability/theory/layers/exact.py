"""Layers of which what gains and fixed points need is known exactly; the rest is sampled."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from trainability.theory.expectations import Estimate, Kind, Table, variances
from trainability.theory.functions import LayerActivation
from trainability.theory.layers.sampled import SampledLayer
from trainability.theory.layers.softmax import Moments, log_softmax, softmax
from trainability.theory.layers.sparsemax import sparsemax
from trainability.theory.sampling import LARGEST, PER_DECADE, SMALLEST

Exactly = Callable[[Sequence[float], int, bool], list[Moments]]
"""From variances, the layer's width, and whether finer steps are to tell the error."""


def _each(exactly: Callable[[float, int, bool], Moments]) -> Exactly:
    return lambda q, width, fine: [exactly(v, width, fine) for v in q]


EXACT: Mapping[str, Exactly] = {
    "softmax": _each(softmax), "softmin": _each(softmax), "log_softmax": _each(log_softmax), "sparsemax": sparsemax,
}  # fmt: skip
_KINDS = ("mean", "second", "slope_second", "growth")


class ExactLayer(SampledLayer):
    """Expectations over a layer, with mean, E[φ²], E‖J‖²/n and dE[φ²]/dq by integrals over one variable."""

    def __init__(self, activation: LayerActivation, exactly: Exactly):
        super().__init__(activation)
        self._exactly = exactly
        self._exact = functools.lru_cache(1024)(lambda q, fine=False: exactly([q], self.width, fine)[0])

    def at(self, kind: Kind, q: float) -> float:
        if kind not in _KINDS:
            return super().at(kind, q)
        return getattr(self._exact(q), kind)

    def estimate(self, kind: Kind, q: float) -> Estimate:
        """By finer steps; the error is what they change."""
        if kind not in _KINDS:
            return super().estimate(kind, q)
        finer = getattr(self._exact(q, True), kind)
        return Estimate(finer, abs(finer - self.at(kind, q)))

    @functools.cached_property
    def table(self) -> Table:
        q = variances(PER_DECADE, SMALLEST, LARGEST)
        found = self._exactly(q.tolist(), self.width, False)
        return self._finite(q, [np.array([getattr(m, kind) for m in found]) for kind in _KINDS[1:]])
