"""Findings in words."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Final

from trainability.diagnosis import RULES, Finding
from trainability.diagnosis.reading import final_loss, learns, progress
from trainability.diagnosis.run_signs import RUN_SIGNS, RunSign
from trainability.report.chart import proof
from trainability.report.words import number

if TYPE_CHECKING:
    from trainability.report.chart.diagnosis import Diagnosis

WIDTH: Final = 100
DATA: Final = ("inputs", "targets", "batch", "loss")
"""Places of a first bad number that are no layers."""


def conclusion(diagnosis: Diagnosis) -> str:
    """One sentence about the whole run."""
    chart = diagnosis.chart
    if not chart.steps:
        return f"{diagnosis.name} was never trained: no optimiser took a step."
    fell = progress(chart)
    start, end = number(float(chart.losses[0])), number(final_loss(chart))
    run = f"{chart.steps:,} steps, loss {start} at the start and {end} at the end"
    learned = f", {100 * fell:.0f} % better than a constant answer" if 0 <= fell <= 1 else ""
    roots = [finding.code for finding in diagnosis.roots]
    said = "nothing is wrong with it" if not roots else "root cause: " + ", ".join(roots)
    return f"{diagnosis.name}: {run}{learned}; {said}."


def whole_run(diagnosis: Diagnosis) -> str:
    """The loss against the best constant answer's and, unless all is well, what is outside its usual range."""
    values = diagnosis.run_signs
    ends = {"at the start": values["loss_at_start"], "at the end": values["loss_at_end"]}
    known = [f"{number(value)} × {when}" for when, value in ends.items() if not math.isnan(value)]
    outside = [
        f"{sign.name.replace('_', ' ')} {number(values[sign.name])} ({_usual(sign)})"
        for sign in RUN_SIGNS
        if sign.name not in ("loss_at_start", "loss_at_end") and sign.fits(values[sign.name]) is False
    ]
    well = diagnosis.healthy and learns(diagnosis.chart)
    parts = [f"Loss over the best constant answer's: {', '.join(known)}"] if known else []
    parts += [f"Outside the usual: {', '.join(outside)}"] if outside and not well else []
    return ". ".join(parts) + "." if parts else ""


def _usual(sign: RunSign) -> str:
    low = f"from {number(sign.low)} " if math.isfinite(sign.low) and sign.low else ""
    return low + (f"up to {number(sign.high)}" if math.isfinite(sign.high) else "on")


def figures(finding: Finding) -> str:
    """The evidence in a line."""
    parts = [
        f"{name} {number(value) if isinstance(value, float) else value}"
        for name, value in finding.evidence.figures.items()
    ]
    return ", ".join(parts)


def place(finding: Finding) -> str:
    """``in net.2, from step 10``, as far as there is one."""
    layer = finding.evidence.layer
    where = "" if not layer else f" in the {layer}" if layer in DATA else f" in layer {layer}"
    return where + (f", step {finding.evidence.step:,}" if finding.evidence.step is not None else "")


def text(diagnosis: Diagnosis) -> str:
    """The conclusion, what is to be said of the whole run, then each root with its figures, advice and symptoms."""
    lines = textwrap.wrap(conclusion(diagnosis), WIDTH) + textwrap.wrap(whole_run(diagnosis), WIDTH)
    for finding in diagnosis.roots:
        sure = f"{100 * finding.evidence.confidence:.0f} % sure"
        lines += ["", f"{finding.code}{place(finding)} ({sure}): {RULES[finding.code].summary}"]
        lines += textwrap.wrap(figures(finding), WIDTH, initial_indent="  ", subsequent_indent="  ")
        lines += textwrap.wrap(finding.advice, WIDTH, initial_indent="  ", subsequent_indent="  ")
        symptoms = [other for other in diagnosis.findings if other.of == finding.code]
        if symptoms:
            said = "; ".join(f"{other.code}{place(other)}" for other in symptoms)
            lines += textwrap.wrap(f"explains: {said}", WIDTH, initial_indent="  ", subsequent_indent="    ")
    if diagnosis.treatment:
        lines += ["", proof.text(diagnosis.treatment)]
    return "\n".join(lines)
