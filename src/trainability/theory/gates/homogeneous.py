"""Gates with φ(t x) = t^p φ(x) for t > 0, such as max(x1, x2, x1 + x2): what they are at variance 1 says all."""

from __future__ import annotations

import functools
import math

import numpy as np

from trainability.core.expression import Binary, Call, Name, Negate, Node, Number, Where, names
from trainability.theory.expectations import Estimate, Expectations, Kind, Products, Table, variances
from trainability.theory.gates.radial import RadialGate

_ANY = math.nan
"""The degree of 0, which is of every degree."""


def degree_of(node: Node) -> float | None:
    """p, or None where the lowered formula `node` is not seen to be homogeneous."""
    found = _degree(node)
    return None if found is None or math.isnan(found) else found


def _degree(node: Node) -> float | None:
    match node:
        case Number(value=value):
            return _ANY if value == 0 else 0.0
        case Name():
            return 1.0 if names(node) else 0.0
        case Negate():
            return _degree(node.operand)
        case Where(condition=condition, then=then, otherwise=otherwise):
            # The condition must not change along a line from 0.
            compared = _same(_degree(condition.left), _degree(condition.right))
            return None if compared is None else _same(_degree(then), _degree(otherwise))
        case Call(function="abs" | "sign" | "sqrt", arguments=(argument,)):
            inner = _degree(argument)
            return None if inner is None else inner * {"abs": 1.0, "sign": 0.0, "sqrt": 0.5}[node.function]
        case Call() if not names(node):
            return 0.0
        case Binary():
            return _of_binary(node, _degree(node.left), _degree(node.right))
    return None


def _of_binary(node: Binary, left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    match node.operator:
        case "+" | "-":
            return _same(left, right)
        case "*":
            return left + right
        case "/":
            return left - right
        case "**" if isinstance(node.right, Number):
            return left * node.right.value
    return None


def _same(left: float | None, right: float | None) -> float | None:
    """The degree that both have, if both have one."""
    if left is None or right is None or math.isnan(left):
        return None if left is None else right
    return left if math.isnan(right) or left == right else None


class HomogeneousGate(Expectations):
    """Powers of q times the expectations at variance 1."""

    def __init__(self, at_1: Expectations, degree: float):
        self.name, self.pieces = at_1.name, at_1.pieces
        self._at_1 = at_1
        self._degree = degree

    def _power(self, kind: Kind) -> float:
        p = self._degree
        return {"mean": p / 2, "second": p, "fourth": 2 * p, "both": 2 * p - 1, "slope_fourth": 2 * p - 2}.get(
            kind, p - 1
        )

    @functools.cache  # noqa: B019 - kept with the activation
    def _known(self, kind: Kind) -> Estimate:
        if kind == "growth":
            second = self._known("second")
            return Estimate(self._degree * second.value, abs(self._degree) * second.error)
        if isinstance(self._at_1, RadialGate):
            return self._at_1.of_power(kind, 2 * self._power(kind))
        return self._at_1.estimate(kind, 1.0)

    def at(self, kind: Kind, q: float) -> float:
        return self.estimate(kind, q).value

    def estimate(self, kind: Kind, q: float) -> Estimate:
        power, known = self._power(kind), self._known(kind)
        if q == 0 and power < 0 and known.value:
            raise self._too_fast(kind, q)
        factor = q**power if known.value else 0.0
        if not math.isfinite(factor * known.value):
            raise self._too_fast(kind, q)
        return Estimate(factor * known.value, factor * known.error)

    def slope_each(self, q: float) -> tuple[float, ...]:
        each, power = self._at_1, 2 * (self._degree - 1)
        slopes = each.slope_each_of_power(power) if isinstance(each, RadialGate) else each.slope_each(1.0)
        return tuple(q ** (0.5 * power) * slope for slope in slopes)

    def products(self, q: float) -> HomogeneousProducts:
        return HomogeneousProducts(self._products_at_1, q, self._degree)

    @functools.cached_property
    def _products_at_1(self) -> Products:
        return self._at_1.products(1.0, self) if isinstance(self._at_1, RadialGate) else self._at_1.products(1.0)

    @functools.cached_property
    def table(self) -> Table:
        q = variances()
        with np.errstate(over="ignore"):
            columns = [
                q ** self._power(kind) * self._known(kind).value for kind in ("second", "slope_second", "growth")
            ]
        return self._finite(q, columns)


class HomogeneousProducts(Products):
    """Powers of q times the products at variance 1."""

    def __init__(self, at_1: Products, q: float, degree: float):
        self.name, self.q = at_1.name, q
        self._at_1 = at_1
        self._factors = q**degree, q ** (degree - 1)
        self.second, self.slope_second = self._factors[0] * at_1.second, self._factors[1] * at_1.slope_second

    def at(self, c: float) -> tuple[float, float]:
        product, slope = self._at_1.at(c)
        return self._factors[0] * product, self._factors[1] * slope

    def nearly(self, c: float) -> float:
        return self._factors[0] * self._at_1.nearly(c)

    @functools.cached_property
    def jumps(self) -> bool:
        return self._at_1.jumps
