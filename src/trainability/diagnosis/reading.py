"""Readings of a whole run that several rules share."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from trainability.core.chart import Chart

LEARNED: Final = 0.6
"""Share of the best constant answer's loss that a network has to take away to count as one that learns."""
FEW: Final = 0.3
"""Where a simple method attains less than `LEARNED`, as much as that counts as learning, but no less than this."""
FAR: Final = 1.0
"""Steps times update over weight: before, the weights have not had the time."""
STILL: Final = 0.05
"""Under this share it has learned nothing."""
DIVERGED: Final = 3.0
"""Times the first step's loss."""
ABOUT: Final = 1.5
"""Times the best constant answer's loss up to which a run that learned nothing may end."""
CHANCE: Final = 0.01
"""The largest p-value that counts as more than chance."""
_FAR: Final = 1e300
WINDOW: Final = 0.1
"""Share of the run's steps over which a loss is averaged."""


def _ends(losses: np.ndarray) -> tuple[float, float]:
    size = max(1, min(len(losses) // 2 or 1, int(len(losses) * WINDOW)))
    return float(np.mean(losses[:size])), float(np.mean(losses[-size:]))


def final_loss(chart: Chart) -> float:
    """The mean loss of the last tenth of the steps; infinite once it is not finite."""
    if not len(chart.losses):
        return math.nan
    end = _ends(chart.losses)[1]
    return end if math.isfinite(end) else math.inf


def progress(chart: Chart) -> float:
    """Share of the best constant answer's loss that is gone at the end.

    Where that loss is unknown, the loss at the start stands for it. 1 is perfect, 0 a constant answer or no movement,
    negative worse than that; NaN without losses.
    """
    if not len(chart.losses):
        return math.nan
    constant = chart.loss.constant if chart.loss is not None else math.nan
    base = constant if math.isfinite(constant) and constant > 0 else float(chart.losses[0])
    end = final_loss(chart)
    if not math.isfinite(end):
        return -math.inf
    return 1 - end / base if base > 0 else math.nan


def learns(chart: Chart) -> bool:
    """Whether the run learned well enough that nothing needs to be said: as well as noisy data let a simple method.

    So does, as far as can be known, one whose loss belongs to a game.
    """
    if chart.game:
        return True
    attainable = chart.pairing.attainable if chart.pairing is not None else math.nan
    enough = LEARNED if math.isnan(attainable) else min(LEARNED, max(FEW, attainable))
    return progress(chart) >= enough


def validated(chart: Chart) -> tuple[float, float]:
    """`progress` by the validation's losses: at its best, and at the end (the mean of the last two evaluations).

    NaN without a validation, or where the best constant answer's loss is unknown.
    """
    constant = chart.loss.constant if chart.loss is not None else math.nan
    losses = chart.validation.losses if chart.validation is not None else np.zeros(0)
    if not len(losses) or not (math.isfinite(constant) and constant > 0):
        return math.nan, math.nan
    losses = np.where(np.isfinite(losses), losses, np.inf)
    return 1 - float(losses.min()) / constant, 1 - float(losses[-2:].mean()) / constant


def informative(chart: Chart) -> bool | None:
    """Whether the inputs tell anything of the targets; None if that is unknown."""
    if chart.pairing is None or math.isnan(chart.pairing.p):
        return None
    return True if chart.pairing.p <= CHANCE else None if chart.pairing.counted else False


def against_constant(chart: Chart, loss: float) -> float:
    """A loss over the best constant answer's; NaN where that is unknown or not over 0."""
    constant = chart.loss.constant if chart.loss is not None else math.nan
    return loss / constant if math.isfinite(constant) and constant > 0 else math.nan


def divergence(chart: Chart) -> float:
    """The loss at the end over the first step's; infinite once it is not finite, NaN where the first is not over 0."""
    if not len(chart.losses):
        return math.nan
    start, end = float(chart.losses[0]), final_loss(chart)
    if not math.isfinite(end):
        return math.inf
    return end / start if math.isfinite(start) and start > 0 else math.nan


def diverged(chart: Chart) -> bool:
    """Whether the loss became infinite or NaN, or ended far above where it started.

    Not where it ended about at the best constant answer's: there, the first batch was an easy one.
    """
    return not chart.game and divergence(chart) > DIVERGED and not against_constant(chart, final_loss(chart)) < ABOUT


def falling(chart: Chart, share: float = 1 / 3) -> float:
    """By which share the loss fell over the last third of the run, by a straight line less its error; 0 if it did not.

    Of runs of less than 12 steps, all are taken.

    Args:
        share: of the run, another than a third.
    """
    losses = chart.losses
    if len(losses) < 4 or not np.isfinite(losses).all():
        return 0.0
    third = losses[-int(len(losses) * share) :] if len(losses) >= 12 else losses
    time = np.arange(len(third)) - (len(third) - 1) / 2
    spread = float(np.sum(time**2))
    slope = float(time @ third) / spread
    noise = math.sqrt(float(np.mean((third - third.mean() - slope * time) ** 2)) / spread)
    return max(0.0, -(slope + 2 * noise) * len(third) / max(abs(float(np.mean(third))), 1e-300))


def travelled(chart: Chart) -> float:
    """How far the fastest layer can have come, in units of its weights' size: steps times a typical update's share.

    NaN where nothing is known of updates.
    """
    moves = typical(chart, "update_ratio")[trained(chart)] if chart.layers else np.zeros(0)
    return chart.steps * 10 ** float(np.nanmax(moves)) if len(moves) and not np.isnan(moves).all() else math.nan


def batch_over_noise(chart: Chart) -> float:
    """The batch over the gradient's noise scale; infinite where the gradient has no noise, NaN where it is unknown."""
    noise = chart.gradient_noise
    if math.isnan(noise) or not chart.batch:
        return math.nan
    return chart.batch / noise if noise > 0 else math.inf


def trained(chart: Chart) -> np.ndarray:
    """Which layers are trained, bool of shape (layers,)."""
    return np.array([layer.trained for layer in chart.layers], bool)


def hidden(chart: Chart) -> range:
    """The places of the layers before the output layer."""
    return range(max(0, len(chart.layers) - 1))


def first_over_last(chart: Chart) -> tuple[float, int] | None:
    """The first trained layers' gradient over the last one's at the first moment, and the place of the first one.

    Of the first quarter of the layers the largest counts: an attention's queries and keys get little at the start, and
    the values beside them get enough.

    None with fewer than two trained layers, or no gradient to compare.
    """
    places = np.flatnonzero(trained(chart))
    if len(places) < 2 or not len(chart.moments):
        return None
    gradient = chart.signs["gradient_rms"][0]
    early = places[: max(1, len(places) // 4)]
    first, last = float(np.max(gradient[early])), float(gradient[places[-1]])
    return (first / last, int(places[0])) if last > 0 and not math.isnan(first) else None


def typical(chart: Chart, sign: str) -> np.ndarray:
    """The median over moments of a sign, shape (layers,); NaN where it never was."""
    values = np.asarray(chart.signs[sign], float)
    if not values.size:
        return np.zeros(len(chart.layers))
    # NumPy's median of infinities of either sign is not a number: large numbers stand for them.
    values = np.where(np.isinf(values), np.sign(values) * _FAR, values)
    known = ~np.isnan(values).all(axis=0)
    result = np.full(values.shape[1], math.nan)
    result[known] = np.nanmedian(values[:, known], axis=0)
    return np.where(np.abs(result) >= _FAR / 2, np.sign(result) * math.inf, result)
