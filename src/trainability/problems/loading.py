"""From a problem's name to the data of a trial: make, draw, hold out, transform."""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path
from typing import Final

import numpy as np

from trainability.core.catalogue import Catalogue, Parameter
from trainability.core.errors import DataError, SpecError, UnknownName
from trainability.core.types import Dataset
from trainability.problems.features import apply_features
from trainability.problems.problem import HELD_OUT, Draw, Problem, Samples, Source, generator
from trainability.problems.split import split, subset
from trainability.problems.standardize import fit_scale
from trainability.problems.tables import EXTENSIONS

PROBLEMS: Catalogue[Problem] = Catalogue("problem", "trainability.problems", Problem)
SOURCES: Catalogue[Source] = Catalogue("source", "trainability.problems", Source)

_NOISE: Final = Parameter("noise", 0, low=0)
_MAX_SAMPLES: Final = 10_000_000
_WIDE: Final = 10.0
_SOURCE_TARGETS: Final = {"binary": "accuracy>=0.95", "classes": "accuracy>=0.95", "regression": "r2>=0.9"}


def load(
    text: str,
    *,
    seed: int = 0,
    validation: float | None = None,
    samples: int | None = None,
    noise: float | None = None,
    features: tuple[str, ...] = ("raw",),
    standardize: bool = False,
    target_column: str | None = None,
) -> Dataset:
    """The data that `text` names; the same arguments give the same data, bit for bit.

    Args:
        text: a problem (``xor``, ``parity:4``, ``spiral``, ``digits``), ``file:PATH`` or ``mnist:DIR``.
        seed: from 0 to 2^64 - 1; decides the samples, the noise, the subset and who is held out.
        validation: the fraction held out, from 0 to below 1; by default 0.25, and 0 for gates and parity.
        samples: how many to draw; of data that is what it is, a random subset.
        noise: how much noise; each problem says what one unit of it does.
        features: what is made of the inputs, side by side; see `FEATURES`.
        standardize: inputs, and targets of a regression, get mean 0 and deviation 1 over training samples.
        target_column: for ``file:`` the column to be learned, by name or by number counted from 0.

    Raises UnknownName, SpecError for settings that do not fit, and DataError for data not to be learned from.
    """
    name, target, made, exhaustive = _make(text, seed, samples, noise, target_column)
    notes = list(made.notes)
    x, names = apply_features(made.x, made.features, features)
    held = made.held_out
    if held is not None:
        if validation:
            raise SpecError(
                f"'{name}' brings its own held-out samples; leave the validation fraction away, or use 0 "
                "to hold none out"
            )
        train = np.arange(len(x))
        x_held, y_held = held if validation is None else (held[0][:0], held[1][:0])
        x_held = apply_features(x_held, made.features, features)[0]
    else:
        fraction = validation if validation is not None else 0.0 if exhaustive else HELD_OUT
        train, rest, remarks = _parts(made, fraction, seed)
        x_held, y_held = x[rest], made.y[rest]
        notes += remarks
    x_train, y_train = (x, made.y) if len(train) == len(x) and held is not None else (x[train], made.y[train])
    if standardize:
        scale = fit_scale(x_train, names)
        x_train, x_held = scale(x_train), scale(x_held)
        if made.task == "regression":
            scale = fit_scale(y_train, made.targets)
            y_train, y_held = scale(y_train), scale(y_held)
            notes += [
                f"target '{t}' is standardised: minus {m:.6g}, divided by {d:.6g}"
                for t, m, d in zip(made.targets, scale.mean, scale.deviation, strict=True)
            ]
    else:
        notes += _scale_notes(x_train, names, "input")
        if made.task == "regression":
            notes += _scale_notes(y_train, made.targets, "target")
    return Dataset(
        name=name,
        task=made.task,
        x_train=x_train,
        y_train=y_train,
        x_validation=x_held,
        y_validation=y_held,
        features=names,
        classes=made.classes,
        targets=made.targets,
        target=f"validation_{target}" if len(x_held) else target,
        notes=tuple(notes),
    )


def _make(
    text: str, seed: int, samples: int | None, noise: float | None, target_column: str | None
) -> tuple[str, str, Samples, bool]:
    """(name, default target, data thinned to `samples`, whether it is all there is) of what `text` names."""
    generator(seed, "points")  # a bad seed is said before anything is read
    text = text.strip()
    word, _, rest = text.partition(":")
    word = word.strip().lower()
    if word in SOURCES:
        source = SOURCES[word]
        if not rest.strip():
            raise SpecError(f"problem '{text}' needs a path: {source.usage}")
        if noise is not None:
            raise SpecError(f"'{source.usage}' takes no noise: its data is what it is")
        if target_column is not None and not source.takes_column:
            raise SpecError(f"'{source.usage}' takes no target column: what is to be learned is fixed")
        made = source.read(Path(rest.strip()).expanduser(), target_column)
        return text, _SOURCE_TARGETS[made.task], _thin(made, samples, seed, text), False
    if word not in PROBLEMS:
        _refuse(text, word)
    choice = PROBLEMS.choose(text)
    problem = choice.entry
    if target_column is not None:
        raise SpecError(f"problem '{choice.text}' has no columns to choose a target from; that is for file:PATH")
    if noise is not None and not problem.noise:
        raise SpecError(f"problem '{choice.text}' takes no noise; only sampled sets such as spiral or sine do")
    if problem.samples is None:
        made = problem.make(Draw(seed), *choice.values)
        if samples is not None and problem.exhaustive:
            raise SpecError(f"problem '{choice.text}' has exactly {len(made.x)} samples; leave the number away")
        made = _thin(made, samples, seed, choice.text)
    else:
        count = problem.samples if samples is None else samples
        least = 2 * int(choice.named.get("k", 2))
        Parameter("samples", problem.samples, low=least, high=_MAX_SAMPLES, integer=True).check(count, choice.text)
        level = _NOISE.check(0.0 if noise is None else noise, choice.text)
        made = problem.make(Draw(seed, int(count), level), *choice.values)
    return choice.text, problem.target, made, problem.exhaustive


def _refuse(text: str, word: str) -> None:
    """Raise UnknownName for a word that is no problem, or DataError if it looks like a file."""
    near = difflib.get_close_matches(word, [source.name for source in SOURCES], n=1, cutoff=0.6)
    if not near and Path(text).suffix.lower() in EXTENSIONS:
        raise DataError(f"'{text}' looks like a file and not like a problem's name; write file:{text}")
    names = [key for entry in PROBLEMS for key in (entry.name, *entry.aliases)]
    known = [SOURCES[near[0]].usage] if near else [*names, *(source.usage for source in SOURCES)]
    raise UnknownName("problem", word, known)


def _thin(made: Samples, samples: int | None, seed: int, name: str) -> Samples:
    """`made` with a random subset of that many samples; samples held out by the source stay."""
    if samples is None:
        return made
    least = max(4, 2 * len(made.classes))
    if not least <= samples <= len(made.x):
        raise SpecError(
            f"{name} has {len(made.x):,} samples: the number to use must be from {least} to that, got {samples:,}"
        )
    chosen = subset(made.y, len(made.classes), samples, generator(seed, "subset"))
    return dataclasses.replace(made, x=made.x[chosen], y=made.y[chosen])


def _parts(made: Samples, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Indices of training and held-out samples, and notes; SpecError for a fraction outside [0, 1)."""
    if not 0 <= fraction < 1:
        raise SpecError(f"the validation fraction must be at least 0 and below 1, got {fraction:g}")
    if fraction == 0:
        return np.arange(len(made.x)), np.arange(0), ()
    return split(made.y, made.classes, fraction, generator(seed, "split"))


def _scale_notes(columns: np.ndarray, names: tuple[str, ...], kind: str) -> list[str]:
    """A note if a column of inputs or targets varies so widely that usual initialisers and steps are off."""
    deviation = columns.std(axis=0)
    widest = int(deviation.argmax())
    if deviation[widest] <= _WIDE:
        return []
    return [f"{kind} '{names[widest]}' has a standard deviation of {deviation[widest]:.3g}: standardise the data"]
