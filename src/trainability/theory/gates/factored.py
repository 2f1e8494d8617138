"""Gates that are a product of functions of one piece each, such as x1·sigmoid(x2): pieces are independent, so that
every expectation is made of those of the factors."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from trainability.activations import ACTIVATIONS, Activation, default_choice, is_elementwise
from trainability.activations.functions import expression_of
from trainability.core.expression import Binary, Name, Negate, Node, Number, names, substitute, unparse
from trainability.theory.expectations import Estimate, Expectations, Kind, Products, Table
from trainability.theory.functions import Gate, resolve_elementwise
from trainability.theory.line import LineExpectations

_FOURTHS: tuple[Kind, ...] = ("fourth", "both", "slope_fourth")


def factors_of(gate: Gate) -> dict[str, LineExpectations] | None:
    """Variable to factor, or None where the formula is no such product."""
    found: dict[str, Node] = {}
    constant: Node = Number(1.0)
    for part in _parts(gate.formula):
        used = names(part)
        if len(used) > 1:
            return None
        if not used:
            constant = Binary("*", constant, part)
            continue
        (name,) = used
        found[name] = Binary("*", found[name], part) if name in found else part
    if constant != Number(1.0):
        first = min(found)
        found[first] = Binary("*", constant, found[first])
    return {name: factor(substitute(node, {name: Name("x")})) for name, node in sorted(found.items())}


def _parts(node: Node) -> Iterator[Node]:
    match node:
        case Binary(operator="*"):
            yield from _parts(node.left)
            yield from _parts(node.right)
        case Binary(operator="/"):
            yield from _parts(node.left)
            yield Binary("/", Number(1.0), node.right)
        case Negate():
            yield Negate(Number(1.0))
            yield from _parts(node.operand)
        case _:
            yield node


def factor(node: Node, name: str | None = None) -> LineExpectations:
    """The expectations of a function of ``x``; `name` is for sentences, by default what it is."""
    known = (e for e in ACTIVATIONS if e.closed and is_elementwise(e) and not e.parameters)
    twin = next((e for e in known if expression_of(e, 1) == node), None)
    text = unparse(node)
    entry = twin or Activation(name=name or f"expr:{text}", summary="A factor of a gate.", formula=text)
    return LineExpectations(resolve_elementwise(default_choice(entry)))


class FactoredGate(Expectations):
    """Expectations of a product of functions of one piece each."""

    def __init__(self, gate: Gate, factors: dict[str, LineExpectations]):
        self.name, self.pieces = gate.name, gate.pieces
        self._variables = gate.variables
        self.factors = factors

    def at(self, kind: Kind, q: float) -> float:
        value = _fold(kind, list(self.factors.values()), lambda factor, kind: factor.at(kind, q))
        if not math.isfinite(value):
            raise self._too_fast(kind, q)
        return value

    def estimate(self, kind: Kind, q: float) -> Estimate:
        factors = list(self.factors.values())
        known = functools.cache(lambda factor, kind: factor.estimate(kind, q))
        value = _fold(kind, factors, lambda factor, kind: known(factor, kind).value)

        def moved(off: LineExpectations) -> float:
            return _fold(kind, factors, lambda f, kind: known(f, kind).value + (f is off) * known(f, kind).error)

        return Estimate(value, sum(abs(moved(factor) - value) for factor in factors) + 4e-16 * abs(value))

    def slope_each(self, q: float) -> tuple[float, ...]:
        second = self.at("second", q)
        slopes = {}
        for name, factor in self.factors.items():
            others = [f.at("second", q) for f in self.factors.values() if f is not factor]
            slopes[name] = factor.at("slope_second", q) * math.prod(others) if others or second else 0.0
        return tuple(slopes.get(name, 0.0) for name in self._variables)

    def products(self, q: float) -> FactoredProducts:
        return FactoredProducts(self, q)

    @functools.cached_property
    def table(self) -> Table:
        tables = [factor.table for factor in self.factors.values()]
        count = min(len(table.q) for table in tables)
        with np.errstate(over="ignore", invalid="ignore"):
            columns = [
                _fold(kind, tables, lambda table, kind: getattr(table, kind)[:count])
                for kind in ("second", "slope_second", "growth")
            ]
        return self._finite(tables[0].q[:count], columns)


def _fold(kind: Kind, factors: list, of: Callable) -> Any:
    """The expectation `kind` of the product of `factors`, whose own are `of(factor, kind)`; floats or arrays.

    Of f·g, φ² is f²g² and φ′² is f′²g² + f²g′²; and so on, factor by factor.
    """
    if kind == "mean":
        return math.prod(of(factor, "mean") for factor in factors)
    value, slope, both = ("fourth", "slope_fourth", "both") if kind in _FOURTHS else ("second", kind, None)
    v, s, b = 1.0, 0.0, 0.0
    for factor in factors:
        own = of(factor, value)
        if kind in ("second", "fourth"):
            v = v * own
            continue
        if both:
            own_both = of(factor, both)
            s = s * own + v * of(factor, slope) + 2 * b * own_both
            b = b * own + v * own_both
        else:
            s = s * own + v * of(factor, slope)
        v = v * own
    return {"second": v, "fourth": v, "both": b}.get(kind, s)


class FactoredProducts(Products):
    """E[φ(u)φ(v)] and E[φ′(u)·φ′(v)] from those of the factors."""

    def __init__(self, m: FactoredGate, q: float):
        self.name, self.q = m.name, q
        self._factors = [factor.products(q) for factor in m.factors.values()]
        self.second, self.slope_second = m.at("second", q), m.at("slope_second", q)

    def at(self, c: float) -> tuple[float, float]:
        product, slope = 1.0, 0.0
        for factor in self._factors:
            own, own_slope = factor.at(c)
            product, slope = product * own, slope * own + product * own_slope
        return product, slope

    def nearly(self, c: float) -> float:
        return math.prod(factor.nearly(c) for factor in self._factors)

    @functools.cached_property
    def jumps(self) -> bool:
        return any(factor.jumps for factor in self._factors)
