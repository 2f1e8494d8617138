"""Formulas and Gaussian expectations in 30 digits: mpmath as the twin of the theory's quadrature."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
from mpmath import mp, mpf

from trainability.activations import Activation, choose, kinks
from trainability.activations.functions import _with_drawn, expression_of
from trainability.core import expression
from trainability.core.catalogue import Choice
from trainability.core.expression import Binary, Call, Compare, Name, Negate, Node, Number, Where

DIGITS = 30
REACH = 14

_FUNCTIONS: dict[str, Callable] = {
    **{name: getattr(mpmath, name) for name in ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "sinh")},
    **{name: getattr(mpmath, name) for name in ("cosh", "tanh", "erf", "erfc", "sign")},
    "abs": abs, "arctan": mpmath.atan, "arcsinh": mpmath.asinh,
    "sigmoid": lambda u: 1 / (1 + mpmath.exp(-u)),
    "softplus": lambda u: mpmath.log1p(mpmath.exp(u)),
}  # fmt: skip
_OPERATORS: dict[str, Callable] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "**": lambda a, b: a ** (int(b) if b == int(b) else b),
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


def function(node: Node, values: dict[str, float]) -> Callable:
    """`node`, lowered, as a function of one mpmath number."""

    def at(node: Node, x):
        match node:
            case Number(value=value):
                return mpf(value)
            case Name(name=name):
                return {"x": x, "pi": mp.pi, "e": mp.e}.get(name) if name in ("x", "pi", "e") else mpf(values[name])
            case Negate(operand=operand):
                return -at(operand, x)
            case Binary() | Compare():
                return _OPERATORS[node.operator](at(node.left, x), at(node.right, x))
            case Where(condition=condition, then=then, otherwise=otherwise):
                return at(then, x) if at(condition, x) else at(otherwise, x)
            case Call(function=name, arguments=(argument,)):
                return _FUNCTIONS[name](at(argument, x))
        raise TypeError(node)

    return lambda x: at(node, x)


def functions(choice: Choice[Activation]) -> tuple[Callable, Callable]:
    """φ and φ′."""
    node = expression_of(choice.entry, 1)
    values = _with_drawn(choice.entry, choice.named)
    return function(expression.lower(node), values), function(expression.differentiate(node), values)


def expectation(text: str, kind: str, q: float, places: tuple[float, ...] = ()) -> mpf:
    """The expectation `kind` of `theory.moments` at variance q; `places`: where the function is steep."""
    choice = choose(text)
    phi, slope = functions(choice)
    of = {
        "mean": phi,
        "second": lambda x: phi(x) ** 2,
        "fourth": lambda x: phi(x) ** 4,
        "slope_second": lambda x: slope(x) ** 2,
        "slope_fourth": lambda x: slope(x) ** 4,
        "both": lambda x: (phi(x) * slope(x)) ** 2,
        "growth": lambda x: phi(x) ** 2 * (x**2 / mpf(q) - 1) / (2 * mpf(q)),
    }[kind]
    with mp.workdps(DIGITS):
        s = mpmath.sqrt(mpf(q))
        near = [mpf(p) + sign * mpf(2) ** -k for p in places for k in range(0, 14, 2) for sign in (-1, 1)]
        cuts = [mpf(k) for k in kinks(choice)] + near + [mpf(p) for p in places]
        inside = sorted({c / s for c in cuts if abs(c / s) < REACH} | {mpf(z) for z in range(-REACH, REACH + 1, 2)})
        size = abs(of(2.1 * s)) or mpf(1)  # mpmath stops at an absolute error
        return size * mpmath.quad(lambda z: of(s * z) / size * mpmath.npdf(z), inside, maxdegree=7)
