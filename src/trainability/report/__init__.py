"""Reports of a finished run: an HTML page, single figures, the terminal table and the concluding sentence."""

from __future__ import annotations

from trainability.report.conclusion import conclude
from trainability.report.figures import KINDS, plot
from trainability.report.inputs import RunRecord
from trainability.report.page import render, write_report
from trainability.report.terminal import table

__all__ = ["KINDS", "RunRecord", "conclude", "plot", "render", "table", "write_report"]
