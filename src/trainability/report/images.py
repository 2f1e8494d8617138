"""A figure as a file's bytes: PNG, or SVG that needs no font."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trainability.core.errors import SpecError
from trainability.report.style import drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS: Final = (".html", ".png", ".svg")
_DOTS_PER_INCH: Final = 150


def check_ending(path: str | os.PathLike[str]) -> str:
    """The ending of `path` in small letters; SpecError unless it is one of `ENDINGS`."""
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise SpecError(f"'{os.fspath(path)}' must end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    return ending


def image(figure: Figure, ending: str) -> bytes:
    """A figure as a ``.png`` or a ``.svg``; the same figure gives the same bytes."""
    import matplotlib

    buffer = io.BytesIO()
    with drawing(), matplotlib.rc_context({"svg.fonttype": "path"}):
        metadata = {"Date": None} if ending == ".svg" else {}
        figure.savefig(buffer, format=ending[1:], dpi=_DOTS_PER_INCH, metadata=metadata)
    return buffer.getvalue()
