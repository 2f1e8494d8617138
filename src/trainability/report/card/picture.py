"""The picture that is sent through an activation: our own, or a PNG of the user's."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Final

import numpy as np

from trainability.core.errors import DataError

SIDE: Final = 128
_MOST_PIXELS: Final = 50_000_000
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


def own_picture() -> np.ndarray:
    """Hills under a sun, with a ramp and a checkerboard: brightness, shape (SIDE, SIDE)."""
    y, x = np.mgrid[1 : 0 : SIDE * 1j, 0 : 1 : SIDE * 1j]
    scene = 0.45 + 0.3 * y
    scene = np.where((x - 0.74) ** 2 + (y - 0.78) ** 2 < 0.13**2, 1.0, scene)
    for base, height, waves, shade in ((0.52, 0.10, 1.3, 0.36), (0.38, 0.08, 2.1, 0.22)):
        scene = np.where(y < base + height * np.sin(2 * np.pi * waves * x + 9 * base), shade + 0.2 * y, scene)
    scene = np.where(y < 0.22, x, scene)
    checks = (np.floor(16 * x) + np.floor(16 * y)) % 2
    return np.where((y < 0.22) & (x > 0.5), checks, scene)


def read_picture(path: str | os.PathLike[str]) -> np.ndarray:
    """The brightness of a PNG, from 0 to 1, thinned to at most twice `SIDE` a side.

    Raises:
        DataError: there is no such file, it is no PNG or a damaged one, or it is too large.
    """
    from matplotlib.image import imread

    try:
        with Path(path).open("rb") as stream:
            head = stream.read(24)
    except OSError as error:
        raise DataError(f"cannot read the picture '{path}': {(error.strerror or str(error)).lower()}") from None
    if len(head) < 24 or not head.startswith(_SIGNATURE):
        raise DataError(f"'{path}' is not a PNG picture; convert it to PNG first")
    width, height = struct.unpack(">II", head[16:24])
    if width * height > _MOST_PIXELS:
        raise DataError(
            f"the picture '{path}' has {width:,} × {height:,} pixels, more than {_MOST_PIXELS:,}; shrink it"
        )
    try:
        pixels = np.asarray(imread(Path(path)), float)
    except Exception as error:  # the decoder raises whatever it meets
        raise DataError(f"the picture '{path}' is damaged: {error}") from None
    if pixels.ndim == 3:
        pixels = pixels[..., :3].mean(axis=-1) if pixels.shape[-1] >= 3 else pixels[..., 0]
    stride = -(-max(pixels.shape) // (2 * SIDE))
    return pixels[::stride, ::stride]


def standardized(picture: np.ndarray) -> np.ndarray:
    """`picture` with mean 0 and deviation 1; of one brightness, all 0."""
    spread = picture.std()
    return (picture - picture.mean()) / spread if spread > 1e-12 else np.zeros_like(picture)
