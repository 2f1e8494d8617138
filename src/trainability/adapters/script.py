"""Watching a script that knows nothing of it: each framework's watch begins when the script imports the framework."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

ADAPTERS: Final = {"torch": "trainability.adapters.torch.script", "keras": "trainability.adapters.keras.script"}
"""Framework to the module whose `watching_models` watches every model that the framework trains."""


class _AfterImport:
    """A finder that lets others import a module, and calls `then` with its name when that is done."""

    def __init__(self, then: Callable[[str], None]):
        self.then = then
        self.seen: set[str] = set()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in ADAPTERS or name in self.seen:
            return None
        self.seen.add(name)  # the search below comes back here
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            run = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                self.then(name)

            loader.exec_module = exec_module
        return spec


@contextlib.contextmanager
def watching_models() -> Iterator[Callable[[], list[Any]]]:
    """Watch every model that is trained meanwhile, of each framework in `ADAPTERS` that is, or will be, imported.

    Gives a function that lists the watches so far; each has its `model`, its `record` and its `chart()`.
    """
    found: list[list[Any]] = []
    with contextlib.ExitStack() as undo:

        def begin(name: str) -> None:
            found.append(undo.enter_context(importlib.import_module(ADAPTERS[name]).watching_models()))

        finder = _AfterImport(begin)
        for name in ADAPTERS:
            if name in sys.modules:
                finder.seen.add(name)
                begin(name)
        sys.meta_path.insert(0, finder)
        undo.callback(sys.meta_path.remove, finder)
        yield lambda: [watch for watches in found for watch in watches]
