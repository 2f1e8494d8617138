"""From a chart to findings: one rule a file; a finding that another explains stands under it as a symptom."""

from __future__ import annotations

from trainability.diagnosis.diagnose import diagnose
from trainability.diagnosis.finding import RULES, Finding, Rule

__all__ = ["RULES", "Finding", "Rule", "diagnose"]
