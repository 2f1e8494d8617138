"""The open vocabulary: entries that live one to a place and are found by looking.

A catalogue is a package whose modules hold entries as module-level constants. Adding an entry means writing it
in one file; nothing is registered, the catalogue walks the package's modules and collects what it finds.

An entry is chosen in text as ``name``, ``name:value``, ``name:value:value`` or ``name:parameter=value``.
"""

from __future__ import annotations

import functools
import importlib
import math
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from trainability.core.errors import SpecError, UnknownName


@dataclass(frozen=True)
class Parameter:
    """One number that an entry takes: its default and its range (ends belong to it unless they are ``open_…``)."""

    name: str
    default: float
    low: float = -math.inf
    high: float = math.inf
    doc: str = ""
    integer: bool = False
    open_low: bool = False
    open_high: bool = False

    def check(self, value: float, owner: str) -> float:
        """`value` if it lies in the range; SpecError that names `owner` otherwise."""
        below = value <= self.low if self.open_low else value < self.low
        above = value >= self.high if self.open_high else value > self.high
        if not math.isfinite(value) or below or above:
            left = "more than" if self.open_low else "at least"
            right = "less than" if self.open_high else "at most"
            bounds = [f"{left} {self.low:,.10g}"] if math.isfinite(self.low) else []
            bounds += [f"{right} {self.high:,.10g}"] if math.isfinite(self.high) else []
            wanted = " and ".join(bounds) or "a finite number"
            raise SpecError(f"{owner}: {self.name} must be {wanted}, got {value:g}")
        if self.integer and value != int(value):
            raise SpecError(f"{owner}: {self.name} must be a whole number, got {value:g}")
        return value


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What every entry of every catalogue has: `summary` is one line, `reference` the published source."""

    name: str
    summary: str
    aliases: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    reference: str = ""


E = TypeVar("E", bound=Entry)


@dataclass(frozen=True)
class Choice(Generic[E]):
    """An entry with values for its parameters."""

    entry: E
    values: tuple[float, ...] = ()

    @property
    def text(self) -> str:
        """The shortest text that chooses this again: ``relu``, ``leaky_relu:0.02``."""
        pairs = list(zip(self.entry.parameters, self.values, strict=True))
        while pairs and pairs[-1][0].default == pairs[-1][1]:
            pairs.pop()
        return ":".join(
            [self.entry.name, *(f"{value:g}" if float(f"{value:g}") == value else repr(value) for _, value in pairs)]
        )

    @property
    def named(self) -> dict[str, float]:
        """Parameter name to value."""
        return {p.name: v for p, v in zip(self.entry.parameters, self.values, strict=True)}


class Catalogue(Generic[E]):
    """All entries of type `kind_of` in the modules of `package`, by name and alias."""

    def __init__(self, kind: str, package: str, kind_of: type[E]):
        self.kind = kind
        self._package = package
        self._type = kind_of

    @functools.cached_property
    def _entries(self) -> dict[str, E]:
        package = importlib.import_module(self._package)
        found: dict[str, E] = {}
        for module in pkgutil.iter_modules(package.__path__):
            for value in vars(importlib.import_module(f"{self._package}.{module.name}")).values():
                if isinstance(value, self._type):
                    twin = found.setdefault(value.name, value)
                    if twin is not value:
                        raise ValueError(f"two {self.kind} entries are named {value.name!r}")
        return dict(sorted(found.items()))

    @functools.cached_property
    def _names(self) -> dict[str, E]:
        names = dict(self._entries)
        for entry in self._entries.values():
            for alias in entry.aliases:
                if names.setdefault(alias, entry) is not entry:
                    raise ValueError(f"the {self.kind} alias {alias!r} names two entries")
        return names

    def __iter__(self) -> Iterator[E]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def __getitem__(self, name: str) -> E:
        """The entry of that name or alias; UnknownName with the nearest names otherwise."""
        key = name.strip().lower()
        if key not in self._names:
            raise UnknownName(self.kind, name, self._names)
        return self._names[key]

    def choose(self, text: str) -> Choice[E]:
        """The entry and values that `text` names: ``elu``, ``elu:0.5``, ``elu:alpha=0.5``."""
        name, *words = text.strip().split(":")
        entry = self[name]
        return Choice(entry, parse_values(f"{self.kind} '{text.strip()}'", entry.parameters, words))


def parse_values(owner: str, parameters: tuple[Parameter, ...], words: list[str]) -> tuple[float, ...]:
    """Values for `parameters` from words like ``0.5`` (by place) or ``alpha=0.5`` (by name)."""
    values = [p.default for p in parameters]
    index = {p.name: i for i, p in enumerate(parameters)}
    for place, word in enumerate(words):
        key, equals, number = word.partition("=")
        if equals:
            if key not in index:
                raise (
                    UnknownName(f"parameter of {owner}", key, index)
                    if index
                    else SpecError(f"{owner} takes no parameters, got '{word}'")
                )
            place = index[key]
        else:
            number = word
        if place >= len(parameters):
            takes = (
                f"takes {len(parameters)} parameter{'s' if parameters[1:] else ''}"
                if parameters
                else "takes no parameters"
            )
            raise SpecError(f"{owner} {takes}, got {len(words)}")
        try:
            value = float(number)
        except ValueError:
            raise SpecError(f"{owner}: '{number}' is not a number") from None
        values[place] = parameters[place].check(value, owner)
    return tuple(values)
