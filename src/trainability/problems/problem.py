"""What a problem is, and the draws from which its data comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from trainability.core.catalogue import Entry
from trainability.core.errors import DataError, SpecError
from trainability.core.types import Task

MAX_ARRAY_BYTES: Final = 1_000_000_000
HELD_OUT: Final = 0.25

# Second word of the Philox key. Each purpose has its own stream, so that another noise level keeps the points
# and another validation fraction keeps the data. The high half spells "prob": other users of a seed differ.
_STREAMS: Final = {name: 0x70726F62_00000000 + i for i, name in enumerate(("points", "noise", "subset", "split"))}


def generator(seed: int, purpose: str) -> np.random.Generator:
    """The generator of `seed` for ``points``, ``noise``, ``subset`` or ``split``; SpecError for a bad one."""
    if not 0 <= seed < 2**64:
        raise SpecError(f"seed must be a whole number from 0 to 2^64 - 1, got {seed}")
    return np.random.Generator(np.random.Philox(key=np.array([seed, _STREAMS[purpose]], dtype=np.uint64)))


@dataclass(frozen=True)
class Samples:
    """Data as a problem makes it, before anything is held out.

    Attributes:
        x: inputs, float64, shape (samples, features).
        y: int64 labels (samples,), or for a regression float64 (samples, targets).
        features, classes, targets, notes: as in `core.types.Dataset`.
        held_out: (x, y) of samples that the source itself holds out, if it does.
    """

    x: np.ndarray
    y: np.ndarray
    features: tuple[str, ...]
    classes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ("y",)
    notes: tuple[str, ...] = ()
    held_out: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def task(self) -> Task:
        """What is to be learned, by the number of classes."""
        if not self.classes:
            return "regression"
        return "binary" if len(self.classes) == 2 else "classes"


@dataclass(frozen=True)
class Draw:
    """One draw of a problem: how many samples, how much noise, which seed."""

    seed: int
    samples: int = 0
    noise: float = 0.0

    @property
    def points(self) -> np.random.Generator:
        """The generator of the samples' places."""
        return generator(self.seed, "points")

    @property
    def disturbance(self) -> np.random.Generator:
        """The generator of the noise."""
        return generator(self.seed, "noise")


@dataclass(frozen=True, kw_only=True)
class Problem(Entry):
    """A data set that has a name.

    Attributes:
        task: what is to be learned (``blobs:2`` has two classes and so is binary).
        target: when a trial counts as solved unless the user says otherwise.
        target_reason: why that target.
        make: (draw, one value per parameter) to samples.
        samples: how many are drawn by default; None when the data is what it is.
        noise: what one unit of noise does; empty when the problem takes none.
        exhaustive: the samples are all there are: nothing is held out by default and no subset is drawn.
    """

    task: Task
    target: str
    target_reason: str
    make: Callable[..., Samples]
    samples: int | None = None
    noise: str = ""
    exhaustive: bool = False


@dataclass(frozen=True, kw_only=True)
class Source(Entry):
    """Data of the user's own, chosen as ``name:PATH``.

    Attributes:
        placeholder: what the path is, in a word: ``PATH``, ``DIR``.
        read: (path, target column or None) to samples.
        takes_column: whether a target column can be chosen.
    """

    placeholder: str
    read: Callable[[Path, str | None], Samples]
    takes_column: bool = False

    @property
    def usage(self) -> str:
        """How it is written: ``file:PATH``."""
        return f"{self.name}:{self.placeholder}"


def check_size(rows: int, columns: int, what: str) -> None:
    """DataError if a float64 table of that shape is more than a gigabyte."""
    size = rows * columns * 8
    if size > MAX_ARRAY_BYTES:
        raise DataError(
            f"{what}: {rows:,} samples of {columns:,} numbers take {size / 1e9:,.1f} GB of memory, more than "
            f"the {MAX_ARRAY_BYTES / 1e9:g} GB allowed; use fewer samples or features"
        )


def several(names: list[str] | tuple[str, ...], most: int = 5) -> str:
    """The names in quotes, at most that many: ``'a', 'b' and 12 more``."""
    shown = ", ".join(f"'{n}'" for n in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
