"""The choices that `predict` takes: axes of a grid and single values, also as texts; and results as plain values."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, TypeAlias

from trainability.core.errors import SpecError
from trainability.core.lists import split_list
from trainability.theory.functions import whole

Choices: TypeAlias = Any
"""One value, a comma list in a text, or a list."""


def levels(axis: Choices) -> list[Any]:
    """The values of an axis; SpecError where it is empty."""
    if isinstance(axis, str):
        parts = split_list(axis)
        if "" in parts:
            raise SpecError("a part of the list is empty" if parts[1:] else "the text is empty")
        return parts
    if isinstance(axis, Iterable):
        levels = list(axis)
        if not levels:
            raise SpecError("a list of choices is empty")
        return levels
    return [axis]


def whole_of(value: Any, name: str) -> int:
    """A whole number of at least 1, also from a text."""
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            raise SpecError(f"{name} must be a whole number of at least 1, got '{value}'") from None
    return whole(value, name)


def flag(value: Any) -> bool:
    """Whether there are shortcuts, also from a text; SpecError otherwise."""
    known = {"true": True, "false": False, "yes": True, "no": False}
    if isinstance(value, str) and value.lower() in known:
        return known[value.lower()]
    if isinstance(value, bool):
        return value
    raise SpecError(f"residual must be true or false, got {value!r}")


def plain(value: Any) -> Any:
    """`value` for JSON: an infinite number becomes the text ``inf``."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return "inf" if isinstance(value, float) and math.isinf(value) else value
