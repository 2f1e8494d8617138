"""From what a user names to its expectations, sampled once and kept."""

from __future__ import annotations

import functools

from trainability.core.errors import SpecError
from trainability.theory.expectations import KINDS, Estimate, Expectations, Kind
from trainability.theory.functions import Activating, Gate, LayerActivation, Phi, non_negative, resolve
from trainability.theory.gates import gate_expectations
from trainability.theory.layers import layer_expectations
from trainability.theory.line import LineExpectations


@functools.lru_cache(maxsize=64)
def _moments(phi: Phi | Gate | LayerActivation) -> Expectations:
    if isinstance(phi, LayerActivation):
        return layer_expectations(phi)
    return gate_expectations(phi) if isinstance(phi, Gate) else LineExpectations(phi)


def moments(phi: Activating) -> Expectations:
    """The expectations of `phi`, sampled once and kept."""
    return _moments(resolve(phi))


def expectation(phi: Activating, kind: Kind = "second", q: float = 1.0) -> Estimate:
    """An expectation of φ(√q z), z ~ N(0, 1), by quadrature, with an estimate of its absolute error.

    Args:
        phi: a catalogue name, a formula or a function of a NumPy array.
        kind: ``mean`` E[φ], ``second`` E[φ²], ``fourth`` E[φ⁴], ``slope_second`` E[φ′²], ``slope_fourth`` E[φ′⁴],
            ``growth`` dE[φ²]/dq.
        q: the pre-activation's variance, positive.

    Raises:
        SpecError: the expectation has no finite value, or an argument is out of range.

    Example:
        >>> round(expectation("relu", "second").value, 12)
        0.5
    """
    if kind not in KINDS:
        raise SpecError(f"unknown expectation {kind!r}; known are {', '.join(KINDS)}")
    q = non_negative(q, "the variance q")
    if q == 0:
        raise SpecError("the variance q must be more than 0 for an expectation by quadrature")
    return moments(phi).estimate(kind, q)
