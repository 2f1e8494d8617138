"""Edits of a number: a literal where it stands, or where the one name that is read there was given it."""

from __future__ import annotations

import ast
from collections.abc import Callable

from trainability.treatment.patch.names import only_value, uses
from trainability.treatment.patch.source import Edit, Source

_ATOMS = (ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Call)


def number(value: float) -> str:
    """A number as people write it: 12 digits, so that 0.1 times 3 is 0.3."""
    rounded = float(f"{value:.12g}")
    return str(int(rounded)) if rounded == int(rounded) and abs(rounded) < 1e15 else repr(rounded)


def literal(node: ast.expr | None) -> float | None:
    """The number that the node is; None where it is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node.value
    return None


def known(source: Source, node: ast.expr | None) -> float | None:
    """The number that the node is, or that its name was given by its one assignment."""
    value = only_value(source, node) if isinstance(node, ast.Name) else node
    return literal(value)


def place_of(source: Source, node: ast.expr, alike: Callable[[ast.Name], bool] = lambda use: False) -> ast.expr:
    """The literal behind a name, where the name is read nowhere else but in uses that are `alike`; else the node."""
    if isinstance(node, ast.Name):
        value = only_value(source, node)
        if literal(value) is not None and all(use is node or alike(use) for use in uses(source, node)):
            assert value is not None
            return value
    return node


def multiplied(
    source: Source,
    node: ast.expr,
    factor: float,
    whole: bool = False,
    alike: Callable[[ast.Name], bool] = lambda use: False,
) -> list[Edit]:
    """Multiply a number; a `whole` one is rounded and at least 1. What is no literal is multiplied as it stands."""
    place = place_of(source, node, alike)
    value = literal(place)
    if value is not None:
        text = str(max(1, round(value * factor))) if whole else _decimal(value * factor)
        return [Edit(source.start(place), source.end(place), text)]
    product = f"{as_factor(source, place)} * {number(factor)}"
    if whole and factor != int(factor):
        product = f"max(1, round({product}))"
    return [Edit(source.start(place), source.end(place), product)]


def replaced(source: Source, node: ast.expr, value: float) -> list[Edit]:
    """Put another number in the place of one."""
    place = place_of(source, node)
    return [] if literal(place) == value else [Edit(source.start(place), source.end(place), number(value))]


def as_factor(source: Source, node: ast.expr) -> str:
    """The node's text, in parentheses where a product or an attribute would tear it apart."""
    text = source.segment(node)
    return text if isinstance(node, _ATOMS) else f"({text})"


def _decimal(value: float) -> str:
    return repr(float(f"{value:.12g}"))
