"""What `compare` returns: the table, the pictures, the report and the JSON of one run."""

from __future__ import annotations

import functools
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from trainability.core.errors import UsageError
from trainability.core.records import PORTRAIT_TRIALS
from trainability.core.types import Dataset
from trainability.report.conclusion import COLUMNS, conclude
from trainability.report.figures import plot
from trainability.report.html_table import table_html
from trainability.report.inputs import RunRecord
from trainability.report.page import write_report
from trainability.report.reproduce import command, python, question
from trainability.report.words import ranked
from trainability.sweep.spec import AXES, Spec

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

Kind: TypeAlias = Literal["trials", "portraits"]

DRAWN: Final = 100_000
"""A report draws histories of so many trials, the first ones of each cell, so that a million's fit in memory."""


class Load(Protocol):
    """Reads the trials or the portraits table: all columns unless some are named, of each cell's `first` trials."""

    def __call__(self, kind: Kind, columns: Sequence[str] | None = None, first: int | None = None) -> pl.DataFrame: ...


@dataclass(frozen=True)
class Result:
    """One finished run.

    Attributes:
        spec: every choice that was made.
        dataset: what was learned.
        table: one row per cell in grid order, a polars DataFrame; see `sweep.summary.summarize`. Its ``.to_pandas()``
            needs pandas and pyarrow (``pip install trainability[pandas]``).
        engine: which engine ran.
        net_steps_per_second: over the training alone; of the run that trained, also when answered from the store.
        compile_seconds, seconds: compiling, summed over threads; everything, as the user waited.
        directory: where the run lies.
        load: reads a table when it is first asked for.
        versions: what made the run: name to version.
    """

    spec: Spec
    dataset: Dataset
    table: pl.DataFrame
    engine: str
    net_steps_per_second: float | None
    compile_seconds: float
    seconds: float
    directory: Path
    load: Load = field(repr=False)
    versions: Mapping[str, str] = field(default_factory=dict)

    @functools.cached_property
    def trials(self) -> pl.DataFrame:
        """One row per trial; see `core.records`."""
        return self.load("trials")

    @functools.cached_property
    def portraits(self) -> pl.DataFrame:
        """What typical networks answer; see `core.records`."""
        return self.load("portraits")

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of the grid that have several levels."""
        return tuple(name for name in AXES if len(getattr(self.spec, name)) > 1)

    @functools.cached_property
    def conclusion(self) -> str:
        """What the run shows, in a sentence or two."""
        import polars as pl

        # A single cell is compared with nothing.
        trials = self.load("trials", COLUMNS) if len(self.table) > 1 else pl.DataFrame()
        return conclude(self.table, trials, self.axes)

    def best(self) -> dict[str, Any]:
        """The row of the best cell: the largest solved share, then the fewest steps. Others may be as good."""
        return ranked(self.table).row(0, named=True)

    def plot(self, kind: str = "solved") -> Figure:
        """A matplotlib figure; see `report.figures.KINDS` for the kinds."""
        return plot(self.record, kind)

    def report(self, path: str | Path) -> Path:
        """Write the report, one HTML file, and return its path; StoreError where it cannot be written."""
        return write_report(self.record, path)

    def to_dict(self) -> dict[str, Any]:
        """The run as plain data: what ``--json`` writes."""
        cells = [
            {name: _plain(value) for name, value in row.items() if name != "cell"} for row in self.table.to_dicts()
        ]
        return {
            "spec": self.spec.model_dump(mode="json", exclude_none=True),
            "conclusion": self.conclusion,
            "cells": cells,
            "engine": self.engine,
            "net_steps_per_second": self.net_steps_per_second,
            "compile_seconds": self.compile_seconds,
            "seconds": self.seconds,
            "directory": os.fsencode(self.directory).decode("utf-8", "replace"),
            "versions": dict(self.versions),
        }

    def to_json(self, path: str | Path | None = None) -> str:
        """The run as JSON text, also written to `path` if one is given; UsageError where it cannot be written."""
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        if path is not None:
            try:
                Path(path).write_text(text, "utf-8")
            except OSError as error:
                raise UsageError(f"cannot write '{path}': {(error.strerror or str(error)).lower()}") from None
        return text

    @functools.cached_property
    def record(self) -> RunRecord:
        """What the report is drawn from."""
        rate = self.net_steps_per_second
        facts = {
            "network-steps per second": f"{rate:,.0f}" if rate else "–",
            "seconds": f"{self.seconds:.1f} (compiling, summed over threads: {self.compile_seconds:.1f})",
            **self.versions,
        }
        return RunRecord(
            question=question(self.spec, self.axes),
            command=command(self.spec),
            python=python(self.spec),
            spec_toml=self.spec.toml(),
            problem=self.spec.problem,
            dataset=self.dataset,
            cells=self.table,
            trials=self.load("trials", first=max(DRAWN // max(1, len(self.table)), PORTRAIT_TRIALS)),
            portraits=self.portraits,
            axes=self.axes,
            conclusion=self.conclusion,
            engine=self.engine,
            facts=facts,
        )

    def _repr_html_(self) -> str:
        return table_html(self.record)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
