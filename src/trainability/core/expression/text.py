"""A formula written out: as canonical text, and as LaTeX."""

from __future__ import annotations

import re

from trainability.core.expression.functions import FUNCTIONS
from trainability.core.expression.nodes import Binary, Call, Compare, Name, Negate, Node, Number, Where

_COMPARE, _SUM, _PRODUCT, _UNARY, _POWER, _ATOM = range(6)
_LEVEL = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "**": _POWER}
_SIGN = {"<=": r"\leq", ">=": r"\geq", "==": "=", "!=": r"\neq", "<": "<", ">": ">"}
_SYMBOLS = {
    "alpha": r"\alpha",
    "beta": r"\beta",
    "gamma": r"\gamma",
    "lambd": r"\lambda",
    "pi": r"\pi",
    "threshold": r"\theta",
    "lower": r"\ell",
    "upper": "u",
}


def unparse(node: Node) -> str:
    """The shortest canonical text of `node`, with the parentheses it needs; it parses to the same tree."""
    return _text(node, _COMPARE)


def _number(value: float) -> str:
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def _text(node: Node, least: int) -> str:
    match node:
        case Number(value=value):
            return _number(value)
        case Name(name=name):
            return name
        case Negate(operand=operand):
            text, level = "-" + _text(operand, _UNARY), _UNARY
        case Binary(operator="**", left=left, right=right):
            text, level = f"{_text(left, _ATOM)}**{_text(right, _UNARY)}", _POWER
        case Binary(operator=operator, left=left, right=right):
            level = _LEVEL[operator]
            space = " " if level == _SUM else ""
            text = f"{_text(left, level)}{space}{operator}{space}{_text(right, level + 1)}"
        case Compare(operator=operator, left=left, right=right):
            text, level = f"{_text(left, _SUM)} {operator} {_text(right, _SUM)}", _COMPARE
        case Where() | Call():
            name = node.function if isinstance(node, Call) else "where"
            return f"{name}({', '.join(_text(part, _COMPARE) for part in node.parts)})"
        case _:
            raise TypeError(f"not a formula: {node!r}")
    return f"({text})" if level < least else text


def latex(node: Node) -> str:
    """`node` in LaTeX, without dollar signs, in the part of it that matplotlib's mathtext knows."""
    return _latex(node, _COMPARE)


def _latex_number(value: float) -> str:
    mantissa, _, exponent = f"{value:.6g}".partition("e")
    if not exponent:
        return mantissa
    power = f"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else rf"{mantissa} \cdot {power}"


def symbol(name: str) -> str:
    """The LaTeX of a variable or parameter: a Greek letter, a letter with its index, or upright text."""
    if name in _SYMBOLS:
        return _SYMBOLS[name]
    if match := re.fullmatch(r"([A-Za-z])([0-9]+)", name):
        return f"{match[1]}_{{{match[2]}}}"
    if len(name) == 1:
        return name
    return r"\mathrm{" + name.replace("_", r"\_") + "}"


def _latex(node: Node, least: int) -> str:
    match node:
        case Number(value=value):
            return _latex_number(value)
        case Name(name=name):
            return symbol(name)
        case Negate(operand=operand):
            text, level = "-" + _latex(operand, _PRODUCT), _SUM
        case Binary(operator="/", left=left, right=right):
            return rf"\frac{{{_latex(left, _COMPARE)}}}{{{_latex(right, _COMPARE)}}}"
        case Binary(operator="**", left=left, right=right):
            text, level = f"{_base(left)}^{{{_latex(right, _COMPARE)}}}", _POWER
        case Binary(operator="*", left=left, right=right):
            # Two numbers side by side would read as one.
            sign = r"\cdot " if isinstance(right, Number) or _starts_with_digit(right) else r"\,"
            text, level = f"{_latex(left, _PRODUCT)}{sign}{_latex(right, _UNARY)}", _PRODUCT
        case Binary(operator=operator, left=left, right=right):
            text, level = f"{_latex(left, _SUM)} {operator} {_latex(right, _PRODUCT)}", _SUM
        case Compare(operator=operator, left=left, right=right):
            text, level = f"{_latex(left, _SUM)} {_SIGN[operator]} {_latex(right, _SUM)}", _COMPARE
        case Where():
            return _cases(node)
        case Call(function=function, arguments=arguments):
            least_inside = _PRODUCT if function == "units_sum" else _COMPARE
            inside = r",\; ".join(_latex(argument, least_inside) for argument in arguments)
            return FUNCTIONS[function].latex.format(u=inside)
        case _:
            raise TypeError(f"not a formula: {node!r}")
    return rf"\left({text}\right)" if level < least else text


def _base(node: Node) -> str:
    """The base of a power; e^x and roots need parentheses, which names and numbers do not."""
    text = _latex(node, _ATOM)
    plain = isinstance(node, Name) or (isinstance(node, Number) and "^" not in text)
    enclosed = text.startswith(r"\left(") and text.endswith(r"\right)")
    return text if plain or enclosed else rf"\left({text}\right)"


def _starts_with_digit(node: Node) -> bool:
    return _latex(node, _UNARY)[:1].isdigit()


def _cases(node: Where) -> str:
    r"""Branches with their conditions behind a brace: by \substack, as mathtext has no `cases`."""
    lines = []
    rest: Node = node
    while isinstance(rest, Where):
        condition = _latex(rest.condition, _COMPARE)
        lines.append(rf"{_latex(rest.then, _COMPARE)} \quad \mathrm{{if}} \; {condition}")
        rest = rest.otherwise
    lines.append(rf"{_latex(rest, _COMPARE)} \quad \mathrm{{otherwise}}")
    return r"\left\{\substack{" + r" \\ ".join(lines) + r"}\right."
