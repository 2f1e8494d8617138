"""Compiled PyTorch models, called as they were written while they are watched."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import torch


@contextlib.contextmanager
def uncompiled() -> Iterator[None]:
    """Meanwhile, have what went through ``torch.compile`` run uncompiled: a compiled program does not show its inside.

    Dynamo, which is slow to import, is only asked for once the user has asked for it.
    """
    original = torch.compile
    stances, eagerly = contextlib.ExitStack(), False

    def eager() -> None:
        nonlocal eagerly
        if not eagerly:
            eagerly = True
            stances.enter_context(torch.compiler.set_stance("force_eager"))
            stances.enter_context(_quiet())

    def compile(*args: Any, **kwargs: Any) -> Any:
        made = original(*args, **kwargs)
        eager()
        return made

    if "torch._dynamo" in sys.modules:
        eager()
    torch.compile = compile
    try:
        yield
    finally:
        torch.compile = original
        stances.close()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Meanwhile, have PyTorch not warn of hooks for all modules: they are ours."""
    warnings.filterwarnings("ignore", "Using `torch.compile\\(module\\)` when there are global hooks")
    ours = warnings.filters[0]
    try:
        yield
    finally:
        if ours in warnings.filters:
            warnings.filters.remove(ours)  # pyright: ignore[reportAttributeAccessIssue]
