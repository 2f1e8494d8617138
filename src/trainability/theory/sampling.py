"""Expectations that are means over fixed samples, in groups whose scatter tells the error."""

from __future__ import annotations

import abc
import functools
import math
from typing import Final

import numpy as np

from trainability.theory.expectations import Estimate, Expectations, Kind, Table, variances

GROUPS: Final = 8
PER_DECADE, SMALLEST, LARGEST = 3, 1e-12, 1e8
_DEVIATIONS = 3.0


class SampledExpectations(Expectations):
    """The same samples serve every variance; `estimate` tells three deviations of what other samples would give."""

    @abc.abstractmethod
    def _integrand(self, kind: Kind, q: float) -> np.ndarray:
        """What the mean is of, one group of samples after the other."""

    def at(self, kind: Kind, q: float) -> float:
        return self.estimate(kind, q).value

    def estimate(self, kind: Kind, q: float) -> Estimate:
        with np.errstate(over="ignore"):
            parts = self._integrand(kind, q).reshape(GROUPS, -1).mean(axis=1)
        if not np.isfinite(parts).all():
            raise self._too_fast(kind, q)
        return Estimate(float(parts.mean()), _DEVIATIONS * float(parts.std(ddof=1)) / math.sqrt(GROUPS))

    @functools.cached_property
    def table(self) -> Table:
        return self._tabulated(variances(PER_DECADE, SMALLEST, LARGEST))
