"""XOR with nine layers of five, 4,096 networks, against every contestant."""

from __future__ import annotations

from bench.contest import peers
from bench.figure import Effort, Found
from bench.standings import compete
from bench.works import XOR

NAME = "xor"
TITLE = "XOR, 9 layers of 5, ReLU, Adam, batch 4, 4,096 networks"


def run(effort: Effort) -> Found:
    """The contest."""
    return compete(XOR, list(peers()), effort)
