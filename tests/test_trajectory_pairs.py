"""Same weights, same data, same batches: after 100 steps our engine is where PyTorch and Keras are.

Every activation, loss, optimiser and normalisation of the catalogues that a library has as well takes part, in float64
and to 1e-6. A row is one choice of each, and of the task, of full or shuffled batches and of one or two hidden layers.
In the daily rows every activation occurs, and every pair of values of the others but of an optimiser and a loss; each
row is a program to be compiled. In the soak's rows every pair occurs.
A row that both libraries can do is run once by our engine and compared with both.

What has parameters is compared at the default values and at others. Left out: random activations whose draws are their
own (with equal bounds there is nothing to draw: so rrelu), dropout for the same reason, and what `peers.rows` names.
"""

from __future__ import annotations

import itertools

import pytest

from tests.pairwise import Row, wanted
from tests.peers import KERAS_WARNING, LIBRARIES, rows, trajectory, twin

pytestmark = pytest.mark.filterwarnings(KERAS_WARNING)

TOLERANCE = 1e-6


def _row(title: str, every_pair: bool) -> tuple[Row, list[str]]:
    """The row of that title and the libraries that it is for."""
    tables = {library: {rows.title(r): r for r in rows.rows(library, every_pair=every_pair)} for library in LIBRARIES}
    found = [library for library in LIBRARIES if title in tables[library]]
    return tables[found[0]][title], found


def _titles(every_pair: bool) -> list[str]:
    both = (rows.title(r) for library in LIBRARIES for r in rows.rows(library, every_pair=every_pair))
    return list(dict.fromkeys(both))


def _compare(title: str, every_pair: bool) -> None:
    row, libraries = _row(title, every_pair)
    ours = trajectory.trajectories(**rows.settings(row))
    for library in libraries:
        for one in ours:
            if rows.speaks(library, one.activation):
                theirs = twin(library).train(one)
                try:
                    trajectory.compare(one, *theirs, TOLERANCE, library)
                except AssertionError:
                    if trajectory.moved_by_rounding(one, library, theirs[0]) < TOLERANCE / 10:
                        raise
                    pytest.skip(f"rounding decides: {library} parts from itself on inputs a few roundings away")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("every_pair", [False, True])
def test_the_rows_hold_every_pair(library, every_pair):
    table, factors = rows.rows(library, every_pair=every_pair), rows.factors(library)
    assert all(rows.allowed(row) and row.keys() == factors.keys() for row in table)
    together = itertools.combinations(factors, 2) if every_pair else rows.MOST
    pairs = wanted(factors, together, rows.allowed)
    assert len(pairs) > (1000 if every_pair else 200)
    assert all(any(pair <= row.items() for row in table) for pair in pairs)


@pytest.mark.parametrize("title", _titles(every_pair=False))
def test_the_trajectory_is_theirs(title):
    _compare(title, every_pair=False)


@pytest.mark.soak
@pytest.mark.parametrize("title", [t for t in _titles(every_pair=True) if t not in set(_titles(every_pair=False))])
def test_the_trajectory_is_theirs_for_every_pair(title):
    _compare(title, every_pair=True)
