"""Which engine runs, and what can be known of it without loading it."""

from __future__ import annotations

from pathlib import Path

from trainability.engine.interface import Engine, Program


def block_size(program: Program) -> int:
    """How many trials a block of this program holds: 32 small networks or fewer large ones.

    Measured for nine layers of five: XLA compiles the loop over the steps into one kernel only while its arrays are
    few, and 32 networks trained two to three times as many network-steps a second as 64 or 1,024 did.
    """
    size = 32
    while size > 4 and size * program.network.weights > 2**17:
        size //= 2
    return size


def make(cache: Path | None, devices: int | None) -> Engine:
    """The engine: `cache` keeps compiled programs between runs; `devices` None means all there are."""
    from trainability.engine.reference import ReferenceEngine

    return ReferenceEngine(cache, devices)
