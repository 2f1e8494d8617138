"""Running a script as Python runs it."""

from __future__ import annotations

import builtins
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import ExecutionLoader, FileLoader
from importlib.util import decode_source
from pathlib import Path
from types import ModuleType


@contextlib.contextmanager
def arguments(path: str, given: Sequence[str]) -> Iterator[None]:
    """Meanwhile, what `sys` says of the command line and of where modules lie is as for ``python path given``."""
    kept = sys.argv, list(sys.path)
    sys.argv, sys.path[0:0] = [path, *given], [str(Path(path).resolve().parent)]
    try:
        yield
    finally:
        sys.argv, sys.path[:] = kept


class _Script(FileLoader, ExecutionLoader):
    """Reads a script; unlike that of an imported module its compiled form is not kept."""

    def get_source(self, fullname: str) -> str:
        return decode_source(self.get_data(self.path))


def run_as_main(path: str) -> None:
    """Run a file as the module ``__main__``.

    `runpy` would do nearly the same; of its file it says the place as it was given, and Python since 3.9 the whole one.
    """
    whole = os.path.abspath(path)
    main = ModuleType("__main__")
    loader = _Script("__main__", whole)
    vars(main).update(__file__=whole, __builtins__=builtins, __loader__=loader, __cached__=None, __annotations__={})
    kept, sys.modules["__main__"] = sys.modules["__main__"], main
    try:
        loader.exec_module(main)
    finally:
        sys.modules["__main__"] = kept
