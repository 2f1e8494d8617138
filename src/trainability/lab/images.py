"""Images of a data set as arrays that can be drawn."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from trainability.core.errors import DataError, SpecError
from trainability.core.types import Dataset
from trainability.problems import SOURCES


def at_most(source: str, most: int) -> int | None:
    """How many samples to take of data such as ``mnist:DIR``: `most`, or None for all where it has no more.

    UsageError if the source is unknown, names no folder or cannot be read.
    """
    word, _, place = source.partition(":")
    if not place.strip():
        raise SpecError(f"'{source}' needs a path: {SOURCES[word].usage}")
    there = len(SOURCES[word].read(Path(place.strip()).expanduser(), None).x)
    return most if there > most else None


def shape(data: Dataset) -> tuple[int, int, int]:
    """(rows, columns, channels) of a data set whose features are named ``…_ROW_COLUMN``, a channel after the other.

    DataError if its features are not.
    """
    found = re.fullmatch(r".*_(\d+)_(\d+)", data.features[-1])
    rows, columns = (int(place) + 1 for place in found.groups()) if found else (0, 0)
    if not rows or len(data.features) % (rows * columns):
        raise DataError(f"'{data.name}' holds no images")
    return rows, columns, len(data.features) // (rows * columns)


def as_images(data: Dataset, x: np.ndarray) -> np.ndarray:
    """Inputs (samples, features) as images (samples, rows, columns, channels)."""
    rows, columns, channels = shape(data)
    return x.reshape(len(x), channels, rows, columns).transpose(0, 2, 3, 1)
