"""From what an engine measured to the records of a block; see `core.records`."""

from __future__ import annotations

import dataclasses

import numpy as np

from trainability.core.records import SCORES
from trainability.core.types import Dataset
from trainability.engine.interface import Measures, Program, Trials
from trainability.losses import LOSSES


def record_columns(
    program: Program,
    data: Dataset,
    trials: Trials,
    marks: tuple[int, ...],
    histories: np.ndarray,
    vitals: np.ndarray,
    measures: Measures,
    *,
    first_step: np.ndarray,
    nan_step: np.ndarray,
    stop_step: np.ndarray,
) -> dict[str, np.ndarray]:
    """The records of trials.

    Args:
        trials: with the threshold as `counted` has it.
        marks: the checkpoints.
        histories: the four scores, (trials, checkpoints, scores); of labels the score is the number of right ones.
        vitals: (trials, checkpoints, layers, vital signs).
        first_step, nan_step, stop_step: when the target first held, when a trial became non-finite, when early
            stopping ended it; −1 for never.
    """
    last, steps = histories[:, -1], marks[-1]
    value = last[:, SCORES.index(program.target.metric)]
    threshold = trials.numbers["threshold"].astype(program.dtype)
    holds = value >= threshold if program.target.at_least else value <= threshold
    diverged, stopped = nan_step >= 0, stop_step >= 0
    solved = holds & ~diverged
    if program.labels:  # from right labels to the accuracy
        samples = [max(1, _samples_of(name, data)) if name.endswith("score") else 1 for name in SCORES]
        histories = histories.astype(np.float64) / samples
        last = histories[:, -1]
    with np.errstate(over="ignore"):  # a float64 history may be too large for the record's float32: inf
        kept, signs = histories.astype(np.float32), vitals.astype(np.float32)
    first = first_step.astype(np.int64)
    end_step = np.where(diverged, nan_step, np.where(stopped, stop_step, steps)).astype(np.int64)
    return {
        "cell": trials.cell,
        "trial": trials.trial.astype(np.int32),
        "ended": np.where(diverged, "nan", np.where(stopped, "stopped", np.where(solved, "solved", "steps"))),
        "solved": solved,
        "end_step": end_step,
        "first_step": np.where((first < 0) & solved, end_step, first),
        **{name: last[:, i].astype(np.float64) for i, name in enumerate(SCORES)},
        "checkpoint": np.tile(np.array(marks), (len(trials), 1)),
        **{f"history_{name}": kept[:, :, i] for i, name in enumerate(SCORES)},
        **{name: signs[:, :, :, i] for i, name in enumerate(measures.names)},
    }


def _samples_of(metric: str, data: Dataset) -> int:
    return len(data.x_train if metric.startswith("train") else data.x_validation)


def counted(program: Program, trials: Trials, data: Dataset) -> Trials:
    """The trials with a threshold on the accuracy as the least number of right labels, which is exact in float32."""
    if not program.labels or program.target.metric.endswith("loss"):
        return trials
    samples = _samples_of(program.target.metric, data)
    least = np.ceil(trials.numbers["threshold"] * samples - 1e-6)
    return dataclasses.replace(trials, numbers={**trials.numbers, "threshold": least})


def pad(trials: Trials, size: int) -> Trials:
    """Trials filled up to `size` with copies of the first."""
    if not 1 <= len(trials) <= size:
        raise ValueError(f"a block of this program holds 1 to {size} trials, got {len(trials)}")
    return take(trials, np.array([*range(len(trials)), *([0] * (size - len(trials)))]))


def take(trials: Trials, rows: np.ndarray) -> Trials:
    """The trials of some rows."""
    return Trials(
        seed=trials.seed,
        cell=trials.cell[rows],
        trial=trials.trial[rows],
        init=tuple(trials.init[i] for i in rows),
        bias_init=tuple(trials.bias_init[i] for i in rows),
        numbers={name: values[rows] for name, values in trials.numbers.items()},
    )


def spread(data: Dataset, targets: np.ndarray) -> float:
    """What R² divides by: Σ (y − mean)² of encoded targets (samples, outputs); 0 for labels."""
    return float(np.sum((targets - targets.mean(axis=0)) ** 2)) if data.task == "regression" and len(targets) else 0.0


def encoded(program: Program, data: Dataset) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """(inputs, encoded targets, spread) of the training and of the held-out samples; float64."""
    loss = LOSSES[program.loss]
    splits = ((data.x_train, data.y_train), (data.x_validation, data.y_validation))
    both = [(x, loss.encode(data, y)) for x, y in splits]
    return [(x, targets, spread(data, targets)) for x, targets in both]
