"""This package with its reference engine, by its front door."""

from __future__ import annotations

from bench import front_door
from bench.measurement import Check, Measurement
from bench.works import Work

NAME = "trainability reference"
SLOW_START = False


def measure(seconds: float, work: Work) -> Measurement:
    """As many networks and steps as fill the time."""
    return front_door.measure(seconds, work, engine="reference")


def check(work: Work) -> Check:
    """From the trials' records."""
    return front_door.check(work, engine="reference")
