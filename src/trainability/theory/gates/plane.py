"""Gates whose formula ties two pieces together: nested quadrature over the plane, at one variance after the other.

The inner integral is split where the formula switches branch on that line, and wherever it is steep; the outer one
likewise, the inner integral being its function. The error estimate tells of both.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from trainability.core.errors import SpecError
from trainability.core.expression import names
from trainability.core.expression.kinks import switches
from trainability.theory.expectations import Estimate, Expectations, Kind, Table, variances
from trainability.theory.gates.formula import GateFormula
from trainability.theory.gates.plane_products import PlaneProducts
from trainability.theory.gates.rows import Rows
from trainability.theory.quadrature import ORDER, nodes_of, refine, tails, weights_of

_REACHES = (10.0, 20.0, 38.0)
_STEP = 2.0
_NEGLIGIBLE = 1e-14
_TOLERANCE, _FLOOR = 1e-6, 1e-10
_UNRESOLVED = 1e-9
_PER_DECADE, _SMALLEST, _LARGEST = 3, 1e-12, 1e6
_CHEAP = 250_000
_KEPT = 4
_DIRECTIONS, _BESIDE_0, _NOTHING = 64, 1e-70, 1e-60


@dataclass(frozen=True)
class Rule:
    """Nodes of the plane and the Gaussian's weights at them, with what φ is there.

    Attributes:
        x: shape (2, nodes). weight: shape (nodes,). value: φ. slopes: shape (2, nodes).
        row: the outer node that each node belongs to. outer: the outer nodes, shape (rows,).
        low, high: the outer panels' ends; each has ORDER rows.
        stuck: nodes on panels that are not resolved although they are the narrowest.
    """

    x: np.ndarray
    weight: np.ndarray
    value: np.ndarray
    slopes: np.ndarray
    row: np.ndarray
    outer: np.ndarray
    low: np.ndarray
    high: np.ndarray
    stuck: np.ndarray

    @functools.cached_property
    def slope_second(self) -> np.ndarray:
        """φ′², shape (nodes,)."""
        return (self.slopes**2).sum(axis=0)


class PlaneGate(Expectations):
    """Expectations of a function of two pieces."""

    def __init__(self, formula: GateFormula):
        self.name, self.pieces = formula.name, formula.pieces
        self.formula = formula
        self.switches = list(dict.fromkeys(difference for difference, _ in switches(formula.lowered)))
        self.rule = functools.lru_cache(_KEPT)(self._rule)
        self._zero()

    def at(self, kind: Kind, q: float) -> float:
        return self._at_zero(kind) if q == 0 else self.estimate(kind, q).value

    def estimate(self, kind: Kind, q: float) -> Estimate:
        rule = self.rule(q)
        with np.errstate(over="ignore", invalid="ignore"):
            inside = self._integrand(rule, kind, q) * rule.weight
            rows = np.bincount(rule.row, inside, len(rule.outer))
            scale = float(np.abs(inside).sum())
        if not math.isfinite(scale):
            raise self._too_fast(kind, q)
        stuck = float(np.abs(inside[rule.stuck]).sum())
        if stuck > _UNRESOLVED * scale:
            raise SpecError(f"the expectations of '{self.name}' do not converge: it is singular or too rough")
        # As for one piece, from how fast the coefficients fall: along the rows and across them.
        error = _rest(inside.reshape(-1, ORDER)) + _rest(rows.reshape(-1, ORDER))
        return Estimate(float(rows.sum()), error + stuck + 1e-15 * scale)

    def slope_each(self, q: float) -> tuple[float, ...]:
        if q:
            rule = self.rule(q)
            each = [float(rule.weight @ slope**2) for slope in rule.slopes]
        else:
            each = (self._zero()[1] ** 2).mean(axis=1).tolist()
        return self.formula.of_pieces(each)

    def products(self, q: float) -> PlaneProducts:
        return PlaneProducts(self.formula, self.rule(q), q)

    @functools.cached_property
    def table(self) -> Table:
        # Steep on the plane's scale, each variance farther out would take seconds.
        q = variances(_PER_DECADE, _SMALLEST, _LARGEST)
        return self._tabulated(q, lambda v: self.rule(v).weight.size > _CHEAP)

    def _rule(self, q: float) -> Rule:
        for reach in _REACHES:
            rule = self._reaching(q, reach)
            with np.errstate(over="ignore", invalid="ignore"):
                size = rule.weight * (rule.value**2 + q * rule.slope_second)
                total = float(size.sum())
            if not math.isfinite(total):
                raise self._too_fast("second", q)
            if float(size[(np.abs(rule.x) > 0.9 * reach * math.sqrt(q)).any(axis=0)].sum()) <= _NEGLIGIBLE * total:
                return rule
        raise self._too_fast("second", q)

    def _reaching(self, q: float, reach: float) -> Rule:
        rows = Rows(self.formula, self.switches, q, reach)
        s = math.sqrt(q)
        steps = np.linspace(-reach * s, reach * s, 1 + round(2 * reach / _STEP))
        alone = [difference for difference in self.switches if names(difference) == {self.formula.used[0]}]
        cuts = rows.roots(alone, np.zeros(1), place=0).ravel()
        edges = np.unique(np.concatenate([steps, cuts[np.abs(cuts) < reach * s]]))

        def inner(x: np.ndarray) -> np.ndarray:
            found = rows.nodes(x.ravel())
            weighed = found.weight * np.stack([found.value**2, q * found.slope_second])
            sums = np.stack([np.bincount(found.row, part, x.size) for part in weighed])
            return (sums * _density(x.ravel(), q)).reshape(2, *x.shape)

        floor = _FLOOR * inner(nodes_of(edges[:-1], edges[1:])).max(axis=(1, 2), initial=0.0)[:, None]
        edges, _ = refine(inner, edges, _TOLERANCE, lambda _: floor, f"'{self.name}'")
        low, high = edges[:-1], edges[1:]
        outer = nodes_of(low, high).ravel()
        weight = weights_of(low, high).ravel() * _density(outer, q)
        found = rows.nodes(outer)
        x = np.stack([outer[found.row], found.y])
        return Rule(x, found.weight * weight[found.row], found.value, found.slopes, found.row, outer, low, high,
                    found.stuck)  # fmt: skip

    def _integrand(self, rule: Rule, kind: Kind, q: float) -> np.ndarray:
        match kind:
            case "mean":
                return rule.value
            case "second":
                return rule.value**2
            case "fourth":
                return rule.value**4
            case "slope_second":
                return rule.slope_second
            case "slope_fourth":
                return rule.slope_second**2
            case "both":
                return rule.value**2 * rule.slope_second
        constant = float((self._zero()[0] ** 2).mean())
        return (rule.value**2 - constant) * ((rule.x**2).sum(axis=0) / q - 2) / (2 * q)

    @functools.lru_cache(1)  # noqa: B019 - kept with the activation
    def _zero(self) -> tuple[np.ndarray, np.ndarray]:
        """φ and its partial derivatives right beside 0, in all directions."""
        angle = 2 * np.pi * (np.arange(_DIRECTIONS) + 0.37) / _DIRECTIONS
        x = _BESIDE_0 * np.stack([np.cos(angle), np.sin(angle)])
        value, slopes = self.formula.value(x), self.formula.slopes(x)
        value = np.where(np.abs(value) < _NOTHING, 0.0, value)
        bad = np.flatnonzero(~(np.isfinite(value) & np.isfinite(slopes).all(axis=0)))
        if bad.size:
            raise self.formula.not_finite(np.zeros(2))
        return value, slopes

    def _at_zero(self, kind: Kind) -> float:
        value, slopes = self._zero()
        slope = (slopes**2).sum(axis=0)
        if kind == "growth":
            return float(slope.mean()) if not value.any() else self.at("growth", _SMALLEST)
        known = {"mean": value, "second": value**2, "fourth": value**4, "slope_second": slope,
                 "slope_fourth": slope**2, "both": value**2 * slope}  # fmt: skip
        return float(known[kind].mean())


def _density(x: np.ndarray, q: float) -> np.ndarray:
    return np.exp(-0.5 * x**2 / q) / math.sqrt(2 * math.pi * q)


def _rest(weighted: np.ndarray) -> float:
    """What quadrature leaves over on panels of weighted nodes, shape (panels, ORDER)."""
    values = weighted / weights_of(np.array(-1.0), np.array(1.0))
    largest = np.abs(values).max(axis=1)
    return float((2 * tails(values)[largest > 0] ** 2 / largest[largest > 0]).sum())
