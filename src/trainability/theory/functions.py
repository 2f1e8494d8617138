"""The activation function that the theory integrates: from a name, a formula or a Python function."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from trainability.activations import (
    ACTIVATIONS,
    Activation,
    ClosedForms,
    centres,
    choose,
    closed_forms_of,
    default_choice,
    kinks,
    numpy_slope,
    pieces_of,
    steady_function,
)
from trainability.activations.functions import expression_of, variables_of
from trainability.core import expression
from trainability.core.catalogue import Choice
from trainability.core.errors import SpecError
from trainability.theory.resolution import Resolution

Function: TypeAlias = Callable[[np.ndarray], np.ndarray]
Activating: TypeAlias = "str | Choice[Activation] | Activation | LayerActivation | Callable[[Any], Any]"
"""What the public functions take as `phi`."""

_SAMPLED = 2.0**-10, 2.0**32
"""Where an overflowing slope is taken from samples: nearer to 0 it is a pole or cancels, farther out that is slow."""


@dataclass(frozen=True, eq=False)
class Phi:
    """An elementwise activation function on the line.

    Attributes:
        name: for sentences.
        value, slope: φ and φ′ of a float64 array; the slope of a step is 0.
        kinks: where a formula switches branch, ascending; None for a function of which nothing is known.
        resolution: panels between which φ is smooth.
        closed: known expectations, exact for every variance.
        centres: where a narrow feature may be, as far as the formula tells.
    """

    name: str
    value: Function
    slope: Function
    kinks: tuple[float, ...] | None
    resolution: Resolution
    closed: ClosedForms | None = None
    centres: np.ndarray = field(default_factory=lambda: np.empty(0))

    def breaks(self, reach: float) -> np.ndarray:
        """Points in [-reach, reach] that no panel may hold inside."""
        return self.resolution.edges(reach) if self.kinks is None else np.asarray(self.kinks)

    def to_resolve(self, x: np.ndarray) -> np.ndarray:
        """What panels between `breaks` are to resolve: φ and φ′, or φ alone where φ′ comes from the panels anyhow."""
        with np.errstate(all="ignore"):
            return self.value(x)[None] if self.kinks is None else np.stack([self.value(x), self.slope(x)])


@dataclass(frozen=True, eq=False)
class Gate:
    """An activation whose unit consumes several pre-activations x1, …, xk, its pieces.

    Attributes:
        name: for sentences.
        pieces: k.
        formula: of x1 to xk, without parameters.
        closed: known expectations, exact for every variance.
    """

    name: str
    pieces: int
    formula: expression.Node
    closed: ClosedForms | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """``x1`` to ``xk``."""
        return variables_of(self.pieces)


@dataclass(frozen=True)
class LayerActivation:
    """An activation whose units answer together, as those of a softmax do, over a layer of `width` units.

    Theory rests on units that are alike, and these are; what each answers depends on how many there are.

    Attributes:
        choice: the activation with its parameters.
        width: units of the layer.
    """

    choice: Choice[Activation]
    width: int

    @property
    def name(self) -> str:
        """For sentences."""
        return self.choice.text

    @property
    def pieces(self) -> int:
        """Pre-activations of a unit."""
        return pieces_of(self.choice)


def at_width(phi: Activating, width: int) -> Activating:
    """`phi` over a layer of `width` units, for any function that takes a `phi`.

    A softmax and its like need it, since what a unit answers depends on how many there are. Every other activation is
    handed back as it is.

    Args:
        phi: a catalogue name, a formula (``expr:x - units_max(x)``) or a function of a NumPy array.
        width: units of the layer, at least 1.

    Raises:
        UsageError: there is no such activation, or `width` is no whole number of at least 1.

    Example:
        >>> from trainability.theory import critical_sigma_w
        >>> round(critical_sigma_w(at_width("softmax", 64)), 4)
        41.1328
    """
    width = whole(width, "width")
    if isinstance(phi, str):
        phi = choose(phi.strip())
    if isinstance(phi, Activation):
        phi = default_choice(phi)
    if not isinstance(phi, Choice) or not phi.entry.across_units:
        return phi
    return LayerActivation(phi, width)


def resolve(phi: Activating) -> Phi | Gate | LayerActivation:
    """The function that `phi` means; the same object for the same `phi`.

    Args:
        phi: a catalogue name with parameters as `activations.choose` takes it (``gelu``, ``leaky_relu:0.2``), a
            formula (``expr:x*tanh(x)``), an entry or choice of the catalogue, or a function of a NumPy array.

    Raises:
        UnknownName, FormulaError: as `activations.choose`.
        SpecError: the activation mixes the units of a layer and no width is said, or the function cannot be evaluated
            on an array.
    """
    if isinstance(phi, LayerActivation):
        return phi
    if isinstance(phi, str):
        return _named(phi.strip())
    if isinstance(phi, Activation):
        return _chosen(default_choice(phi))
    if isinstance(phi, Choice):
        return _chosen(phi)
    if not callable(phi):
        raise SpecError(
            f"an activation is a name such as 'gelu', a formula such as 'expr:x*tanh(x)' or a function, got {phi!r}"
        )
    try:
        hash(phi)
    except TypeError:
        return _called(phi)
    return _known_function(phi)


def resolve_elementwise(phi: Activating) -> Phi:
    """The same, where a function of one pre-activation is needed.

    Raises:
        SpecError: also where it is a gate.
    """
    known = resolve(phi)
    if isinstance(known, LayerActivation):
        raise SpecError(f"a function of one pre-activation a unit is needed here; '{known.name}' takes its whole layer")
    if isinstance(known, Gate):
        raise SpecError(f"a function of one pre-activation a unit is needed here; '{known.name}' takes {known.pieces}")
    return known


@functools.lru_cache(maxsize=256)
def _named(text: str) -> Phi | Gate:
    return _chosen(choose(text))


@functools.lru_cache(maxsize=256)
def _chosen(choice: Choice[Activation]) -> Phi | Gate:
    if choice.entry.across_units:
        raise SpecError(
            f"each unit of '{choice.text}' answers to its whole layer, so that its gains depend on how many units that "
            f"has; say the width: trainability.theory.at_width('{choice.text}', 64), or --width on the command line"
        )
    if pieces_of(choice) > 1:
        return _gate(choice)
    typed_slope = numpy_slope(choice)
    assert typed_slope is not None
    value, at = steady_function(choice), kinks(choice)
    resolution = Resolution(value, choice.text, at)
    slope = _slope_of(value, typed_slope, resolution)
    return Phi(choice.text, value, slope, at, resolution, closed_forms_of(choice), centres(choice))


def _slope_of(value: Function, typed: Function, resolution: Resolution) -> Function:
    """The formula's derivative; where that overflows but φ does not, as of 1/(1 + exp(-50*x)), φ's as it is sampled."""

    def slope(x: np.ndarray) -> np.ndarray:
        answer = typed(x)
        if np.isfinite(answer).all():
            return answer
        with np.errstate(all="ignore"):
            lost = ~np.isfinite(answer) & np.isfinite(value(x)) & (_SAMPLED[0] < np.abs(x)) & (np.abs(x) < _SAMPLED[1])
        if lost.any():
            with contextlib.suppress(SpecError):
                found = resolution.slope(x[lost])
                low, high = resolution.ends
                answer[lost] = np.where((low <= x[lost]) & (x[lost] <= high), found, np.nan)
        return answer

    return slope


def _gate(choice: Choice[Activation]) -> Gate:
    pieces = pieces_of(choice)
    formula = expression_of(choice.entry, pieces)
    closed = closed_forms_of(choice)
    if closed is None:  # a typed formula may be one of the catalogue's
        twins = (e for e in ACTIVATIONS if e.closed and e.pieces == "pieces" and expression_of(e, pieces) == formula)
        closed = next((twin.closed(pieces) for twin in twins if twin.closed), None)
    values = {name: expression.number(value) for name, value in choice.named.items()}
    return Gate(choice.text, pieces, expression.substitute(formula, values), closed)


@functools.lru_cache(maxsize=64)
def _known_function(function: Callable[[Any], Any]) -> Phi:
    return _called(function)


def _called(function: Callable[[Any], Any]) -> Phi:
    name = getattr(function, "__name__", "") or type(function).__name__
    name = "the function" if name == "<lambda>" else f"the function {name}"

    def value(x: np.ndarray) -> np.ndarray:
        try:
            with np.errstate(all="ignore"):
                answer = np.asarray(function(x))
        except Exception as error:
            raise SpecError(
                f"{name} cannot be evaluated on a NumPy array ({type(error).__name__}: {error}); write it with NumPy's "
                "functions, or wrap it in numpy.vectorize"
            ) from None
        if answer.shape != x.shape:
            raise SpecError(
                f"{name} must return one number for each of its inputs; for an array of shape {x.shape} it returned "
                f"one of shape {answer.shape}"
            )
        if answer.dtype != np.float64 and not np.issubdtype(answer.dtype, np.integer) and answer.dtype != bool:
            raise SpecError(
                f"{name} must return float64, which 9 digits need; it returned {answer.dtype}. A catalogue name or a "
                "function of NumPy does"
            )
        return answer.astype(np.float64)

    resolution = Resolution(value, name)
    try:
        resolution.reach(1.0)
    except SpecError:
        from trainability.theory.cancelling import repaired

        better = repaired(value, name)
        if better is None:
            raise
        resolution = Resolution(better, name)
        resolution.reach(1.0)
        return Phi(name, better, resolution.slope, None, resolution)
    return Phi(name, value, resolution.slope, None, resolution)


def non_negative(value: Any, name: str) -> float:
    """`value` as a finite float that is not negative; SpecError that names it otherwise."""
    number = finite(value, name)
    if number < 0:
        raise SpecError(f"{name} must not be negative, got {number:g}")
    return number


def finite(value: Any, name: str) -> float:
    """`value` as a finite float; SpecError that names it otherwise."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise SpecError(f"{name} must be a number, got {value!r}") from None
    if not math.isfinite(number):
        raise SpecError(f"{name} must be a finite number, got {number:g}")
    return number


def whole(value: Any, name: str, least: int = 1) -> int:
    """`value` as an int of at least `least`; SpecError that names it otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < least:
        raise SpecError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)
