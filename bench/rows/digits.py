"""Digits with one layer of 200, in mini-batches that every network draws in its own order.

Ours also scores the held-out digits after every epoch, as its target asks; PyTorch only trains.
"""

from __future__ import annotations

from bench.contest import BATCHED, LANES
from bench.figure import Effort, Found
from bench.standings import compete
from bench.works import DIGITS

NAME = "digits"
TITLE = "digits 64-200-10, Adam, batch 32, 64 networks"


def run(effort: Effort) -> Found:
    """The contest."""
    return compete(DIGITS, [BATCHED, "pytorch_loop", LANES], effort)
