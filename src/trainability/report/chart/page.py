"""The chart as one HTML page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np

from trainability.diagnosis import RULES
from trainability.report.chart.figure import HEADINGS, figure
from trainability.report.chart.words import conclusion, figures, place
from trainability.report.document import document, figure_section
from trainability.report.style import Picture

if TYPE_CHECKING:
    from trainability.report.chart.diagnosis import Diagnosis

SHOWN: Final = ("gradient_rms", "update_ratio", "activation_std", "dead", "saturated", "correlation")
"""Signs that the page draws."""


def render(diagnosis: Diagnosis) -> str:
    """The page: findings, then the vital signs over time."""
    sections = [_findings(diagnosis)]
    if len(diagnosis.chart.moments):
        for sign in SHOWN:
            if not np.isfinite(diagnosis.chart.signs[sign]).any():
                continue
            heading = HEADINGS[sign]
            caption = f"{heading[:1].upper()}{heading[1:]}, by layer (the input's on top) and step; below it the loss."
            picture = Picture(figure(diagnosis.chart, sign), caption, caption)
            sections.append(figure_section(f"{heading[:1].upper()}{heading[1:]}", picture, sign))
    return document(f"Chart of {diagnosis.name}", "Why does it not learn?", conclusion(diagnosis), sections)


def _findings(diagnosis: Diagnosis) -> str:
    parts = []
    for finding in diagnosis.roots:
        symptoms = [other for other in diagnosis.findings if other.of == finding.code]
        listed = "".join(
            f"<li>{escape(other.code + place(other))}: {escape(figures(other))}</li>" for other in symptoms
        )
        explains = f"<p class=note>It explains:</p><ul class=note>{listed}</ul>" if listed else ""
        parts.append(
            f"<h3>{escape(finding.code + place(finding))}: {escape(RULES[finding.code].summary)}</h3>\n"
            f"<p>{escape(finding.advice)}</p>\n<p class=note>{escape(figures(finding))}; confidence "
            f"{100 * finding.evidence.confidence:.0f} %</p>\n{explains}"
        )
    body = "\n".join(parts) or "<p>Nothing is wrong with this run.</p>"
    return f"<section><h2>Findings</h2>\n{body}</section>"
