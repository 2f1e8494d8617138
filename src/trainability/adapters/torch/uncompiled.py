"""Compiled PyTorch models, called as they were written while they are watched."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import torch


@contextlib.contextmanager
def uncompiled() -> Iterator[None]:
    """Meanwhile, have what went through ``torch.compile`` run uncompiled: a compiled program does not show its inside.

    Dynamo, which is slow to import, is only asked for once the user has asked for it.
    """
    original = torch.compile
    stances = contextlib.ExitStack()

    def eager() -> None:
        if not stances._exit_callbacks:  # pyright: ignore[reportAttributeAccessIssue]
            stances.enter_context(torch.compiler.set_stance("force_eager"))

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
