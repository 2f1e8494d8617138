"""Warnings of a watched script, as they are without the watch."""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Final, TextIO

OURS: Final = str(Path(__file__).parents[1])
_BETWEEN: Final = "torch/overrides.py"
"""Hands a call over to us, and is not there without us."""


@contextlib.contextmanager
def as_without_us() -> Iterator[None]:
    """Show warnings at the place that they are meant to be shown at, which our calls in between have moved."""
    shown = warnings.showwarning

    def showwarning(
        message: Warning | str, category: type[Warning], filename: str, lineno: int,
        file: TextIO | None = None, line: str | None = None,
    ) -> None:  # fmt: skip
        shown(message, category, *_place(filename, lineno), file, line)

    warnings.showwarning = showwarning
    try:
        yield
    finally:
        if warnings.showwarning is showwarning:
            warnings.showwarning = shown


def _place(filename: str, lineno: int) -> tuple[str, int]:
    """Where a warning is shown that comes from so many calls below, without those that only pass the call on."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename in (__file__, warnings.__file__):
        frame = frame.f_back
    every: list[FrameType] = []
    kept: list[FrameType] = []
    passing = False
    while frame is not None:
        every.append(frame)
        ours = frame.f_code.co_filename.startswith(OURS) or frame.f_code.co_filename.endswith(_BETWEEN)
        again = passing and bool(kept) and frame.f_code is kept[-1].f_code  # it had asked who else wants the call
        if not ours and not again:
            kept.append(frame)
        passing, frame = ours, frame.f_back
    places = [(one.f_code.co_filename, one.f_lineno) for one in every]
    if (filename, lineno) not in places or places.index((filename, lineno)) >= len(kept):
        return filename, lineno
    meant = kept[places.index((filename, lineno))]
    return meant.f_code.co_filename, meant.f_lineno
