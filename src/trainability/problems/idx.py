"""MNIST and sets of its format: IDX files, gzipped or not.

Reference: http://yann.lecun.com/exdb/mnist
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from trainability.core.errors import DataError
from trainability.problems.problem import Samples, Source, check_size

_IMAGES: Final = (0x803, 3, "images-idx3-ubyte")
_LABELS: Final = (0x801, 1, "labels-idx1-ubyte")


def read_idx(path: Path, magic: int, dimensions: int) -> np.ndarray:
    """The unsigned bytes of an IDX file, in the shape that its header states.

    DataError when the file is damaged, has another magic number, or holds fewer or more bytes than it states.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as stream:
            head = _take(stream, 4 + 4 * dimensions)
            found = int.from_bytes(head[:4], "big")
            if len(head) >= 4 and found != magic:
                raise DataError(
                    f"'{path}' starts with the number 0x{found:08x}, but an IDX file of {dimensions} "
                    f"dimension(s) of bytes starts with 0x{magic:08x}"
                )
            if len(head) < 4 + 4 * dimensions:
                raise DataError(
                    f"'{path}' is truncated: its header needs {4 + 4 * dimensions} bytes, found {len(head)}"
                )
            shape = struct.unpack(f">{dimensions}I", head[4:])
            expected = math.prod(shape)
            check_size(shape[0], math.prod(shape[1:]), f"'{path}'")
            body = _take(stream, expected + 1)
    except (OSError, zlib.error) as error:
        raise DataError(f"'{path}' cannot be read: {error}") from None
    if len(body) < expected:
        raise DataError(f"'{path}' is truncated: its header states {expected:,} bytes of data, found {len(body):,}")
    if len(body) > expected:
        raise DataError(f"'{path}' holds more than the {expected:,} bytes of data that its header states")
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)


def _take(stream, count: int) -> bytes:
    """At most `count` bytes; fewer where the file, or its compressed stream, ends early."""
    parts, missing = [], count
    try:
        while missing and (part := stream.read(min(missing, 1 << 20))):
            parts.append(part)
            missing -= len(part)
    except EOFError:
        pass
    return b"".join(parts)


def _find(folder: Path, part: str, ending: str) -> Path | None:
    """The file of that part under any of its four usual names."""
    names = [f"{part}{dash}{ending}{gz}" for gz in ("", ".gz") for dash in ("-", ".")]
    names += [f"{part}-{ending.replace('-idx', '.idx')}{gz}" for gz in ("", ".gz")]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _part(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray] | None:
    """(images (samples, rows, columns), labels) of ``train`` or ``t10k``; None when neither file is there."""
    images, labels = (_find(folder, part, ending) for _, _, ending in (_IMAGES, _LABELS))
    if images is None and labels is None:
        return None
    for path, (_, _, ending) in ((images, _IMAGES), (labels, _LABELS)):
        if path is None:
            raise DataError(f"'{folder}' has no file {part}-{ending} (nor with .gz), but has the other of the pair")
    assert images is not None
    assert labels is not None
    x, y = read_idx(images, *_IMAGES[:2]), read_idx(labels, *_LABELS[:2])
    if len(x) != len(y):
        raise DataError(f"'{images}' has {len(x):,} images, but '{labels}' has {len(y):,} labels")
    if not x.size:
        raise DataError(f"'{images}' has no images")
    return x, y


def read_mnist(folder: Path, target_column: str | None = None) -> Samples:
    """The images of a folder as rows of pixels from 0 to 1; t10k is held out when train is there too."""
    if not folder.is_dir():
        raise DataError(f"'{folder}' is not a folder; mnist:DIR wants the folder with the IDX files")
    train, test = _part(folder, "train"), _part(folder, "t10k")
    first = train or test
    if first is None:
        wanted = ", ".join(f"{part}-{ending}" for part in ("train", "t10k") for _, _, ending in (_IMAGES, _LABELS))
        raise DataError(f"'{folder}' holds no MNIST; looked for {wanted}, also with .idx for -idx and with .gz")
    x, y = first
    labels = np.unique(y)
    if len(labels) < 2:
        raise DataError(f"'{folder}': every label is {labels[0]}, so there is nothing to learn")
    rows, columns = x.shape[1:]
    held_out = None
    if train and test:
        if test[0].shape[1:] != x.shape[1:]:
            raise DataError(
                f"'{folder}': training images are {rows} by {columns} pixels, those of t10k "
                f"{test[0].shape[1]} by {test[0].shape[2]}"
            )
        if strange := np.setdiff1d(test[1], labels).tolist():
            raise DataError(f"'{folder}': t10k has the label {strange[0]}, which no training image has")
        held_out = (_pixels(test[0]), np.searchsorted(labels, test[1]).astype(np.int64))
    notes = (
        f"train has {len(x):,} images; the {len(held_out[0]):,} of t10k are held out"
        if held_out
        else f"only {'train' if train else 't10k'} is there: {len(x):,} images",
    )
    names = tuple(f"pixel_{r}_{c}" for r in range(rows) for c in range(columns))
    return Samples(
        _pixels(x),
        np.searchsorted(labels, y).astype(np.int64),
        names,
        tuple(str(k) for k in labels.tolist()),
        ("label",),
        notes,
        held_out,
    )


def _pixels(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1) / 255.0


MNIST = Source(
    name="mnist",
    summary="MNIST, Fashion-MNIST or any set of IDX files in a folder",
    placeholder="DIR",
    read=read_mnist,
    reference="http://yann.lecun.com/exdb/mnist",
)
