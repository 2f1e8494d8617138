"""Variances forward and gradients back through a network of finite depth, layer by layer.

Mean-field theory of one sample: every layer is wide, weights and biases are independent with mean 0, and the weights of
the way back count as independent of those forward. It starts from the data's own second moment, so that it also holds
for the first layers, which have not settled yet, and for layers of different fans.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainability.core.errors import SpecError
from trainability.normalization import EPSILON
from trainability.theory.coherence import back
from trainability.theory.expectations import Expectations
from trainability.theory.finite_width import Scatter, log_moments


@dataclass(frozen=True)
class Layer:
    """What theory needs of a dense layer, or of a convolution whose fans count the kernel's places.

    Attributes:
        fan_in, fan_out: inputs of a unit; pre-activations, of a gate all pieces of its units (for a convolution, those
            that an input reaches).
        weight_variance, bias_variance: of one weight and of one bias.
    """

    fan_in: int
    fan_out: int
    weight_variance: float
    bias_variance: float


_MORE = 1.1
"""How much larger a squared gradient has to be by what it meets again: less is of order 1/width, as of softmax."""


@dataclass(frozen=True)
class Propagation:
    """What a network is predicted to do at its start. One entry a layer, the output layer last.

    Attributes:
        variance: of the pre-activations, before normalisation.
        gradient: root mean square of the loss's gradient by the layer's weights, relative to the last layer's. Over
            many networks: the root of the mean of the squares.
        log_shift: what is to be added to ln gradient for the median network of this width.
        log_deviation: the deviation of ln gradient between networks of this width.
        coherent: whether the gradient meets its own weights again, which the three above then have in them.
    """

    variance: tuple[float, ...]
    gradient: tuple[float, ...]
    log_shift: tuple[float, ...]
    log_deviation: tuple[float, ...]
    coherent: bool = False


@dataclass(frozen=True)
class _Passed:
    """A hidden layer on the way forward.

    Attributes:
        variance, normed: of its pre-activations, before and after normalisation.
        second: its input's second moment.
        joins: whether its input is added to its answer.
        scatter, scatter_in: how ln of `variance` and ln of `second` scatter between networks of this width.
    """

    variance: float
    normed: float
    second: float
    joins: bool
    scatter: Scatter
    scatter_in: Scatter


@np.errstate(over="ignore", invalid="ignore")
def propagate(
    m: Expectations,
    layers: Sequence[Layer],
    second_moment: float,
    *,
    normalized: bool = False,
    residual: bool = False,
    dropout: float = 0.0,
    relative: Sequence[float] | None = None,
) -> Propagation:
    """Forward and back through `layers`, the output layer last.

    Args:
        second_moment: mean square of an input of the network.
        normalized: whether hidden layers normalise their pre-activations over the units (layer or RMS normalisation,
            which are alike in wide layers: weights of mean 0 leave nothing to centre).
        residual: whether a hidden layer as wide as its input adds its input to its answer.
        dropout: the share of units that are dropped after each hidden layer's activation.
        relative: each hidden layer's `Expectations.slope_scatter`, where it is not that of one sample.

    Raises:
        SpecError: an expectation has no finite value at the variance that a layer has.
    """
    passed, second, mean, scatter_in = [], second_moment, 0.0, Scatter()
    for layer in layers[:-1]:
        variance = layer.fan_in * layer.weight_variance * second + layer.bias_variance
        if not math.isfinite(variance):
            raise _overflows(m, len(passed) + 1)
        normed = variance / (variance + EPSILON) if normalized else variance
        units = layer.fan_out // m.pieces
        joins = residual and layer.fan_in == units
        scatter = Scatter() if normalized else scatter_in.with_constant(layer.bias_variance, variance)
        passed.append(_Passed(variance, normed, second, joins, scatter, scatter_in))
        try:
            answer, centre = m.at("second", normed) / (1 - dropout), m.at("mean", normed)
            m.at("slope_fourth", normed)  # what the way back needs, which grows fastest
        except OverflowError:
            raise _overflows(m, len(passed)) from None
        of_answer = scatter.through(m, normed, units)
        scatter_in = scatter_in.joined(second, of_answer, answer) if joins else of_answer
        # The layer's input and its answer are independent of each other but for their means.
        second = second + answer + 2 * mean * centre if joins else answer
        mean = mean + centre if joins else centre
    last = layers[-1]
    variances = [p.variance for p in passed] + [last.fan_in * last.weight_variance * second + last.bias_variance]
    squares, shifts, spreads = _back(m, layers, passed, second, scatter_in, normalized, dropout, relative)
    together = _coherent(m, layers, passed, variances[-1], second, normalized, dropout)
    coherent = together is not None and any(a > _MORE * b for a, b in zip(together[0], squares, strict=True))
    if together and coherent:
        squares, shifts, spreads = together
    return Propagation(
        tuple(variances),
        tuple(math.sqrt(square) for square in squares),
        tuple(0.5 * shift for shift in shifts),
        tuple(0.5 * math.sqrt(spread) for spread in spreads),
        coherent,
    )


def _overflows(m: Expectations, layer: int) -> SpecError:
    return SpecError(f"the variance of '{m.name}' overflows in layer {layer}: it grows in every layer")


def _coherent(
    m: Expectations, layers: Sequence[Layer], passed: Sequence[_Passed], last: float, second: float, normalized: bool,
    dropout: float,
) -> tuple[list[float], list[float], list[float]] | None:  # fmt: skip
    """The same as `_back`, where units answer together; None where they do not, or where h·g is not handed on.

    Normalised pre-activations keep h·g at 0; with shortcuts it is left out.
    """
    if normalized or any(here.joins for here in passed) or not second:
        return None
    found = [m.coherence(here.normed) for here in passed]
    known = [layer.dropped(dropout) for layer in found if layer]
    if len(known) < len(found):
        return None
    following, seconds = layers[1:], [here.second for here in passed[1:]] + [second]
    variances = [here.variance for here in passed[1:]] + [last]
    shares = [
        layer.fan_in * layer.weight_variance * s / q for layer, s, q in zip(following, seconds, variances, strict=True)
    ]
    units = layers[0].fan_out // m.pieces
    way = back(known, shares, [layer.weight_variance for layer in following], last, units)
    if not all(way.mean):
        return None
    more = [layers[-1].fan_out / layers[0].fan_out * here.second / second for here in passed]
    squares = [a * b for a, b in zip(way.mean, more, strict=True)]
    shifts = [median - math.log(mean) for median, mean in zip(way.log_median, way.mean, strict=True)]
    return [*squares, 1.0], [*shifts, 0.0], [*way.log_variance, 0.0]


def _back(
    m: Expectations,
    layers: Sequence[Layer],
    passed: Sequence[_Passed],
    second: float,
    scatter_in: Scatter,
    normalized: bool,
    dropout: float,
    relative: Sequence[float] | None,
) -> tuple[list[float], list[float], list[float]]:
    """Per layer, over the last: mean square of the gradient; mean and variance of what width adds to its logarithm."""
    squares, shifts, spreads = [1.0], [0.0], [0.0]
    delta, skipped = 1.0, 0.0  # mean squares of the gradient by the layer's pre-activations and by its sum's shortcut
    shift = spread = 0.0
    spread_of = relative or [m.slope_scatter(here.normed) for here in passed]
    backwards = (reversed(part) for part in (layers[:-1], layers[1:], passed, spread_of))
    for layer, following, here, one in zip(*backwards, strict=True):
        through = following.fan_out * following.weight_variance * delta
        arriving = through + skipped
        slope = m.at("slope_second", here.normed) / (1 - dropout)
        added_shift, added_spread = _scatter(one, layer.fan_out // m.pieces, through, skipped)
        shift, spread = shift + added_shift + here.scatter.of_slope(m, here.normed), spread + added_spread
        # The slope is of a unit, the gradient is told of each of its pieces.
        delta = slope / m.pieces * arriving / ((here.variance + EPSILON) if normalized else 1.0)
        skipped = arriving if here.joins else 0.0
        # Without any signal the last layer gets no gradient either, and there is no ratio.
        squares.insert(0, delta * here.second / second if second > 0 else 0.0)
        # A weight's gradient also has its layer's input as a factor, which scatters from network to network, too.
        shifts.insert(0, shift + here.scatter_in.mean - scatter_in.mean)
        spreads.insert(0, spread)
    return squares, shifts, spreads


def _scatter(one: float, width: int, through: float, skipped: float) -> tuple[float, float]:
    """Mean and variance of the logarithm that one layer adds, whose branch scatters by `one` over that width."""
    if through + skipped == 0:
        return 0.0, 0.0
    branch = through / (through + skipped)
    # The shortcut carries its share unchanged; crossing the branch it adds a normal term.
    relative = branch**2 * one + 4 * branch * (1 - branch)
    return log_moments(relative, width)
