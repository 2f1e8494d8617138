"""A font with Hangul, shipped because a machine may have none, for figures and for pages."""

from __future__ import annotations

import base64
import dataclasses
import functools
import io
from importlib import resources
from pathlib import Path
from typing import Final

FAMILY: Final = "Trainability Hangul"


@functools.cache
def register() -> None:
    """Let matplotlib draw with it."""
    from matplotlib import font_manager

    fonts = font_manager.fontManager
    fonts.addfont(str(_path()))
    # It has one weight; without an entry of its own, a bold heading would be said to lack a font.
    fonts.ttflist.append(dataclasses.replace(fonts.ttflist[-1], weight="bold"))


def face(text: str) -> str:
    """A CSS rule that brings the Hangul letters of `text` into a page, or ``""`` if it has none."""
    letters = {ord(letter) for letter in text if "ㄱ" <= letter <= "힣"}
    if not letters:
        return ""
    from fontTools import subset

    options = subset.Options(flavor="woff", notdef_outline=True)
    buffer = io.BytesIO()
    with subset.load_font(str(_path()), options, lazy=False) as font:
        made = subset.Subsetter(options)
        made.populate(unicodes=letters)
        made.subset(font)
        subset.save_font(font, buffer, options)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    source = f'src: url(data:font/woff;base64,{data}) format("woff")'
    return f'@font-face {{ font-family: "{FAMILY}"; {source}; unicode-range: U+3130-318F, U+AC00-D7A3; }}\n'


def _path() -> Path:
    return Path(str(resources.files(__name__).joinpath("hangul.ttf")))
