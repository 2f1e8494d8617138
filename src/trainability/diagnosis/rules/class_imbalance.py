"""A rare class that the network never answers."""

from __future__ import annotations

from typing import Final

from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.diagnosis.examples import chart, loss, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import informative

RARE: Final = 0.1
"""A class's samples over those of the most frequent class."""
ENOUGH: Final = 12
"""Samples of the rare class that were seen."""


def _check(seen: Chart) -> Evidence | None:
    found = seen.loss
    if found is None or not found.counts or not found.right or informative(seen) is False:
        return None
    most = max(found.counts.values())
    missed = [
        (count / most, label) for label, count in found.counts.items()
        if ENOUGH <= count <= RARE * most and found.right.get(label) == 0
    ]  # fmt: skip
    if not missed:
        return None
    share, label = min(missed)
    figures = {
        "class": float(label), "its samples over the largest class's": share, "threshold": RARE,
        "answered right": 0.0, "classes never answered": float(len(missed)),
    }  # fmt: skip
    return Evidence(figures, 0.6)


CLASS_IMBALANCE = Rule(
    name="class-imbalance",
    summary="a rare class is never answered",
    check=_check,
    advice="The loss is low for a network that leaves the rare class out. Draw rare classes more often, or weight the loss by "
    "the inverse frequency; train longer; and judge by a metric that counts every class alike.",
    explains=("optimizer-unsuitable", "too-few-steps"),
    treatments=(Operation("rate", 10.0), Operation("epochs", 10.0), Operation("optimizer", "adam")),
    reference="M. Buda et al., A systematic study of the class imbalance problem, Neural Networks 106 (2018)",
    sick=lambda: chart(losses=stays(0.2), loss=loss(counts={0: 305, 1: 15}, right={0: 1.0, 1: 0.0}, constant=0.19)),
    healthy=lambda: chart(loss=loss(counts={0: 305, 1: 15}, right={0: 1.0, 1: 0.8}, constant=0.19)),
)
