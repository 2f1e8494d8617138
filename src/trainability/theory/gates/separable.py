"""Gates that are a sum of products of functions of one piece each, as the cell of an LSTM is.

Mean squares of a sum need the mean products of its terms, which fall into those of functions f, g of one piece:
E[f g] = ½ (E[(f + g)²] − E[f²] − E[g²]), and likewise for slopes, for the growth by q, and for two correlated inputs.
What the scatter between networks needs, means of fourth powers, is sampled.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainability.core.expression import Binary, Name, Negate, Node, Number, names, substitute
from trainability.theory.expectations import Estimate, Expectations, Kind, Products, Table
from trainability.theory.functions import Gate
from trainability.theory.gates.factored import factor
from trainability.theory.gates.formula import GateFormula
from trainability.theory.gates.sampled import SampledGate
from trainability.theory.line import LineExpectations

_MOST_TERMS = 6
_SAMPLED: tuple[Kind, ...] = ("fourth", "slope_fourth", "both")
_ONE = Number(1.0)
_ROUNDING, _TINY = 1e-13, 1e-300

Term = dict[str, Node]
"""Variable to its function, "" to a constant; of a variable that does not occur the function is 1."""


def terms_of(gate: Gate) -> list[Term] | None:
    """The terms of the sum, or None where the formula is none."""
    return _expanded(gate.formula)


def _expanded(node: Node) -> list[Term] | None:
    used = names(node)
    if len(used) <= 1:
        return [{next(iter(used), ""): node}]
    match node:
        case Negate():
            return _times([{"": Number(-1.0)}], _expanded(node.operand))
        case Binary(operator="+" | "-"):
            left, right = _expanded(node.left), _expanded(node.right)
            right = right if node.operator == "+" else _times([{"": Number(-1.0)}], right)
            return None if left is None or right is None or len(left + right) > _MOST_TERMS else left + right
        case Binary(operator="*"):
            return _times(_expanded(node.left), _expanded(node.right))
        case Binary(operator="/") if len(names(node.right)) <= 1:
            return _times(_expanded(node.left), _expanded(Binary("/", _ONE, node.right)))
    return None


def _times(left: list[Term] | None, right: list[Term] | None) -> list[Term] | None:
    if left is None or right is None or len(left) * len(right) > _MOST_TERMS:
        return None
    made = []
    for a in left:
        for b in right:
            shared = {name: Binary("*", a[name], b[name]) for name in a.keys() & b.keys()}
            made.append(a | b | shared)
    return made


@dataclass(frozen=True)
class Way:
    """A mean product of functions f and g.

    Attributes:
        square: of f = g. beside_1: of g = 1, where that is known without the square of f + 1.
    """

    square: Callable[[LineExpectations], Any]
    beside_1: Callable[[LineExpectations], Any] | None = None


def _nothing(line: LineExpectations) -> float:
    return 0.0


class SeparableGate(Expectations):
    """Expectations of a sum of products of functions of one piece each."""

    def __init__(self, gate: Gate, terms: list[Term]):
        self.name, self.pieces = gate.name, gate.pieces
        self._gate = gate
        self._used = [name for name in gate.variables if any(name in term for term in terms)]
        columns = []
        for name in self._used:
            functions = [term.get(name, _ONE) for term in terms]
            if not columns:  # the constants go with the first
                functions = [Binary("*", t[""], f) if "" in t else f for t, f in zip(terms, functions, strict=True)]
            columns.append([substitute(f, {name: Name("x")}) for f in functions])
        self._functions = columns
        self._line = functools.cache(factor)
        for column in columns:
            for function in column:
                self._line(function)

    @functools.cached_property
    def _sampled(self) -> SampledGate:
        return SampledGate(GateFormula(self._gate))

    def at(self, kind: Kind, q: float) -> float:
        if kind in _SAMPLED:
            return self._sampled.at(kind, q)
        if kind == "mean":
            means = np.array([[self._line(f).at("mean", q) for f in column] for column in self._functions])
            return float(means.prod(axis=0).sum())
        value = float(self._of_terms(kind, q).sum())
        if not math.isfinite(value):
            raise self._too_fast(kind, q)
        return value

    def estimate(self, kind: Kind, q: float) -> Estimate:
        """As wrong, relative to the terms before anything cancels between them, as the least exact function is."""
        if kind in _SAMPLED:
            return self._sampled.estimate(kind, q)
        second = self._of_terms("second", q)
        size = math.sqrt(float(np.trace(second)))
        if kind != "mean":
            terms = second if kind == "second" else self._of_terms(kind, q)
            size = float(np.sqrt(np.abs(np.diagonal(terms))).sum()) ** 2
        worst = 0.0
        for line in self.lines():
            for known in (line.estimate("second", q), line.estimate(kind, q)):
                worst = max(worst, known.error / max(abs(known.value), _TINY) if kind != "mean" else known.error)
        return Estimate(self.at(kind, q), (_ROUNDING + worst) * size)

    def _of_terms(self, kind: Kind, q: float) -> np.ndarray:
        """What mean products of two terms add to an expectation, shape (terms, terms)."""
        products, moved = self._parts(*self._ways(q, kind))
        return products if kind == "second" else moved.sum(axis=0)

    def slope_each(self, q: float) -> tuple[float, ...]:
        _, each = self._parts(*self._ways(q, "slope_second"))
        found = dict(zip(self._used, each.sum(axis=(1, 2)).tolist(), strict=True))
        return tuple(found.get(name, 0.0) for name in self._gate.variables)

    def products(self, q: float) -> SeparableProducts:
        return SeparableProducts(self, q)

    @functools.cached_property
    def table(self) -> Table:
        lines = [self._line(f) for column in self._functions for f in _with_sums(column)]
        count = min(len(line.table.q) for line in lines)
        q = lines[0].table.q[:count]
        mean = functools.cache(lambda line: np.array([line.at("mean", v) for v in q.tolist()]))
        value = Way(lambda line: line.table.second[:count], mean)
        columns = []
        with np.errstate(over="ignore", invalid="ignore"):
            for way in (
                Way(lambda line: line.table.slope_second[:count], _nothing),
                Way(lambda line: line.table.growth[:count]),
            ):
                second, each = self._parts(value, way)
                columns.append(each.sum(axis=(0, 1, 2)))
        return self._finite(q, [second.sum(axis=(0, 1)), *columns])

    def _ways(self, q: float, kind: Kind) -> tuple[Way, Way]:
        value = Way(lambda line: line.at("second", q), lambda line: line.at("mean", q))
        return value, Way(lambda line: line.at(kind, q), _nothing if kind == "slope_second" else None)

    def _parts(self, value: Way, moved: Way) -> tuple[np.ndarray, np.ndarray]:
        """What mean products of two terms are, shape (terms, terms, …), and what they are where one factor of both is
        replaced by what is `moved` of it, as by its slope, shape (variables, terms, terms, …)."""
        of_value, of_moved = (
            np.array([self._mean_products(column, way) for column in self._functions]) for way in (value, moved)
        )
        others = [np.delete(of_value, i, axis=0).prod(axis=0) for i in range(len(of_value))]
        return of_value.prod(axis=0), of_moved * np.array(others)

    def _mean_products(self, column: list[Node], way: Way) -> list[list[Any]]:
        known = functools.cache(lambda function: way.square(self._line(function)))

        def product(f: Node, g: Node) -> Any:
            if f == g:
                return known(f)
            if way.beside_1 and _ONE in (f, g):
                # The difference of squares would lose a mean that is near 0. What is added gives it the shape.
                return way.beside_1(self._line(g if f == _ONE else f)) + 0 * known(_ONE)
            return 0.5 * (known(Binary("+", f, g)) - known(f) - known(g))

        return [
            [product(f, g) if i <= j else product(g, f) for j, g in enumerate(column)] for i, f in enumerate(column)
        ]

    def lines(self) -> list[LineExpectations]:
        """Of the functions themselves."""
        return [self._line(f) for column in self._functions for f in column]


def _with_sums(column: list[Node]) -> list[Node]:
    pairs = [Binary("+", f, g) for i, f in enumerate(column) for g in column[i + 1 :] if f != g]
    return [*column, *pairs]


class SeparableProducts(Products):
    """E[φ(u)φ(v)] and E[φ′(u)·φ′(v)] from those of functions of one piece."""

    def __init__(self, m: SeparableGate, q: float):
        self.name, self.q = m.name, q
        self._m = m
        self._of = functools.cache(lambda line: line.products(q))
        self.second, self.slope_second = m.at("second", q), m.at("slope_second", q)

    def at(self, c: float) -> tuple[float, float]:
        value = Way(lambda line: self._of(line).at(c)[0], lambda line: line.at("mean", self.q))
        product, each = self._m._parts(value, Way(lambda line: self._of(line).at(c)[1], _nothing))
        return float(product.sum()), float(each.sum())

    @functools.cached_property
    def jumps(self) -> bool:
        return any(self._of(line).jumps for line in self._m.lines())
