"""Watching a script that knows nothing of it: every model that it calls."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import torch
from torch.nn.modules import module as modules

from trainability.adapters.torch.uncompiled import uncompiled
from trainability.adapters.torch.watch import Watch


@contextlib.contextmanager
def watching_models() -> Iterator[list[Watch]]:
    """Watch every module that is called by itself (not by another module) and has parameters, from its first call on.

    The list grows as models appear; models that share parameters count as one.
    """
    watches: list[Watch] = []
    known: set[int] = set()
    here = threading.local()
    undo = contextlib.ExitStack()

    def enter(module: torch.nn.Module, *_: Any) -> None:
        here.depth = getattr(here, "depth", 0) + 1
        if here.depth > 1:
            return
        if _of_keras(module):
            return
        parameters = {id(p) for p in module.parameters()}
        if parameters and not parameters & known:
            known.update(parameters)
            watches.append(undo.enter_context(Watch(module)))

    def leave(module: torch.nn.Module, *_: Any) -> None:
        here.depth = getattr(here, "depth", 1) - 1

    undo.enter_context(uncompiled())
    undo.callback(modules.register_module_forward_pre_hook(enter).remove)
    undo.callback(modules.register_module_forward_hook(leave, always_call=True).remove)
    with undo:
        yield watches


def _of_keras(module: torch.nn.Module) -> bool:
    """Whether it is a layer or model of Keras, whose own watch sees `fit` and `train_on_batch`."""
    return any(kind.__module__.startswith("keras.") for kind in type(module).__mro__)
