"""The shell of every page that this package writes: styles inside, nothing fetched, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Final

from trainability.core.errors import StoreError
from trainability.report import fonts
from trainability.report.style import Picture, to_svg

# Nothing may be fetched, whatever a name in the data says.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; font-src data:"
)


def document(
    title: str, question: str, conclusion: str, sections: Sequence[str], script: str = "", lang: str = "en"
) -> str:
    """One HTML page: texts are escaped here, `sections` are HTML, `script` is JavaScript."""
    letters = fonts.face(" ".join([title, question, conclusion, *sections]))
    return "\n".join([
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<link rel="icon" href="data:,">',
        f"<title>{escape(title)}</title>\n<style>\n{letters}{asset('page.css')}</style></head>\n<body>",
        f'<header><h1>{escape(title)}</h1>\n<p class="question">{escape(question)}</p>',
        f'<p class="conclusion">{escape(together(conclusion))}</p>' if conclusion else "",
        "</header>\n<main>",
        *sections,
        f"</main>\n<script>\n{script}</script>\n</body></html>\n" if script else "</main>\n</body></html>\n",
    ])  # fmt: skip


def figure_section(heading: str, picture: Picture, name: str) -> str:
    """A figure under its heading with its caption, if any; `name` leads its ids and occurs once in a page."""
    caption = f"\n<figcaption>{escape(together(picture.caption))}</figcaption>" if picture.caption else ""
    return (
        f'<section><h2>{escape(heading)}</h2>\n<figure><div class="scroll">{to_svg(picture, name)}</div>'
        f"{caption}</figure></section>"
    )


def together(text: str) -> str:
    """Keep a number and its per cent on one line."""
    return text.replace(" %", "\u00a0%")


def asset(name: str) -> str:
    """The text of a file that lies beside this one."""
    return resources.files("trainability.report").joinpath(name).read_text(encoding="utf-8")


def write_whole(content: str | bytes, path: str | os.PathLike[str], what: str = "report") -> Path:
    """Write a file, whole or not at all, and return its path; StoreError that names `what` if it cannot be written."""
    target = Path(path)
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
        # A temporary file is private; a report is as readable as any file that its author makes.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, target)
        temporary = None
    except OSError as error:
        why = error.strerror or str(error)
        raise StoreError(f"cannot write the {what} to '{target}': {why}; choose another place") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return target
