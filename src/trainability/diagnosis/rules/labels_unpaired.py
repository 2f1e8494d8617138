"""Targets that belong to other inputs: nothing can be learned of one from the other."""

from __future__ import annotations

from typing import Final

import numpy as np

from trainability.core.chart import Chart, Pairing, ValidationFacts
from trainability.diagnosis.examples import chart, stays
from trainability.diagnosis.finding import Evidence, Rule
from trainability.diagnosis.reading import CHANCE, FAR, FEW, STILL, progress, trained, travelled, typical, validated

LIKE: Final = 0.15
"""Correlation of a sample's target with its nearest neighbours' targets: at most, for those that say nothing."""


UNSURE: Final = 0.05
"""Between `CHANCE` and this p-value inputs may say what so few samples do not show."""
ROWS: Final = 150
"""Samples; fewer are few."""


def _check(seen: Chart) -> Evidence | None:
    same = _all_the_same(seen)
    if same is not None:
        return same
    pairing = seen.pairing
    if pairing is None or not pairing.p > CHANCE or pairing.likeness > LIKE:
        return None
    if pairing.counted and not travelled(seen) >= FAR:  # their order may tell, had the network the time to learn it
        return None
    # What is learned by heart does not help with samples that were not seen.
    best, _ = validated(seen)
    if not (progress(seen) < FEW or best < STILL):
        return None
    figures = {
        "correlation of neighbours' targets": pairing.likeness, "p, against shuffled targets": pairing.p,
        "threshold": CHANCE, "samples": float(pairing.rows), "progress": progress(seen),
    }  # fmt: skip
    few = pairing.rows < ROWS
    if pairing.counted:
        return Evidence(figures, 0.6, weak=_wild(seen))
    return Evidence(figures, 0.7 if few else 0.84, weak=few and pairing.p <= UNSURE)


def _wild(seen: Chart) -> bool:
    """Whether steps are so large that nothing would be learned from the inputs' order, whatever it tells."""
    moves = typical(seen, "update_ratio")[trained(seen)] if seen.layers else np.zeros(0)
    return len(moves) > 0 and bool(np.nanmax(moves, initial=-np.inf) > -1.5)


def _all_the_same(seen: Chart) -> Evidence | None:
    """Inputs that never change, and targets that do."""
    inputs, loss = seen.inputs, seen.loss
    if inputs is None or loss is None or loss.target is None or not loss.target.std > 0:
        return None
    if inputs.constant < 1 or seen.batch < 2 or not progress(seen) < FEW:
        return None
    return Evidence({"share of features that never change": 1.0, "progress": progress(seen)}, 0.95, step=0)


def _shuffled(**changes: object) -> Chart:
    return chart(pairing=Pairing(300, 0.01, 0.6, -0.2), **changes)  # pyright: ignore[reportArgumentType]


LABELS_UNPAIRED = Rule(
    name="labels-unpaired",
    summary="the inputs say nothing of the targets that they are paired with",
    check=_check,
    advice="Samples with like inputs have targets as unlike as if they had been shuffled. Look whether inputs and targets are "
    "sorted, shuffled, filtered or joined together, and not each by itself; then whether the inputs hold what the targets "
    "ask for at all.",
    explains=(
        "dying-relu", "too-few-steps", "capacity-low", "overfitting", "class-imbalance", "batch-size", "learning-rate-low",
        "optimizer-unsuitable", "learning-rate-high", "activation-saturating", "train-validation-mismatch",
        "vanishing-gradient", "dropout-high", "over-regularized", "activation-missing",
    ),
    reference="N. Mantel, The detection of disease clustering, Cancer Research 27 (1967)",
    sick=lambda: _shuffled(losses=stays()),
    healthy=lambda: _shuffled(validation=ValidationFacts(np.array([50, 200]), np.array([0.3, 0.1]))),
)  # fmt: skip
