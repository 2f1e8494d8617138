"""From text to syntax tree: a tokenizer and a precedence-climbing parser, with errors that show the place.

    condition := sum (< | <= | > | >= | == | !=) sum
    sum       := product ((+ | -) product)*
    product   := unary ((* | /) unary)*
    unary     := (+ | -) unary | power
    power     := atom ((** | ^) unary)?
    atom      := number | name | name ( argument , ... ) | ( sum )

No text is ever executed. Length, nesting and size are limited, so that no text exhausts stack or clock.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from trainability.core.errors import FormulaError
from trainability.core.expression.functions import FUNCTION_ALIASES, FUNCTIONS
from trainability.core.expression.lowering import lower
from trainability.core.expression.nodes import (
    CONSTANTS,
    Binary,
    Call,
    Compare,
    Name,
    Negate,
    Node,
    Number,
    Where,
    substitute,
)

LONGEST = 2000
DEEPEST = 64
LARGEST = 4000

_TOKEN = re.compile(
    r"""
    (?P<number>  (?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)? )
  | (?:(?:np|numpy|jnp|math|torch|F)\.)?(?P<name> [A-Za-z_][A-Za-z_0-9]* )
  | (?P<sign>    \*\*|<=|>=|==|!=|[-+*/^()<>,] )
""",
    re.VERBOSE,
)
_PRECEDENCE = {"<": 1, "<=": 1, ">": 1, ">=": 1, "==": 1, "!=": 1, "+": 2, "-": 2, "*": 3, "/": 3}


@dataclass(frozen=True)
class Macro:
    """A function that a formula may call and that is itself a formula: its parameters with their defaults.

    A parameter whose default is None must be given.
    """

    node: Node
    parameters: tuple[tuple[str, Node | None], ...] = (("x", None),)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int


@dataclass
class _Parser:
    text: str
    variables: Collection[str]
    macros: Mapping[str, Macro]
    tokens: list[_Token] = field(default_factory=list)
    place: int = 0
    level: int = 0

    def fail(self, sentence: str, start: int) -> NoReturn:
        first = max(0, start - 40)
        excerpt = self.text[first : start + 40]
        excerpt = "".join(c if c.isprintable() else " " for c in excerpt)
        raise FormulaError(
            f"{sentence} (character {start + 1} of the formula)\n  {excerpt}\n  " + " " * (start - first) + "^"
        )

    def tokenize(self) -> None:
        position = 0
        while position < len(self.text):
            if self.text[position].isspace():
                position += 1
                continue
            match = _TOKEN.match(self.text, position)
            if match is None or match.lastgroup is None:
                self.fail(f"unexpected character {self.text[position]!r}", position)
            self.tokens.append(_Token(match.lastgroup, match.group(match.lastgroup), position))
            position = match.end()
        self.tokens.append(_Token("end", "", len(self.text)))

    @property
    def token(self) -> _Token:
        return self.tokens[self.place]

    def take(self, text: str) -> bool:
        """Step over `text` if it comes next."""
        found = self.token.kind == "sign" and self.token.text == text
        self.place += found
        return found

    def expect(self, text: str, after: str) -> None:
        if not self.take(text):
            self.fail(f"expected '{text}' {after}, got {self.shown()}", self.token.start)

    def shown(self) -> str:
        return "the end" if self.token.kind == "end" else f"'{self.token.text}'"

    def built(self, node: Node, start: int) -> Node:
        """`node`, unless it has become too deep or too large (macros can multiply)."""
        if node.depth > DEEPEST:
            self.fail(f"the formula is nested too deeply (more than {DEEPEST} levels)", start)
        if node.size > LARGEST:
            self.fail(f"the formula is too large (more than {LARGEST} parts)", start)
        return node

    def whole(self) -> Node:
        self.tokenize()
        if self.token.kind == "end":
            raise FormulaError("the formula is empty; write one in x, such as 'x*sigmoid(x)'")
        node = self.number()
        if self.token.kind != "end":
            previous = self.tokens[self.place - 1]
            if previous.kind in ("number", "name") and self.token.kind in ("number", "name"):
                self.fail(
                    f"expected an operator before {self.shown()} (a product needs '*': "
                    f"'{previous.text}*{self.token.text}')",
                    self.token.start,
                )
            self.fail(f"expected an operator or the end, got {self.shown()}", self.token.start)
        lowered = lower(node, self.variables)
        if lowered.size > LARGEST or lowered.depth > 2 * DEEPEST:
            raise FormulaError("the formula is too large: its max, min, clip and relu are nested too deeply")
        return node

    def number(self) -> Node:
        """A formula that stands for a number."""
        start = self.token.start
        node = self.binary(1)
        if isinstance(node, Compare):
            self.fail("a comparison stands where a number is expected; use where(condition, a, b)", start)
        return node

    def binary(self, least: int) -> Node:
        start = self.token.start
        left = self.unary()
        while self.token.kind == "sign" and _PRECEDENCE.get(self.token.text, 0) >= least:
            token = self.token
            precedence = _PRECEDENCE[token.text]
            if isinstance(left, Compare):
                self.fail(
                    "comparisons cannot be chained; nest two where(condition, a, b)"
                    if precedence == 1
                    else "a comparison stands where a number is expected",
                    token.start,
                )
            self.place += 1
            right_start = self.token.start
            right = self.binary(precedence + 1)
            if isinstance(right, Compare):
                self.fail("a comparison stands where a number is expected", right_start)
            kind = Compare if precedence == 1 else Binary
            left = self.built(kind(token.text, left, right), start)
        return left

    def unary(self) -> Node:
        start = self.token.start
        self.level += 1
        if self.level > DEEPEST:
            self.fail(f"the formula is nested too deeply (more than {DEEPEST} levels)", start)
        minus = self.take("-")
        if minus or self.take("+"):
            operand = self.unary()
            if isinstance(operand, Compare):
                self.fail("a comparison stands where a number is expected", start)
            node = Negate(operand) if minus else operand
        else:
            node = self.power()
        self.level -= 1
        return self.built(node, start)

    def power(self) -> Node:
        start = self.token.start
        base = self.atom()
        if self.take("**") or self.take("^"):
            right_start = self.token.start
            exponent = self.unary()
            for side, place in ((base, start), (exponent, right_start)):
                if isinstance(side, Compare):
                    self.fail("a comparison stands where a number is expected", place)
            return Binary("**", base, exponent)
        return base

    def atom(self) -> Node:
        token = self.token
        self.place += 1
        if token.kind == "number":
            value = float(token.text)
            if not math.isfinite(value):
                self.fail(f"the number {token.text} is too large", token.start)
            return Number(value)
        if token.kind == "name":
            return self.call(token) if self.take("(") else self.name(token)
        if token.kind == "sign" and token.text == "(":
            node = self.binary(1)
            self.expect(")", "to close the parenthesis")
            return node
        self.place -= 1
        return self.fail(f"expected a number, a name or '(', got {self.shown()}", token.start)

    def name(self, token: _Token) -> Node:
        if token.text in self.variables or token.text in CONSTANTS:
            return Name(token.text)
        functions = self.functions()
        if token.text in functions:
            self.fail(f"the function '{token.text}' needs an argument: '{token.text}(x)'", token.start)
        near = _near(token.text, {*self.variables, *CONSTANTS, *functions})
        variables = ", ".join(f"'{name}'" for name in self.variables)
        return self.fail(f"unknown name '{token.text}'; {near or f'the formula may use {variables}'}", token.start)

    def functions(self) -> set[str]:
        return {"where", *FUNCTIONS, *FUNCTION_ALIASES, *self.macros}

    def call(self, token: _Token) -> Node:
        functions = self.functions()
        if token.text not in functions:
            near = _near(token.text, functions)
            if token.text in self.variables or token.text in CONSTANTS:
                near = f"a product needs '*': '{token.text}*(...)'"
            self.fail(
                f"unknown function '{token.text}'; {near or 'known are ' + ', '.join(sorted(functions))}",
                token.start,
            )
        arguments: list[Node] = []
        starts: list[int] = []
        while not (not arguments and self.take(")")):
            starts.append(self.token.start)
            arguments.append(self.binary(1))
            if self.take(")"):
                break
            self.expect(",", f"or ')' after an argument of {token.text}")
        return self.built(self.applied(token, arguments, starts), token.start)

    def applied(self, token: _Token, arguments: list[Node], starts: list[int]) -> Node:
        """The call of the function `token` with `arguments` of the right number and kind."""
        name = FUNCTION_ALIASES.get(token.text, token.text)
        macro = None if name in FUNCTIONS or name == "where" else self.macros[name]
        if macro:
            least, most = sum(default is None for _, default in macro.parameters), len(macro.parameters)
        elif name == "where":
            least = most = 3
        else:
            least, most = FUNCTIONS[name].least, FUNCTIONS[name].most
        if not least <= len(arguments) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            self.fail(
                f"{token.text} takes {wanted} argument{'' if wanted == '1' else 's'}, got {len(arguments)}",
                token.start,
            )
        for index, (argument, start) in enumerate(zip(arguments, starts, strict=True)):
            condition = isinstance(argument, Compare)
            if name == "where" and index == 0 and not condition:
                self.fail("where needs a condition as its first argument, such as x > 0, got a number", start)
            if condition and (name != "where" or index > 0):
                self.fail("a comparison stands where a number is expected; use where(condition, a, b)", start)
        if macro:
            given = [*arguments, *(default for _, default in macro.parameters[len(arguments) :])]
            names = [parameter for parameter, _ in macro.parameters]
            return substitute(macro.node, {n: g for n, g in zip(names, given, strict=True) if g is not None})
        if name == "where":
            condition, then, otherwise = arguments
            assert isinstance(condition, Compare)
            return Where(condition, then, otherwise)
        return Call(name, tuple(arguments))


def _near(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else ""


def parse(text: str, variables: Collection[str] = ("x",), macros: Mapping[str, Macro] | None = None) -> Node:
    """The syntax tree of a formula.

    Args:
        text: the formula, at most 2000 characters, such as ``where(x > 0, x, alpha * expm1(x))``.
        variables: the names that may occur (variables and parameters); ``pi`` and ``e`` always may.
        macros: further functions that may be called, each a formula; they are written out in the tree.

    Raises:
        FormulaError: the text is not a formula; the message shows the place.
    """
    if len(text) > LONGEST:
        raise FormulaError(f"the formula has {len(text)} characters, at most {LONGEST} are allowed")
    return _Parser(text, variables, macros or {}).whole()
