"""NumPy's matrix products by one thread, beside a framework that has threads of its own."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

from threadpoolctl import ThreadpoolController


@functools.cache
def _pools() -> ThreadpoolController:
    return ThreadpoolController().select(internal_api="openblas")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """While it is entered, OpenBLAS has one thread: more of them wait for each other longer than such sizes take."""
    with _pools().limit(limits=1):
        yield
