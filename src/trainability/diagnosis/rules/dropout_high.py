"""So much dropout that little is left to learn from."""

from __future__ import annotations

from typing import Final

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import learns

HIGH: Final = 0.7
"""Share of units that are left out; 0.5 is the largest that is usual."""


def _check(seen: Chart) -> Evidence | None:
    if learns(seen) or seen.dropout < HIGH:
        return None
    return Evidence({"dropout": seen.dropout, "threshold": HIGH}, 0.6)


DROPOUT_HIGH = Rule(
    name="dropout-high",
    summary="dropout leaves too few units",
    check=_check,
    advice="Most units are left out in every step, so the noise outweighs the signal. Use 0.5 at most, 0.1 to 0.3 where the "
    "training loss itself stays high.",
    explains=("too-few-steps", "capacity-low"),
    treatments=(Operation("dropout", 0.1), Operation("dropout", 0.0), Operation("dropout", 0.3)),
    reference="N. Srivastava et al., Dropout, JMLR 15 (2014)",
    sick=lambda: chart(dropout=0.9, losses=stays()),
    healthy=lambda: chart(dropout=0.9),
)
