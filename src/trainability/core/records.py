"""The record of a trial: the one shape that engines write and that store, summary and report read.

The *trials* table has one row per trial:

=====================  ==================  ==========================================================================
column                 type                meaning
=====================  ==================  ==========================================================================
cell, trial            Int32               place in the grid; number of the trial inside its cell
ended                  String              ``solved``, ``steps`` (all done, target not held), ``stopped``, ``nan``
solved                 Boolean             the target held at the last step
end_step               Int64               steps taken (for ``nan``: the step that became non-finite)
first_step             Int64, null         first step at which the target held
train_loss, …_score    Float64             at the end, over all training samples; the score is the accuracy for
                                           classes and R² for a regression; dropout off
validation_loss, …     Float64, null       the same over the held-out samples
checkpoint             List(Int64)         the log-spaced steps at which the histories were taken
history_train_loss, …  List(Float32)       one value per checkpoint, likewise ``history_validation_…``
one per vital sign     List(List(Float32)) checkpoint by layer; the output layer is the last
=====================  ==================  ==========================================================================

The *portraits* table holds what one solved and one failed network of a cell answers, so that a report can
draw it without an engine: ``cell``, ``trial``, ``solved``, ``answers`` (List(Float32), points × outputs flattened:
the network's outputs on `portrait_points`), ``region`` (the same on `region_grid`, null unless there are two inputs).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from trainability.core.types import Dataset

SCORES: Final = ("train_loss", "train_score", "validation_loss", "validation_score")
HISTORIES: Final = tuple(f"history_{name}" for name in SCORES)
REGION_SIDE: Final = 61
PORTRAIT_POINTS: Final = 500
PORTRAIT_TRIALS: Final = 256
"""Only the first trials of a cell are portrayed, so that portraits of a million trials do not fill the disk."""

VITAL_SAMPLES: Final = 256
"""Vital signs are measured on at most this many training samples, spread evenly over the data as it is ordered."""


def vital_rows(samples: int) -> slice:
    """Those training samples."""
    return slice(None, None, -(-samples // VITAL_SAMPLES))


def portrait_points(data: Dataset) -> tuple[np.ndarray, np.ndarray, str]:
    """The inputs that a portrait answers, their labels, and where they come from.

    Held-out samples where there are some, else training samples; at most `PORTRAIT_POINTS` of
    them, spread evenly over the data as it is ordered.
    Returns (inputs (points, features), labels, ``validation`` or ``training``).
    """
    held_out = len(data.x_validation) > 0
    x, y = (data.x_validation, data.y_validation) if held_out else (data.x_train, data.y_train)
    stride = -(-len(x) // PORTRAIT_POINTS)
    return x[::stride], y[::stride], "validation" if held_out else "training"


def region_grid(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The axes of the grid on which a two-input network is drawn: 15 % wider than the samples `x` (samples, 2)."""
    low, high = x.min(axis=0), x.max(axis=0)
    margin = 0.15 * np.where(high > low, high - low, 1.0)
    first, second = (np.linspace(low[i] - margin[i], high[i] + margin[i], REGION_SIDE) for i in (0, 1))
    return first, second


class LayerView(NamedTuple):
    """One layer of one trial as a vital sign sees it. Arrays are NumPy's or JAX's.

    Attributes:
        pre_activation: after normalisation, shape (samples, pre-activations).
        activation: the layer's answer before a residual connection, shape (samples, units).
        slope: φ′ at the pre-activations, shape (samples, units); NaN where φ mixes units.
        largest_slope: the largest |φ′| anywhere, a scalar.
        gradient: of the loss by the layer's weights, shape (fan_in, fan_out).
    """

    pre_activation: Any
    activation: Any
    slope: Any
    largest_slope: Any
    gradient: Any
