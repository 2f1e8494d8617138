"""The report: one HTML file that asks nothing of the network it is read on."""

from __future__ import annotations

import os
import tempfile
from html import escape
from importlib import resources
from pathlib import Path
from typing import Final

from trainability.core.errors import StoreError
from trainability.report.failed import failed_html
from trainability.report.figures import KINDS
from trainability.report.html_table import table_html
from trainability.report.inputs import RunRecord, fixed_choices
from trainability.report.style import to_svg
from trainability.report.words import choices

# Nothing may be fetched, whatever a name in the data says.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def render(record: RunRecord) -> str:
    """The whole report as HTML: styles, script and figures inside; the same record gives the same text."""
    title = f"{record.problem}: which networks learn?" if record.axes else f"{record.problem}: does the network learn?"
    return "\n".join([
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<link rel="icon" href="data:,">',
        f"<title>{escape(title)}</title>\n<style>\n{_asset('page.css')}</style></head>\n<body>",
        f'<header><h1>{escape(title)}</h1>\n<p class="question">{escape(record.question)}</p>',
        f'<p class="conclusion">{escape(_together(record.conclusion))}</p></header>\n<main>',
        _cells(record),
        *_figures(record),
        _reproduce(record),
        f"</main>\n<script>\n{_asset('page.js')}</script>\n</body></html>\n",
    ])  # fmt: skip


def write_report(record: RunRecord, path: str | os.PathLike[str]) -> Path:
    """Write the report to `path`, whole or not at all, and return it; StoreError if it cannot be written."""
    target = Path(path)
    text = render(record)
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        # A temporary file is private; a report is as readable as any file that its author makes.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, target)
        temporary = None
    except OSError as error:
        why = error.strerror or str(error)
        raise StoreError(f"cannot write the report to '{target}': {why}; choose another place") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return target


def _cells(record: RunRecord) -> str:
    counts = record.cells["n"].unique().sort().to_list()
    each = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}" if counts else "no"
    cells = f"{record.cells.height:,} cells" if record.cells.height != 1 else "One cell"
    line = choices(fixed_choices(record.cells, record.axes))
    about = f"{cells} of {each} trials that differ only in their seed; a trial is solved when it has the target "
    target = record.dataset.target.replace(">=", " ≥ ").replace("<=", " ≤ ")
    return (
        f"<section><h2>The cells, best first</h2>\n<p "
        f"class=note>{escape(about)}<b>{escape(target)}</b> at its last "
        "step. The line across a bar is the 95 % Wilson interval; after the median steps stand the "
        "quartiles. The "
        "gradient ratio is the first layer's gradient over the last layer's at the start; dead is "
        "the mean share of "
        "dead units at the end.</p>\n"
        + (f"<p class=fixed>The same in every cell: {escape(line)}.</p>\n" if line else "")
        + table_html(record)
        + "</section>"
    )


def _figures(record: RunRecord) -> list[str]:
    parts = []
    for kind, (heading, draw) in KINDS.items():
        found = draw(record)
        if found is not None:
            svg = to_svg(found, kind)
            parts.append(
                f'<section><h2>{escape(heading)}</h2>\n<figure><div class="scroll">{svg}</div>'
                f"\n<figcaption>{escape(_together(found.caption))}</figcaption></figure></section>"
            )
        # The vital signs' means mix both outcomes; the table that parts them belongs right below.
        if kind == "vitals":
            parts.append(failed_html(record))
    return parts


def _reproduce(record: RunRecord) -> str:
    facts = {"problem": record.problem, "engine": record.engine, **record.facts}
    lines = "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in facts.items())
    blocks = [
        ("On the command line", record.command),
        ("In Python", record.python),
        ("The specification", record.spec_toml),
    ]
    code = "".join(f"<h3>{name}</h3>\n<pre><code>{escape(text)}</code></pre>\n" for name, text in blocks if text)
    notes = "".join(f"<p class=note>{escape(note)}</p>" for note in record.dataset.notes)
    return f"<section><h2>How to repeat this</h2>\n<dl>{lines}</dl>{notes}\n{code}</section>"


def _together(text: str) -> str:
    """Keep a number and its per cent on one line."""
    return text.replace(" %", "\u00a0%")


def _asset(name: str) -> str:
    return resources.files("trainability.report").joinpath(name).read_text(encoding="utf-8")
