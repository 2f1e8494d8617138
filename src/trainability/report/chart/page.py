"""The chart as one HTML page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np

from trainability.core.chart import Chart
from trainability.diagnosis import RULES
from trainability.report.chart import proof
from trainability.report.chart.figure import HEADINGS, heat_map, losses
from trainability.report.chart.tables import facts, whole_run
from trainability.report.chart.words import conclusion, figures, place
from trainability.report.document import document, figure_section
from trainability.report.style import Picture

if TYPE_CHECKING:
    from trainability.report.chart.diagnosis import Diagnosis

SHOWN: Final = ("gradient_rms", "update_ratio", "activation_std", "dead", "saturated", "correlation")
"""Signs that the page draws."""


def render(diagnosis: Diagnosis) -> str:
    """The page: findings, the treatment and its proof, then the vital signs over time, before and after."""
    sections = [_findings(diagnosis)]
    treatment = diagnosis.treatment
    if treatment:
        sections.append(proof.section(treatment))
    sections += _signs(diagnosis.chart, " before the treatment" if treatment and treatment.after else "", "before")
    if treatment and treatment.after:
        sections += _signs(treatment.after, " after the treatment", "after")
    return document(f"Chart of {diagnosis.name}", "Why does it not learn?", conclusion(diagnosis), sections)


def _signs(chart: Chart, when: str, name: str) -> list[str]:
    """The loss and the vital signs over time."""
    if not chart.steps:
        return []
    caption = f"The loss of every step{when}."
    sections = [
        figure_section("Loss" + when, Picture(losses(chart), caption, caption), f"{name}-loss"),
        whole_run(chart, when),
        facts(chart, when),
    ]
    for sign in SHOWN if len(chart.moments) else ():
        if not np.isfinite(chart.signs[sign]).any():
            continue
        heading = f"{HEADINGS[sign][:1].upper()}{HEADINGS[sign][1:]}{when}"
        caption = f"{heading}, by layer (the input's on top) and step."
        sections.append(figure_section(heading, Picture(heat_map(chart, sign), "", caption), f"{name}-{sign}"))
    return sections


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
