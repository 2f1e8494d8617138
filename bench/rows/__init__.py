"""The rows of the benchmark, one module each, in the order of `ROWS`; adding one means a module and its place there.

``NAME``   what ``--row`` takes.
``TITLE``  what is measured, for the summary.
``run``    (effort) to what was found; it prints its own table.
"""

from __future__ import annotations

from typing import Final

from bench.figure import Row
from bench.rows import activations, demo, digits, first_block, million, shapes, threads, watch, xor

ROWS: Final[tuple[Row, ...]] = (xor, shapes, activations, digits, demo, threads, million, first_block, watch)
