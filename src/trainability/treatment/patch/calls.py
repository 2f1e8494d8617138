"""Edits of a call's arguments or of a list's elements; comments and formatting around them stay."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from trainability.treatment.patch.source import Edit, NoPlace, Source, Token

Container: TypeAlias = ast.Call | ast.List


@dataclass(frozen=True)
class Slot:
    """An element with the parentheses around it, and the comma behind it, if there is one."""

    start: int
    end: int
    comma: Token | None


def elements(container: Container) -> list[ast.expr] | list[ast.expr | ast.keyword]:
    """Arguments in the order in which they are written, or elements."""
    if isinstance(container, ast.List):
        return list(container.elts)
    return sorted([*container.args, *container.keywords], key=lambda n: (n.lineno, n.col_offset))


def opening(source: Source, container: Container) -> int:
    """Behind the opening bracket."""
    if isinstance(container, ast.List):
        return source.start(container) + 1
    token = source.token_after(source.end(container.func))
    while token.text != "(":  # closers of parentheses around what is called
        token = source.token_after(token.end)
    return token.end


def slots(source: Source, container: Container) -> list[Slot]:
    """Where each element stands."""
    at = opening(source, container)
    out = []
    for element in elements(container):
        start = source.token_after(at).start
        end = source.end(element)
        token = source.token_after(end)
        while token.text == ")" and token.end < source.end(container):
            end = token.end
            token = source.token_after(end)
        out.append(Slot(start, end, token if token.text == "," else None))
        at = token.end
    return out


def argument(call: ast.Call, position: int | None, *keywords: str) -> ast.expr | None:
    """The argument of that position or of one of these names; None where it is not given.

    Raises:
        NoPlace: it may be hidden in ``*`` or ``**``.
    """
    for keyword in call.keywords:
        if keyword.arg in keywords:
            return keyword.value
    first = call.args if position is None else call.args[: position + 1]
    starred = any(isinstance(one, ast.Starred) for one in first)
    if position is not None and position < len(call.args) and not starred:
        return call.args[position]
    if starred or any(keyword.arg is None for keyword in call.keywords):
        raise NoPlace("the arguments are passed on by * or **")
    return None


def given(source: Source, call: ast.Call, position: int | None, keyword: str, text: str) -> list[Edit]:
    """Set an argument that is there, or add it as a keyword."""
    found = argument(call, position, keyword)
    if found is not None:
        return [Edit(source.start(found), source.end(found), text)]
    places = slots(source, call)
    if not places:
        at = source.end(call) - 1
        return [Edit(at, at, f"{keyword}={text}")]
    return after(source, call, len(places) - 1, f"{keyword}={text}")


def before(source: Source, container: Container, index: int, text: str) -> list[Edit]:
    """Put an element before another, on a line of its own where that one is."""
    at = slots(source, container)[index].start
    gap = source.newline + source.indentation(at) if source.opens_line(at) else " "
    return [Edit(at, at, f"{text},{gap}")]


def after(source: Source, container: Container, index: int, text: str) -> list[Edit]:
    """Put an element behind another, on a line of its own where that one is."""
    slot = slots(source, container)[index]
    if not source.opens_line(slot.start):
        return [Edit(slot.end, slot.end, f", {text}")]
    indentation = source.indentation(slot.start)
    if slot.comma is None:
        return [Edit(slot.end, slot.end, f",{source.newline}{indentation}{text}")]
    if _ends_line(source, slot.comma.end):
        at = source.line_end(slot.comma.end)
        return [Edit(at, at, f"{indentation}{text},{source.newline}")]
    return [Edit(slot.comma.end, slot.comma.end, f" {text},")]


def removed(source: Source, container: Container, index: int) -> list[Edit]:
    """Take an element out, with its line where it has one of its own."""
    places = slots(source, container)
    slot = places[index]
    end = slot.comma.end if slot.comma else slot.end
    if source.opens_line(slot.start) and _ends_line(source, end):
        return [Edit(source.line_start(slot.start), source.line_end(end), "")]
    comma = places[index - 1].comma if index else None
    if comma and not _broken(source.text[comma.start : slot.start]):
        return [Edit(comma.start, slot.end, "")]
    while slot.comma and end < len(source.text) and source.text[end] in " \t":
        end += 1
    return [Edit(slot.start, end, "")]


def taken_out(source: Source, call: ast.Call, value: ast.expr) -> list[Edit]:
    """Take the argument that is this value out of a call."""
    kept = elements(call)
    index = next(i for i, one in enumerate(kept) if value in (one, getattr(one, "value", None)))
    if value in call.args[:-1]:
        raise NoPlace("an argument that others follow by their place would be taken out")
    return removed(source, call, index)


def without(source: Source, call: ast.Call, *keywords: str) -> list[Edit]:
    """Take these keywords out of a call, where it has them."""
    kept = elements(call)
    return [
        edit
        for i, element in enumerate(kept)
        if isinstance(element, ast.keyword) and element.arg in keywords
        for edit in removed(source, call, i)
    ]


def only_settings(source: Source, call: ast.Call, kept: int, first: str, settings: Mapping[str, str]) -> list[Edit]:
    """Leave a call its first `kept` arguments and these settings.

    Args:
        first: the keyword of the argument behind those that are kept, which may be given by its place.
    """
    missing = dict(settings)
    edits: list[Edit] = []
    last = kept - 1
    for i, element in list(enumerate(elements(call)))[kept:]:
        keyword = element.arg if isinstance(element, ast.keyword) else first if i == kept else None
        node = element.value if isinstance(element, ast.keyword) else element
        if keyword in missing:
            edits.append(Edit(source.start(node), source.end(node), missing.pop(keyword)))
            last = i
        else:
            edits += removed(source, call, i)
    added = ", ".join(f"{keyword}={text}" for keyword, text in missing.items())
    if added and last >= 0:
        at = slots(source, call)[last].end
        edits.append(Edit(at, at, f", {added}"))
    elif added:
        at = opening(source, call)
        edits.append(Edit(at, at, added))
    return edits


def _ends_line(source: Source, offset: int) -> bool:
    """Whether only white space or a comment follows in the line."""
    rest = source.text[offset : source.line_end(offset)].strip()
    return offset < source.line_end(offset) and (not rest or rest.startswith("#"))


def _broken(text: str) -> bool:
    return "\n" in text or "\r" in text
