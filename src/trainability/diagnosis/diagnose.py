"""All rules over one chart: which findings are roots, and which are only symptoms of them."""

from __future__ import annotations

import dataclasses

from trainability.core.chart import Chart
from trainability.diagnosis.finding import RULES, Finding


def diagnose(chart: Chart) -> list[Finding]:
    """The findings, roots first, the surest first; none for a run that learns.

    A finding is a symptom if a root that was found explains it, directly or through another symptom.
    """
    found = {rule.name: evidence for rule in RULES if (evidence := rule.check(chart)) is not None}
    explained: dict[str, str] = {}
    # The surest first, so that of two that would explain each other the surer is the root.
    order = sorted(found, key=lambda code: (-found[code].confidence, code))
    for code in order:
        if code in explained or found[code].weak:
            continue
        waiting = [code]
        while waiting:
            through = waiting.pop()
            for other in RULES[through].explains:
                if other not in found or {code, through} & set(found[other].despite):
                    continue
                if other != code and other not in explained:
                    explained[other] = code
                    waiting.append(other)
    strong = [code for code in order if code not in explained and not found[code].weak]
    explained |= {code: strong[0] for code in order if strong and found[code].weak and code not in explained}
    findings = [
        Finding(code, "symptom" if code in explained else "root", found[code], RULES[code].advice, explained.get(code))
        for code in order
    ]
    # What explains a symptom of a symptom is the root itself.
    roots = {finding.code: finding.of for finding in findings}
    for place, finding in enumerate(findings):
        of = finding.of
        while of is not None and roots[of] is not None:
            of = roots[of]
        findings[place] = dataclasses.replace(finding, of=of)
    return sorted(findings, key=lambda finding: finding.role == "symptom")
