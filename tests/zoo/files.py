"""Data that lie beside the checkout; what needs them is left out where they do not."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tests.zoo.data import Arrays

DATA = Path(__file__).parents[3] / "shared" / "data"
CARS, IMAGES, LABELS = "auto-mpg.csv", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
Case = TypeVar("Case", bound=Callable[..., Any])


def cars(scaled: bool = True) -> Arrays:
    """Auto MPG: seven figures and the origin of 392 cars; miles per gallon."""
    table = np.genfromtxt(DATA / CARS, delimiter=",", skip_header=1)
    table = table[np.isfinite(table).all(axis=1)]
    if scaled:
        table = (table - table.min(axis=0)) / np.ptp(table, axis=0)
    return table[:, 1:].astype(np.float32), table[:, :1].astype(np.float32)


def images(scale: float = 255.0) -> Arrays:
    """MNIST's test images, flat, pixels from 0 to 255 / scale."""
    with gzip.open(DATA / IMAGES) as pixels, gzip.open(DATA / LABELS) as labels:
        x = np.frombuffer(pixels.read(), np.uint8, offset=16).reshape(-1, 784)
        y = np.frombuffer(labels.read(), np.uint8, offset=8)
    return (x / scale).astype(np.float32), y.astype(np.int32)


def needs(name: str) -> Callable[[Case], Case]:
    """Mark a case that needs a file of `DATA`."""

    def mark(case: Case) -> Case:
        case.needs = name  # pyright: ignore[reportFunctionMemberAccess]
        return case

    return mark


def missing_data(case: Callable[..., Any]) -> str | None:
    """The file that a case needs and that is not there."""
    name = getattr(case, "needs", None)
    return name if name is not None and not (DATA / name).is_file() else None
