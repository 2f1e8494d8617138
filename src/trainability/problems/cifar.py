"""CIFAR-10 in its binary form: files of records, each a label and the bytes of an image.

Reference: https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from trainability.core.errors import DataError
from trainability.problems.problem import Samples, Source

SIDE: Final = 32
COLOURS: Final = ("red", "green", "blue")
IMAGES: Final = 10_000
"""In each file."""
CLASSES: Final = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TRAIN: Final = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
TEST: Final = "test_batch.bin"
_RECORD: Final = 1 + len(COLOURS) * SIDE * SIDE


def read_batch(path: Path, images: int = IMAGES) -> tuple[np.ndarray, np.ndarray]:
    """(bytes of the images (images, 3072), labels (images,)) of a file; DataError where it is not one.

    An image's bytes are its red, green and blue planes, row by row.
    """
    expected = images * _RECORD
    try:
        with path.open("rb") as stream:
            body = stream.read(expected + 1)
    except FileNotFoundError:
        raise DataError(f"there is no file '{path}'; CIFAR-10's binary form has {', '.join((*TRAIN, TEST))}") from None
    except OSError as error:
        raise DataError(f"'{path}' cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(body) != expected:
        found = f"found {len(body):,}" if len(body) < expected else "it has more"
        state = "is truncated" if len(body) < expected else "is no batch of CIFAR-10"
        raise DataError(
            f"'{path}' {state}: {images:,} images of {_RECORD:,} bytes each are {expected:,} bytes, {found}"
        )
    records = np.frombuffer(body, np.uint8).reshape(images, _RECORD)
    labels = records[:, 0]
    if labels.max() >= len(CLASSES):
        place = int((labels >= len(CLASSES)).argmax())
        raise DataError(
            f"'{path}': image {place} has the label {labels[place]}, but CIFAR-10 has labels 0 to 9; is this CIFAR-100?"
        )
    return records[:, 1:], labels.astype(np.int64)


def read_cifar10(folder: Path, target_column: str | None = None) -> Samples:
    """The images of a folder as rows of numbers from 0 to 1, float32; ``test_batch.bin`` is held out."""
    if not folder.is_dir():
        raise DataError(f"'{folder}' is not a folder; cifar10:DIR wants the folder with {TRAIN[0]} and its like")
    inner = folder / "cifar-10-batches-bin"  # what the archive unpacks to
    folder = inner if inner.is_dir() and not (folder / TRAIN[0]).exists() else folder
    parts = [read_batch(folder / name) for name in TRAIN]
    test, answers = read_batch(folder / TEST)
    x = np.concatenate([_scaled(part) for part, _ in parts])
    names = tuple(f"{colour}_{r}_{c}" for colour in COLOURS for r in range(SIDE) for c in range(SIDE))
    return Samples(
        x, np.concatenate([labels for _, labels in parts]), names, CLASSES, ("label",),
        (f"train has {len(x):,} images; the {len(test):,} of {TEST} are held out",), (_scaled(test), answers),
    )  # fmt: skip


def _scaled(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / np.float32(255)  # float64 would take 1.5 GB


CIFAR10 = Source(
    name="cifar10",
    aliases=("cifar",),
    summary="CIFAR-10's binary files in a folder: 32 by 32 pixels, three colours, ten classes",
    placeholder="DIR",
    read=read_cifar10,
    reference="A. Krizhevsky, Learning multiple layers of features from tiny images, 2009",
)
