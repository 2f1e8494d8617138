"""What is known of the numbers of one place of a program, gathered over the moments."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from trainability.core.chart import TensorFacts

MOST_FEATURES: Final = 10_000
MOST_ROWS: Final = 1024
MOST_NUMBERS: Final = 1_000_000
"""Of a moment; of larger samples fewer rows are kept."""


@dataclass
class Gathered:
    """Numbers of one place of the program, of all moments together; `parts` are (samples, features) each."""

    shape: tuple[int, ...] = ()
    parts: list[np.ndarray] = field(default_factory=list)

    def add(self, values: np.ndarray) -> None:
        """Take in an array, batch first."""
        values = np.asarray(values, float)
        if not self.parts:
            self.shape = values.shape
        flat = values.reshape(len(values), -1) if values.ndim > 1 else values.reshape(-1, 1)
        if not self.parts or flat.shape[1] == self.parts[0].shape[1]:
            kept = max(1, min(MOST_ROWS, MOST_NUMBERS // max(1, flat.shape[1])))
            self.parts.append(flat[:: max(1, -(-len(flat) // kept))].copy())

    @property
    def rows(self) -> np.ndarray:
        """All of it, shape (samples, features)."""
        return np.concatenate(self.parts) if self.parts else np.zeros((0, 0))

    def facts(self) -> TensorFacts | None:
        """What is known by now; None if nothing came."""
        if not self.parts:
            return None
        rows = self.rows
        finite = np.isfinite(rows)
        known = rows[finite]
        small = rows.shape[1] <= MOST_FEATURES
        with np.errstate(all="ignore"):
            deviation = np.where(finite.all(axis=0), rows.std(axis=0), np.nan) if small else np.zeros(0)
            mean = np.where(finite.all(axis=0), rows.mean(axis=0), np.nan) if small else np.zeros(0)
        return TensorFacts(
            shape=self.shape,
            low=float(known.min()) if known.size else math.nan,
            high=float(known.max()) if known.size else math.nan,
            mean=float(known.mean()) if known.size else math.nan,
            std=float(known.std()) if known.size else math.nan,
            feature_std=deviation,
            constant=float(np.mean((rows == rows[0]).all(axis=0))) if deviation.size and len(rows) > 1 else 0.0,
            bad=float(1 - finite.mean()) if rows.size else 0.0,
            whole=bool((known == np.round(known)).all()),
            duplicate=_duplicate(rows) if small else 0.0,
            feature_mean=mean,
            distinct=len(np.unique(known)),
        )


def _duplicate(rows: np.ndarray) -> float:
    """Share of features that are copies of an earlier one and are not constant."""
    if len(rows) < 2 or rows.shape[1] < 2:
        return 0.0
    features = np.ascontiguousarray(rows.T)
    changing = features[(features != features[:, :1]).any(axis=1)]
    return (len(changing) - len({feature.tobytes() for feature in changing})) / rows.shape[1]
