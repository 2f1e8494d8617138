"""The compiled kernel, in the fastest form that this processor can run."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
from typing import Any


@functools.cache
def kernels() -> tuple[str, ...]:
    """Names of the kernel modules that were built and that this processor can run, the fastest first."""
    try:
        processor = importlib.import_module("trainability.engine.lanes._processor")
    except ImportError:
        return ()
    return tuple(name for name in processor.kernels() if importlib.util.find_spec(_path(name)))


def _path(name: str) -> str:
    return f"trainability.engine.lanes.{name}"


def unavailable() -> str:
    """Why there is no kernel, in words, or ``""`` if there is one."""
    if kernels():
        return ""
    if importlib.util.find_spec("trainability.engine.lanes._processor") is None:
        return "it was not built, because at installation there was no C++ compiler or there were no headers of Python"
    return "this processor has none of the instruction sets that it was built for"


@functools.cache
def load(name: str | None = None) -> Any:
    """The kernel module of that name, or the fastest."""
    return importlib.import_module(_path(name or kernels()[0]))


def memory() -> int:
    """Bytes of memory that the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
