"""A watched run, diagnosed: words, figures, page and JSON."""

from __future__ import annotations

from trainability.report.chart.diagnosis import Diagnosis

__all__ = ["Diagnosis"]
