"""A Python source as text and as its syntax tree, and edits that leave every other byte as it is."""

from __future__ import annotations

import ast
import bisect
import io
import re
import tokenize
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from trainability.core.errors import SpecError

Node: TypeAlias = ast.expr | ast.stmt | ast.keyword
"""A node of the tree that has a place."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_TRIVIA = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


class NoPlace(Exception):
    """Why an operation has no one clear place in a source; its text is said to the user."""


@dataclass(frozen=True)
class Edit:
    """Characters `start` to `end` become `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Token:
    """A token that is neither comment nor white space."""

    start: int
    end: int
    text: str


class Source:
    """The text and the tree; places are offsets in characters.

    Raises:
        SpecError: the text is not Python.
    """

    def __init__(self, text: str, name: str):
        self.text, self.name = text, name
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the user's source, such as an invalid escape
                self.tree = ast.parse(text)
        except SyntaxError as error:
            line = f" in line {error.lineno}" if error.lineno else ""
            raise SpecError(f"'{name}' is not Python{line}: {error.msg}") from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise SpecError(f"'{name}' cannot be read as Python: {error}") from None
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self.bound: dict[tuple[str, ast.AST], list[ast.AST]] = {}  # filled by names.bindings
        self._lines = [0, *(match.end() for match in _LINE_END.finditer(text))]
        self._tokens: list[Token] | None = None

    def start(self, node: Node) -> int:
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: Node) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        """The tree counts columns in bytes of UTF-8."""
        start = self._lines[line - 1]
        return start + len(self.text[start : self.line_end(start)].encode()[:column].decode())

    def segment(self, node: Node) -> str:
        """The node's own text."""
        return self.text[self.start(node) : self.end(node)]

    def line_start(self, offset: int) -> int:
        return self._lines[bisect.bisect_right(self._lines, offset) - 1]

    def line_end(self, offset: int) -> int:
        """Behind the line's end."""
        at = bisect.bisect_right(self._lines, offset)
        return self._lines[at] if at < len(self._lines) else len(self.text)

    def indentation(self, offset: int) -> str:
        start = self.line_start(offset)
        line = self.text[start : self.line_end(offset)]
        return line[: len(line) - len(line.lstrip(" \t\f"))]

    def opens_line(self, offset: int) -> bool:
        """Whether only white space stands before it in its line."""
        return not self.text[self.line_start(offset) : offset].strip()

    @property
    def newline(self) -> str:
        match = _LINE_END.search(self.text)
        return match.group() if match else "\n"

    def token_after(self, offset: int) -> Token:
        """The first token that starts there or later."""
        if self._tokens is None:
            made = tokenize.generate_tokens(io.StringIO(self.text, newline=None).readline)
            at = [(self._lines[t.start[0] - 1] + t.start[1], t) for t in made if t.type not in _TRIVIA]
            self._tokens = [Token(start, self._lines[t.end[0] - 1] + t.end[1], t.string) for start, t in at]
        return self._tokens[bisect.bisect_left(self._tokens, offset, key=lambda token: token.start)]

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that holds the node."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def line_before(self, statement: ast.stmt, text: str) -> Edit:
        """A line of its own before a statement, or the same before a semicolon."""
        start = self.start(statement)
        if self.opens_line(start):
            at = self.line_start(start)
            return Edit(at, at, f"{self.indentation(start)}{text}{self.newline}")
        return Edit(start, start, f"{text}; ")

    def import_line(self, text: str) -> Edit:
        """A line behind the imports that the module begins with."""
        last: ast.stmt | None = None
        for i, statement in enumerate(self.tree.body):
            documentation = i == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if not documentation and not isinstance(statement, ast.Import | ast.ImportFrom):
                break
            last = statement
        if last is None:
            if not self.tree.body:
                return Edit(len(self.text), len(self.text), text + self.newline)
            first = self.tree.body[0]
            at = self._lines[min(n.lineno for n in (first, *getattr(first, "decorator_list", []))) - 1]
            return Edit(at, at, text + self.newline)
        at = self.line_end(self.end(last) - 1)
        return Edit(at, at, text + self.newline if self.text[at - 1] in "\r\n" else self.newline + text)


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits, which do not overlap; of two at one place the first comes first."""
    out, at = [], 0
    for edit in sorted(dict.fromkeys(edits), key=lambda edit: (edit.start, edit.end)):
        if edit.start < at:
            raise NoPlace("two changes meet in one place")
        out += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*out, text[at:]])
