"""Which engine runs, and what can be known of it without loading it."""

from __future__ import annotations

from pathlib import Path

from trainability.engine.interface import Engine, Program


def block_size(program: Program) -> int:
    """How many trials a block of this program holds: 32 small networks or fewer large ones.

    Measured for nine layers of five on two cores: two blocks of 32 side by side trained two to ten times as many
    network-steps a second as blocks of 64 to 4,096 did.
    """
    size = 32
    while size > 4 and size * program.network.weights > 2**17:
        size //= 2
    return size


def make(cache: Path | None, devices: int | None) -> Engine:
    """The engine: `cache` keeps compiled programs between runs; `devices` None means all there are."""
    from trainability.engine.reference import ReferenceEngine

    return ReferenceEngine(cache, devices)
