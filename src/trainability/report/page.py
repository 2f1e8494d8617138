"""The report: one HTML file that asks nothing of the network it is read on."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path

from trainability.report.document import asset, document, figure_section, write_whole
from trainability.report.failed import failed_html
from trainability.report.figures import KINDS
from trainability.report.html_table import table_html
from trainability.report.inputs import RunRecord, fixed_choices
from trainability.report.words import choices


def render(record: RunRecord) -> str:
    """The whole report as HTML: styles, script and figures inside; the same record gives the same text."""
    title = f"{record.problem}: which networks learn?" if record.axes else f"{record.problem}: does the network learn?"
    sections = [_cells(record), *_figures(record), _reproduce(record)]
    return document(title, record.question, record.conclusion, sections, asset("page.js"))


def write_report(record: RunRecord, path: str | os.PathLike[str]) -> Path:
    """Write the report to `path`, whole or not at all, and return it; StoreError if it cannot be written."""
    return write_whole(render(record), path)


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
            parts.append(figure_section(heading, found, kind))
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
