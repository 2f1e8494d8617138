"""The table of the terminal, at every width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tests.made_runs import every_run, run
from trainability.report import table
from trainability.report.words import percent, ranked


@pytest.mark.parametrize("width", [50, 60, 79, 80, 99, 100, 140])
@every_run
def test_the_terminal_table_fits_and_cuts_no_number(name, width):
    record = run(name)
    made = table(record.cells, record.axes, {}, width=width)
    buffer = io.StringIO()
    Console(file=buffer, width=width).print(made)
    head, _, *lines = buffer.getvalue().splitlines()
    assert max(map(len, [head, *lines])) <= width
    rows = lines[: min(20, record.cells.height)]
    for column in made.columns[len(record.axes) :]:
        assert column.header.plain in head
        for line, cell in zip(rows, column.cells, strict=True):
            assert cell.plain.rstrip() in line
    best = ranked(record.cells).head(20)["solved"]
    at = len(record.axes)
    assert [cell.plain for cell in made.columns[at].cells] == [f"{percent(s)} %" for s in best]
    assert (f"… and {record.cells.height - 20} more" in lines[-1]) == (record.cells.height > 20)


def test_nan_is_a_column_only_where_it_happens():
    heads = [[c.header.plain for c in table(run(n).cells, run(n).axes, width=140).columns] for n in ("xor", "nan")]
    assert ["NaN" in h for h in heads] == [False, True]
