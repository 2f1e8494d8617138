"""What a watched run comes to: its chart and the findings."""

from __future__ import annotations

import functools
import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainability.core.chart import Chart
from trainability.core.treatment import Treatment
from trainability.diagnosis import Finding, diagnose
from trainability.diagnosis.run_signs import run_signs_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Diagnosis:
    """A chart with what the rules say of it.

    Attributes:
        chart: what was seen.
        name: of the model, for headings.
        treatment: what helps, and its proof; None where none was asked for.
    """

    chart: Chart = field(repr=False)
    name: str = "model"
    treatment: Treatment | None = field(default=None, repr=False)

    @functools.cached_property
    def findings(self) -> list[Finding]:
        """Roots first, the surest first."""
        return diagnose(self.chart)

    @property
    def roots(self) -> list[Finding]:
        """The findings that no other explains."""
        return [finding for finding in self.findings if finding.role == "root"]

    @property
    def healthy(self) -> bool:
        """Whether there is nothing to say."""
        return not self.findings

    @functools.cached_property
    def run_signs(self) -> dict[str, float]:
        """The whole run's vital signs by name, as `diagnosis.run_signs.RUN_SIGNS` explains them; NaN if unknown."""
        return run_signs_of(self.chart)

    def text(self) -> str:
        """The findings in words, for a terminal."""
        from trainability.report.chart.words import text

        return text(self)

    def plot(self, sign: str = "gradient_rms") -> Figure:
        """A heat map of a sign, layer by step, above the loss; UnknownName for a sign that there is not."""
        from trainability.report.chart.figure import figure

        return figure(self.chart, sign)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write the chart as one HTML page and return the path; StoreError where it cannot be written."""
        from trainability.report.chart.page import render
        from trainability.report.document import write_whole

        return write_whole(render(self), path, "chart")

    def to_dict(self) -> dict[str, Any]:
        """Plain data: what ``--json`` prints."""
        found: dict[str, Any] = {"findings": [finding.to_dict() for finding in self.findings], "healthy": self.healthy}
        found["run"] = {name: value if math.isfinite(value) else None for name, value in self.run_signs.items()}
        return found | ({"treatment": self.treatment.to_dict()} if self.treatment else {})

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
