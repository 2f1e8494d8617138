"""A forecast as one HTML file, or as a picture."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path

from trainability.core.errors import DataError, UnknownName
from trainability.report.document import document, figure_section, write_whole
from trainability.report.forecast import depth, gradient
from trainability.report.forecast.forecast import Forecast, Row
from trainability.report.forecast.terminal import columns
from trainability.report.images import check_ending, image
from trainability.report.style import Picture
from trainability.report.words import axis_label, value

KINDS = {
    "gradient": ("The gradient in each layer", gradient.picture),
    "depth": ("The depth that trains", depth.picture),
}
_NAMES = {
    "first/last": "gradient, first layer over output layer",
    "median": "the same in the median network",
    "measured": "measured in the median network",
    "factor": "measured over predicted median",
    "ξ": "correlation length ξ, layers",
    "gain": "gain √(fan_in · Var w)",
    "critical": "critical gain",
}


def picture(forecast: Forecast, kind: str) -> Picture:
    """The figure of that `kind`; UnknownName or DataError where there is none."""
    if kind not in KINDS:
        raise UnknownName("figure", kind, KINDS)
    found = KINDS[kind][1](forecast)
    if found is None:
        raise DataError(f"theory has nothing to draw as '{kind}' for these choices")
    return found


def write(forecast: Forecast, path: str | os.PathLike[str]) -> Path:
    """Write the page (``.html``) or the figure of the gradients (``.png``, ``.svg``); SpecError for another ending."""
    ending = check_ending(path)
    if ending == ".html":
        return write_whole(render(forecast), path)
    return write_whole(image(picture(forecast, "gradient").figure, ending), path, "figure")


def render(forecast: Forecast) -> str:
    """The page as HTML."""
    title = "What theory predicts" + (", and what was measured" if forecast.run else "")
    question = f"Mean-field theory of wide networks, before any training. Inputs: {forecast.inputs}."
    sections = [_table(forecast)]
    for name, (heading, draw) in KINDS.items():
        found = draw(forecast)
        if found is not None:
            sections.append(figure_section(heading, found, name))
    return document(title, question, forecast.conclusion, sections)


def _table(forecast: Forecast) -> str:
    found = columns(forecast)
    heads = [(axis_label(axis), True) for axis in forecast.axes]
    heads += [(_NAMES.get(column.head, column.head), column.head in ("phase", "trains to")) for column in found]
    head = "".join(f'<th scope="col"{" class=name" if name else ""}>{escape(text)}</th>' for text, name in heads)
    rows = "\n".join(_row(forecast, row, len(heads)) for row in forecast)
    notes = "".join(f"<p class=note>{escape(note)}</p>" for note in forecast.notes)
    tall = " tall" if len(forecast) > 30 else ""
    return (
        f'<section><h2>Choice by choice</h2>\n<div class="scroll{tall}"><table class="pairs">'
        f"<thead><tr>{head}</tr></thead>\n{rows}\n</table></div>{notes}</section>"
    )


def _row(forecast: Forecast, row: Row, wide: int) -> str:
    """The numbers, and below them what to expect: a column of sentences would leave the others no room."""
    cells = [f"<td class=name>{escape(value(row.levels[axis]))}</td>" for axis in forecast.axes]
    for column in columns(forecast):
        kind = " class=name" if column.head in ("phase", "trains to") else ""
        cells.append(f"<td{kind}>{escape(column.text(row))}</td>")
    verdict = f'<td class="name verdict" colspan="{wide}"><div>{escape(row.prediction.verdict)}</div></td>'
    return f"<tbody><tr class=above>{''.join(cells)}</tr><tr>{verdict}</tr></tbody>"
