"""NPZ files: a pair of NumPy arrays, inputs and target."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from trainability.core.errors import DataError
from trainability.problems.columns import MIN_ROWS, Column, as_target, drop_constant
from trainability.problems.problem import MAX_ARRAY_BYTES, Samples, check_size

_KINDS: Final = {"b": "booleans", "i": "integers", "u": "integers", "f": "floats", "U": "text", "S": "text"}


def read_npz(path: Path, owner: str) -> Samples:
    """Inputs x (samples, …) and target y of an NPZ file; DataError for one missing, pickled or damaged."""
    shapes = _headers(path, owner)
    x_name, y_name = _pair(owner, shapes)
    for name, (shape, dtype) in shapes.items():
        if name not in (x_name, y_name):
            continue
        if dtype.hasobject:
            raise DataError(
                f"{owner}: array '{name}' holds pickled Python objects, which are not read because they can "
                "run code; save it as numbers or text"
            )
        if dtype.kind not in (_KINDS if name == y_name else "biuf"):
            raise DataError(f"{owner}: array '{name}' is of type {dtype}; numbers are needed")
        if not shape:
            raise DataError(f"{owner}: array '{name}' is a single value, not an array of samples")
        check_size(shape[0], math.prod(shape[1:]), f"{owner}, array '{name}'")
        if math.prod(shape) * dtype.itemsize > MAX_ARRAY_BYTES:
            raise DataError(
                f"{owner}: array '{name}' takes {math.prod(shape) * dtype.itemsize / 1e9:,.1f} GB of memory, "
                f"more than the {MAX_ARRAY_BYTES / 1e9:g} GB allowed"
            )
    rows, answers = shapes[x_name][0][0], shapes[y_name][0][0]
    if rows != answers:
        raise DataError(f"{owner}: array '{x_name}' has {rows:,} samples, but '{y_name}' has {answers:,}")
    if rows < MIN_ROWS:
        raise DataError(f"{owner} has {rows} sample(s); at least {MIN_ROWS} are needed")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            raw, y = arrays[x_name], arrays[y_name]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{owner} is damaged: {error}") from None
    x = _numbers(owner, x_name, raw.reshape(rows, -1))
    if not x.shape[1]:
        raise DataError(f"{owner}: array '{x_name}' of shape {raw.shape} has no inputs")
    notes = [f"inputs: array '{x_name}' of shape {raw.shape}; target: array '{y_name}' of shape {y.shape}"]
    x, names, dropped = drop_constant(owner, x, tuple(f"{x_name}{i}" for i in range(x.shape[1])))
    values, classes, targets, said = _target(owner, y_name, y)
    return Samples(x, values, names, classes, targets, (*notes, said, *dropped))


def _headers(path: Path, owner: str) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """(shape, type) of every array, without reading any."""
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if not member.endswith(".npy"):
                    continue
                with archive.open(member) as stream:
                    version = np.lib.format.read_magic(stream)
                    read = (
                        np.lib.format.read_array_header_1_0
                        if version == (1, 0)
                        else np.lib.format.read_array_header_2_0
                    )
                    shape, _, dtype = read(stream)
                found[member.removesuffix(".npy")] = (shape, dtype)
    except (
        zipfile.BadZipFile,
        OSError,
        ValueError,
        EOFError,
        zlib.error,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise DataError(f"{owner} is not an NPZ file, or is damaged: {error}") from None
    return found


def _pair(owner: str, shapes: dict[str, tuple[tuple[int, ...], np.dtype]]) -> tuple[str, str]:
    """The names of inputs and target: x and y, or the two arrays there are, the one of more numbers first."""
    folded = {name.lower(): name for name in shapes}
    if "x" in folded and "y" in folded:
        return folded["x"], folded["y"]
    if len(shapes) == 2:
        sizes = {name: (len(shape), math.prod(shape)) for name, (shape, _) in shapes.items()}
        y_name, x_name = sorted(sizes, key=lambda name: sizes[name])
        if sizes[x_name] != sizes[y_name]:
            return x_name, y_name
    held = ", ".join(f"'{name}'" for name in shapes) or "none"
    raise DataError(f"{owner}: arrays named x and y, or two arrays that can be told apart, are needed; found {held}")


def _numbers(owner: str, name: str, array: np.ndarray) -> np.ndarray:
    numbers = array.astype(np.float64)
    if not np.isfinite(numbers).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(numbers))[0])
        raise DataError(
            f"{owner}: array '{name}', row {row}, column {column} (from 0) is {numbers[row, column]}; "
            "correct it or leave the sample out"
        )
    return numbers


def _target(owner: str, name: str, y: np.ndarray) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...], str]:
    """(labels or values, classes, names of targets, note) of the array y."""
    flat = y.reshape(len(y), -1)
    width = flat.shape[1]
    if not width:
        raise DataError(f"{owner}: array '{name}' of shape {y.shape} has no targets")
    if width == 1:
        column = flat[:, 0]
        if column.dtype.kind in "US":
            values, codes = np.unique(
                np.char.decode(column, "utf-8", "replace") if column.dtype.kind == "S" else column,
                return_inverse=True,
            )
            understood = Column(name, codes.astype(np.float64), tuple(str(v) for v in values))
        else:
            understood = Column(name, _numbers(owner, name, flat)[:, 0], whole=column.dtype.kind in "biu")
        values, classes, said = as_target(owner, understood, len(y))
        return values, classes, (name,), said
    if flat.dtype.kind in "US":
        raise DataError(f"{owner}: array '{name}' of shape {y.shape} is text; text must be one label per sample")
    numbers = _numbers(owner, name, flat)
    if ((numbers == 0) | (numbers == 1)).all() and (numbers.sum(axis=1) == 1).all() and numbers.any(axis=0).all():
        classes = tuple(str(i) for i in range(width))
        return (
            numbers.argmax(axis=1).astype(np.int64),
            classes,
            (name,),
            f"target '{name}' is one-hot: {width} classes",
        )
    if (constant := numbers.min(axis=0) == numbers.max(axis=0)).any():
        raise DataError(
            f"{owner}: column {int(constant.argmax())} (from 0) of target '{name}' never changes, so "
            "there is nothing to learn"
        )
    return (
        numbers,
        (),
        tuple(f"{name}{i}" for i in range(width)),
        f"target '{name}': a regression of {width} numbers",
    )
