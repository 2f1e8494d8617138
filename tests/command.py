"""The command line as tests call it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

Cli: TypeAlias = Callable[..., tuple[int, str, str]]
"""The words after `trainability`, to (exit code, standard output, standard error): the fixture `cli`."""


def strict_json(text: str) -> dict[str, Any]:
    """What a reader makes of it that knows no NaN and no Infinity, which JSON does not have."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)
