"""Expectations of gates: activations whose unit consumes several pre-activations, its pieces.

By closed form where the catalogue brings one (Maxout); from those of its parts where the formula is a product of
functions of one piece each (GLU and its relatives), or a sum of such products (an LSTM's cell); as that of one piece
where it is a function of one linear combination of its pieces; of two pieces otherwise by means over circles; of three,
where it is alike at every distance from 0, over a sphere. All these keep 9 digits. Any other formula of three pieces or
more is sampled, and its `Estimate` says how well: a sphere at each of many distances takes a second.
"""

from __future__ import annotations

from trainability.theory.expectations import Expectations
from trainability.theory.functions import Gate
from trainability.theory.gates.circle import Circles
from trainability.theory.gates.closed import ClosedGate
from trainability.theory.gates.factored import FactoredGate, factors_of
from trainability.theory.gates.formula import GateFormula
from trainability.theory.gates.homogeneous import HomogeneousGate, degree_of
from trainability.theory.gates.radial import RadialGate
from trainability.theory.gates.ridge import ridge_of
from trainability.theory.gates.sampled import SampledGate
from trainability.theory.gates.separable import SeparableGate, terms_of
from trainability.theory.gates.sphere import Spheres

__all__ = ["gate_expectations"]


def gate_expectations(gate: Gate) -> Expectations:
    """The expectations of `gate`, by the best of the ways."""
    if gate.closed:
        return ClosedGate(gate, gate.closed)
    factors = factors_of(gate)
    if factors:
        return FactoredGate(gate, factors)
    ridge = ridge_of(gate)
    if ridge:
        return ridge
    formula = GateFormula(gate)
    terms = terms_of(gate) if len(formula.used) > 2 else None
    if terms:
        return SeparableGate(gate, terms)
    degree = degree_of(formula.lowered)
    if len(formula.used) == 2:
        made: Expectations = RadialGate(Circles(formula))
    elif len(formula.used) == 3 and degree is not None:
        made = RadialGate(Spheres(formula))
    else:
        made = SampledGate(formula)
    return made if degree is None else HomogeneousGate(made, degree)
