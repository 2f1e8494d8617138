"""This package with its lanes engine, by its front door: `trainability.compare`."""

from __future__ import annotations

from bench.measurement import Check, Measurement
from bench.peers import trainability_reference
from bench.works import WORKS, Work

NAME = "trainability lanes"
SLOW_START = False


def measure(seconds: float, work: Work = WORKS[0]) -> Measurement:
    """As many networks and steps as fill the time."""
    return trainability_reference.measure(seconds, work, "lanes")


def check(work: Work = WORKS[0]) -> Check:
    """Networks with weights of the package's own draws: only the solved share compares with the others'."""
    return trainability_reference.check(work, "lanes")
