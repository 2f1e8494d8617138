"""From an activation to what the other floors call: its JAX and NumPy functions, slope, kinks and LaTeX."""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from trainability.activations.base import Activation
from trainability.activations.closed_forms import ClosedForms
from trainability.core import expression
from trainability.core.catalogue import Choice, Parameter
from trainability.core.errors import SpecError
from trainability.core.expression import Node

_RANGE = 10.0
_TRIED = (1e-3, 0.1, 10.0, 1e3)


def pieces_of(choice: Choice[Activation]) -> int:
    """Pre-activations per unit."""
    pieces = choice.entry.pieces
    return int(choice.named[pieces]) if isinstance(pieces, str) else pieces


def default_choice(activation: Activation) -> Choice[Activation]:
    """`activation` with its default parameters."""
    return Choice(activation, tuple(p.default for p in activation.parameters))


def variables_of(pieces: int) -> tuple[str, ...]:
    """``x``, or ``x1`` to ``xk`` where a unit consumes k > 1 pre-activations."""
    return ("x",) if pieces == 1 else tuple(f"x{i + 1}" for i in range(pieces))


@functools.cache
def expression_of(activation: Activation, pieces: int) -> Node:
    """The syntax tree of the formula, of the variables and the parameters (and a random one's drawn name)."""
    if activation.by_hand:
        raise SpecError(f"activation {activation.name} has no formula")
    formula = activation.formula if isinstance(activation.formula, str) else activation.formula(pieces)
    own = {p.name for p in activation.parameters} | ({activation.random[0]} if activation.random else set())
    return expression.parse(formula, (*variables_of(pieces), *sorted(own)))


def _with_drawn(activation: Activation, values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` and the mean of the drawn name, if there is one."""
    if not activation.random:
        return dict(values)
    name, low, high = activation.random
    return {**values, name: 0.5 * (values[low] + values[high])}


def _tried(parameter: Parameter) -> list[float]:
    low = math.nextafter(parameter.low, math.inf) if parameter.open_low else parameter.low
    inside = [v for v in _TRIED if low <= v <= parameter.high]
    return inside if parameter.default >= 0 else [*inside, *(-v for v in _TRIED if -v >= low)]


@functools.cache
def guarded_expression(activation: Activation, pieces: int) -> Node:
    """The formula ready for gradients under JAX, whatever the parameters' values will be."""
    usual = {p.name: p.default for p in activation.parameters}
    samples = [usual, *({**usual, p.name: v} for p in activation.parameters for v in _tried(p))]
    samples = [_with_drawn(activation, sample) for sample in samples]
    return expression.guard(expression_of(activation, pieces), variables_of(pieces), samples)


@functools.cache
def jax_function(activation: Activation, pieces: int = 1) -> Callable[..., Any]:
    """The activation as a JAX function ``f(z, parameters, share=None)``; the same one each time.

    The function takes `z`, pre-activations (..., pieces * units), and one value per parameter of the entry
    (one that fixes `pieces` included, though only its count in the shapes matters): a scalar, traced or not,
    or an array (units,), which it lines up with the last axis. It returns (..., units) with the dtype of `z`,
    which the parameters take as well. Given `share`, uniform in [0, 1) of shape (..., units), a random
    activation takes that share of the way from its low to its high parameter, as in training; without it, it
    takes the mean.
    """
    variables = variables_of(pieces)
    node = None if activation.by_hand else guarded_expression(activation, pieces)
    better = _resolved(activation.jax_better) if activation.jax_better else None

    def function(z: Any, parameters: Sequence[Any] = (), share: Any = None) -> Any:
        import jax.numpy as jnp

        if activation.by_hand:
            return activation.by_hand.jax(z)
        if better:
            return better(z)
        parts = _split(z, pieces)
        values = {
            p.name: _lined_up(jnp.asarray(value, dtype=z.dtype), parts[0])
            for p, value in zip(activation.parameters, parameters, strict=True)
        }
        if activation.random and share is not None:
            name, low, high = activation.random
            values[name] = values[low] + (values[high] - values[low]) * share
        else:
            values = _with_drawn(activation, values)
        values |= zip(variables, parts, strict=True)
        return expression.evaluate(node, values, expression.jax_library(), variables)  # pyright: ignore[reportArgumentType]

    return function


def _resolved(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _split(z: Any, pieces: int) -> list[Any]:
    units, rest = divmod(z.shape[-1], pieces) if pieces > 1 else (0, 0)
    if rest:
        raise SpecError(f"{z.shape[-1]} pre-activations cannot be shared out to units of {pieces} pieces")
    return [z[..., i * units : (i + 1) * units] for i in range(pieces)] if pieces > 1 else [z]


def _lined_up(value: Any, z: Any) -> Any:
    """A parameter per unit with as many axes as `z`: ranks are never promoted silently."""
    return value.reshape((1,) * (z.ndim - value.ndim) + value.shape) if value.ndim else value


def numpy_function(choice: Choice[Activation]) -> Callable[[Any], np.ndarray]:
    """The activation as a NumPy function of pre-activations (..., pieces * units), in evaluation mode.

    It returns (..., units); float32 stays float32, whole numbers become float64.
    """
    activation, pieces = choice.entry, pieces_of(choice)
    if activation.by_hand:
        by_hand = activation.by_hand.numpy
        return lambda x: by_hand(_floating(x))
    return _numpy(expression_of(activation, pieces), _with_drawn(activation, choice.named), pieces)


def _numpy(node: Node, values: Mapping[str, float], pieces: int) -> Callable[[Any], np.ndarray]:
    variables = variables_of(pieces)
    node = expression.lower(node, variables)

    def function(x: Any) -> np.ndarray:
        parts = _split(_floating(x), pieces)
        named = {**values, **dict(zip(variables, parts, strict=True))}
        return np.array(expression.evaluate(node, named, variables=variables, lowered=True))

    return function


def _floating(x: Any) -> np.ndarray:
    x = np.asarray(x)
    return x if np.issubdtype(x.dtype, np.floating) else x.astype(np.float64)


def is_elementwise(activation: Activation) -> bool:
    """Whether each output depends on one pre-activation alone."""
    return activation.pieces == 1 and not activation.across_units


def numpy_slope(choice: Choice[Activation]) -> Callable[[Any], np.ndarray] | None:
    """The derivative φ'(x) as a NumPy function; None unless the activation is elementwise.

    At a kink it is the slope of the branch that the formula takes there; of a step it is 0.
    """
    if not is_elementwise(choice.entry):
        return None
    node = expression.steady_slope(expression_of(choice.entry, 1))
    return _numpy(node, _with_drawn(choice.entry, choice.named), 1)


def steady_function(choice: Choice[Activation]) -> Callable[[Any], np.ndarray]:
    """An elementwise activation as `numpy_function` makes it, but with more digits where the formula loses some."""
    if choice.entry.by_hand:
        return numpy_function(choice)
    return _numpy(expression.steady(expression_of(choice.entry, 1)), _with_drawn(choice.entry, choice.named), 1)


def kinks(choice: Choice[Activation]) -> tuple[float, ...]:
    """Where in [-50, 50] the formula switches branch; nowhere unless the activation is elementwise."""
    if not is_elementwise(choice.entry):
        return ()
    return expression.kinks(expression_of(choice.entry, 1), _with_drawn(choice.entry, choice.named))


def centres(choice: Choice[Activation]) -> np.ndarray:
    """Where an elementwise formula may have a narrow feature, as exp(-1e6*(x - 2)**2) has at 2."""
    if choice.entry.by_hand:
        return np.empty(0)
    return expression.centres(expression_of(choice.entry, 1), _with_drawn(choice.entry, choice.named))


@functools.cache
def largest_slope(choice: Choice[Activation]) -> float:
    """The supremum of |φ'| on [-10, 10], to about 1e-6; NaN unless the activation is elementwise."""
    slope = numpy_slope(choice)
    if slope is None:
        return math.nan
    beside = [k + d for k in kinks(choice) for d in (-1e-9, 0.0, 1e-9)]
    x = np.unique(np.clip(np.r_[np.linspace(-_RANGE, _RANGE, 4001), beside], -_RANGE, _RANGE))
    best = 0.0
    for _ in range(3):  # closer and closer around the largest; importing an optimiser would take longer than all of it
        sizes = np.nan_to_num(np.abs(slope(x)), nan=-1.0, posinf=-1.0)
        place = int(np.argmax(sizes))
        best = max(best, float(sizes[place]))
        x = np.linspace(x[max(place - 1, 0)], x[min(place + 1, len(x) - 1)], 201)
    return best


def closed_forms_of(choice: Choice[Activation]) -> ClosedForms | None:
    """Gaussian expectations of the activation that are known exactly, if there are any."""
    return choice.entry.closed(*choice.values) if choice.entry.closed else None


def latex(activation: Activation, pieces: int | None = None) -> str:
    """The formula in LaTeX, without dollar signs, in the part of it that matplotlib's mathtext knows."""
    if activation.by_hand:
        return activation.by_hand.latex
    return expression.latex(expression_of(activation, pieces or pieces_of(default_choice(activation))))
