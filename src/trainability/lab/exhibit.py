"""A phenomenon that was run: its records, verdicts, figures and page."""

from __future__ import annotations

import functools
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainability.core.errors import UnknownName
from trainability.lab.phenomenon import Claim, Phenomenon, Records, Reported, Setting
from trainability.lab.text import check_language
from trainability.lab.verdicts import Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Exhibit:
    """What `lab.run` returns.

    Attributes:
        phenomenon, setting: what was run, and how.
        records: what was measured, by name.
        seconds: what the run took.
        lang: of its words, ``en`` or ``ko``.
    """

    phenomenon: Phenomenon
    setting: Setting
    records: Records = field(repr=False)
    seconds: float
    lang: str = "en"

    @functools.cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """How each claim ended, by its key."""
        return {claim.key: claim.decide(self.records) for claim in self.phenomenon.claims}

    @property
    def claims(self) -> tuple[tuple[Claim, Verdict], ...]:
        """Each claim with its verdict."""
        return tuple((claim, self.verdicts[claim.key]) for claim in self.phenomenon.claims)

    @functools.cached_property
    def reported(self) -> tuple[Reported, ...]:
        """The notes' figures beside ours."""
        return self.phenomenon.reported(self.records)

    def plot(self, key: str | None = None) -> Figure:
        """One of its figures, the first by default; UnknownName if it has none of that name."""
        drawings = {drawing.key: drawing for drawing in self.phenomenon.drawings}
        key = key or next(iter(drawings))
        if key not in drawings:
            raise UnknownName("figure", key, drawings)
        return drawings[key].draw(self.records, check_language(self.lang)).figure

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write its page, one HTML file, and return the path; StoreError where it cannot be written."""
        from trainability.lab.page import render
        from trainability.report.document import write_whole

        return write_whole(render(self), path)

    def to_dict(self) -> dict[str, Any]:
        """Plain data: what ``--json`` prints."""
        phenomenon, to = self.phenomenon, self.lang
        return {
            "name": phenomenon.name,
            "number": phenomenon.number,
            "title": phenomenon.title.to(to),
            "question": phenomenon.question.to(to),
            "quick": self.setting.quick,
            "seeds": self.setting.seeds,
            "seed": self.setting.seed,
            "data": self.setting.data,
            "expression": self.setting.expression,
            "seconds": self.seconds,
            "reported": [{"what": r.what.to(to), "notes": r.notes, "ours": r.ours} for r in self.reported],
            "claims": [
                {"key": claim.key, "claim": claim.text.to(to), "rule": claim.rule.to(to), **verdict.to_dict(to)}
                for claim, verdict in self.claims
            ],
        }

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
