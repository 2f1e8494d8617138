"""`predict`: will this depth train, with this activation and this initialiser?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from trainability.core.errors import SpecError
from trainability.core.types import Dataset
from trainability.initializers import INITIALIZERS
from trainability.losses import DEFAULT_LOSS, LOSSES
from trainability.normalization import NORMALIZATIONS
from trainability.theory.batch import Batch, BatchGradient, batch_of, propagate_batch
from trainability.theory.choices import Choices, flag, levels, plain, whole_of
from trainability.theory.correlation import correlation_of, share
from trainability.theory.expectations import Expectations
from trainability.theory.functions import Activating, LayerActivation, Phi, at_width, non_negative, resolve, whole
from trainability.theory.moments import moments
from trainability.theory.phases import CriticalPoint, Phase, critical_points, phase_of
from trainability.theory.propagation import Layer, Propagation, propagate
from trainability.theory.trainable import Band, trainable_depth
from trainability.theory.variance import attractor
from trainability.theory.verdict import notes_on, verdict_of

MOST_LAYERS = 1_000
MOST_CHOICES = 10_000


@dataclass(frozen=True)
class Prediction:
    """What theory says of one network at its start. Layers count the hidden ones; the output layer comes last.

    Attributes:
        activation, init, bias_init, depth, width, norm, residual, dropout: the choice.
        inputs, outputs, second_moment: features, outputs, and mean square of an input.
        sigma_w2, sigma_b2: of the hidden layers: fan_in times the variance of a weight, the variance of a bias.
        phase: ``ordered`` (gradients vanish), ``critical``, ``chaotic`` (gradients explode), or ``residual``: with
            shortcuts variance and gradient grow in every layer and there is no fixed point; what inputs differ in is
            then lost as a power of the depth, not exponentially, so that there is no ξ and no band (G. Yang, S.
            Schoenholz, Mean field residual networks: on the edge of chaos, NeurIPS 2017).
        q: the variance that deep layers settle at (before normalisation); None if it grows without bound.
        chi_1: factor on a squared gradient in a deep layer; chi_q: on a deviation of the variance. None where
            undefined.
        correlation: c*, where the correlation of two inputs settles.
        variance_length, correlation_length: ξ_q and ξ_c in layers; inf where nothing is lost, None where undefined.
        variance: of each layer's pre-activations.
        samples: how many samples' gradients are summed, as far as they do not cancel: those of a problem on which
            vital signs are measured, else 1.
        gradient: per layer, root mean square of the weights' gradient over the output layer's; for wide layers.
        gradient_median: the same for the median network of this width.
        gradient_log_deviation: the deviation of ln(gradient) between networks of this width.
        band: the depth at which such networks stop training; None where no source gives one.
        critical: the point of the edge of chaos with the same biases, preferring one that attracts; None if none.
        verdict: what to expect, as a sentence.
        coherent: whether units answer together so that a gradient meets its own weights again, as through log_softmax:
            the gradients have that in them, phase and χ₁ leave it out.
        notes: where theory is weaker here, in sentences; mostly none.
    """

    activation: str
    init: str
    bias_init: str
    depth: int
    width: int
    norm: str
    residual: bool
    dropout: float
    inputs: int
    outputs: int
    second_moment: float
    sigma_w2: float
    sigma_b2: float
    phase: Phase | Literal["residual"]
    q: float | None
    chi_1: float | None
    chi_q: float | None
    correlation: float | None
    variance_length: float | None
    correlation_length: float | None
    variance: tuple[float, ...]
    samples: int
    gradient: tuple[float, ...]
    gradient_median: tuple[float, ...]
    gradient_log_deviation: tuple[float, ...]
    band: Band | None
    critical: CriticalPoint | None
    verdict: str
    coherent: bool
    notes: tuple[str, ...]

    @property
    def gradient_ratio(self) -> float:
        """The first layer's gradient over the output layer's, for wide layers."""
        return self.gradient[0]

    @property
    def gradient_ratio_median(self) -> float:
        """The same for the median network of this width."""
        return self.gradient_median[0]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and words, for JSON: an infinite number becomes the text ``inf``."""
        ratios = {"gradient_ratio": self.gradient_ratio, "gradient_ratio_median": self.gradient_ratio_median}
        return plain(asdict(self) | ratios)


@dataclass(frozen=True)
class Predictions:
    """A prediction for each choice, in the order of the grid; a sequence."""

    choices: tuple[Prediction, ...]

    def __len__(self) -> int:
        return len(self.choices)

    def __iter__(self) -> Iterator[Prediction]:
        return iter(self.choices)

    def __getitem__(self, index: int) -> Prediction:
        return self.choices[index]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and words, for JSON."""
        return {"choices": [choice.to_dict() for choice in self.choices]}


def predict(
    activation: Choices,
    init: Choices = "torch",
    depth: Choices = 10,
    width: Choices = 64,
    *,
    norm: Choices = "none",
    residual: Choices = False,
    dropout: Choices = 0.0,
    bias_init: str | None = None,
    inputs: int | None = None,
    outputs: int = 1,
    second_moment: float = 1.0,
    kernel: int = 1,
    problem: str | Dataset | None = None,
    loss: str | None = None,
    output: str | None = None,
) -> Predictions:
    """What mean-field theory says of each network before any training.

    Every setting that is a list, or a comma list in a text, is an axis; each choice of the grid gets a prediction.

    Args:
        activation: catalogue names, formulas ``expr:…`` or functions of a NumPy array.
        init: initialisers of the catalogue; theory sees their variance. ``torch`` and ``keras`` are what those
            libraries do unasked.
        depth: hidden layers. width: units of each.
        norm: ``none``, ``layer`` or ``rms``.
        residual: whether a hidden layer as wide as its input adds its input to its answer.
        dropout: the share of units that are dropped in training.
        bias_init: the biases' initialiser; by default what goes with `init`.
        inputs: features; by default as many as `width`. outputs: units of the last layer.
        second_moment: mean square of an input; 1 for standardised data.
        kernel: places of a convolution's kernel (9 for 3 × 3), whose channels are then `width`; 1 for dense layers.
        problem: takes inputs, outputs and second_moment from this problem (``xor``, ``file:data.csv``) or data set, and
            the gradient of a loss over its samples instead of that of one sample.
        loss, output: that loss and what the last layer applies; by default those that `compare` takes.

    Returns:
        A sequence of `Prediction`.

    Raises:
        UsageError: a name is unknown, a number is out of range, or theory does not cover the choice.

    Example:
        >>> prediction, = predict("sigmoid", "keras", depth=10, width=2, problem="xor")
        >>> prediction.phase, f"{prediction.gradient_ratio:.0e}"
        ('ordered', '4e-07')
    """
    batch = None
    if problem is not None:
        from trainability import problems

        known = problems.load(problem) if isinstance(problem, str) else problem
        choice = LOSSES.choose(loss or DEFAULT_LOSS[known.task])
        inputs, outputs, second_moment = known.x_train.shape[1], choice.entry.outputs(known), _second_moment(known)
        batch = batch_of(known, choice, output)
    elif loss or output:
        raise SpecError("a loss or an output activation needs a problem: theory without data is of one sample")
    axes = [levels(axis) for axis in (activation, init, depth, width, norm, residual, dropout)]
    count = math.prod(len(axis) for axis in axes)
    if count > MOST_CHOICES:
        raise SpecError(f"the grid has {count:,} choices; at most {MOST_CHOICES:,} are allowed")
    second_moment = non_negative(second_moment, "second_moment")
    outputs = whole(outputs, "outputs")
    inputs = None if inputs is None else whole(inputs, "inputs")
    kernel = whole(kernel, "kernel")
    data = _Data(bias_init, inputs, outputs, second_moment, kernel, batch)
    return Predictions(tuple(_told(data, choice, alone=count == 1) for choice in itertools.product(*axes)))


@dataclass(frozen=True)
class _Data:
    """What all choices of a grid share."""

    bias_init: str | None
    inputs: int | None
    outputs: int
    second_moment: float
    kernel: int
    batch: Batch | None


def _told(data: _Data, choice: tuple[Any, ...], alone: bool) -> Prediction:
    """`_one`, whose error says which of several choices it is of."""
    try:
        return _one(data, *choice)
    except SpecError as error:
        if alone or type(error) is not SpecError:
            raise
        named = dict(zip(("activation", "initialiser", "depth", "width"), choice, strict=False))
        raise SpecError(f"{error}; so of {', '.join(f'{name} {value}' for name, value in named.items())}") from None


def _one(
    data: _Data, phi: Activating, init: str, depth: Any, width: Any, norm: str, residual: Any, dropout: Any
) -> Prediction:
    depth, width = whole_of(depth, "depth"), whole_of(width, "width")
    phi = at_width(phi, width)
    m = moments(phi)
    if depth > MOST_LAYERS:
        raise SpecError(f"depth must be at most {MOST_LAYERS:,}, got {depth:,}")
    residual, dropout = flag(residual), share(dropout)
    entry = NORMALIZATIONS[norm]
    if entry.axis == "samples":
        raise SpecError(
            f"'{entry.name}' normalisation mixes the samples of a batch, which this theory leaves out; known are none, "
            "layer and rms"
        )
    weights = INITIALIZERS.choose(init)
    biases = INITIALIZERS.choose(data.bias_init or weights.entry.bias)
    for choice in (weights, biases):
        if choice.entry.distribution == "constant" and choice.entry.scale(1, 1, *choice.values) != 0:
            raise SpecError(f"'{choice.text}' draws nothing at random; theory is of independent weights of mean 0")
    inputs = width if data.inputs is None else data.inputs
    channels = width * data.kernel
    reached = channels * m.pieces
    fans = [(inputs * data.kernel, reached), *[(channels, reached)] * (depth - 1), (width, data.outputs)]
    layers = [
        Layer(a, b, weights.entry.variance(a, b, weights.values), biases.entry.variance(a, b, biases.values))
        for a, b in fans
    ]
    sigma_w2 = channels * weights.entry.variance(channels, reached, weights.values)
    sigma_b2 = biases.entry.variance(channels, reached, biases.values)
    normalized = entry.axis is not None
    settled = _settled(m, phi, sigma_w2, sigma_b2, normalized, residual, dropout)
    ways: dict[str, Any] = {"normalized": normalized, "residual": residual, "dropout": dropout}
    known = resolve(phi)
    # Of gates and layers pairs of samples are left out: their prediction is of one sample.
    found = propagate_batch(known, layers, data.batch, **ways) if data.batch and isinstance(known, Phi) else None
    passed = propagate(m, layers, data.second_moment, **ways, relative=found.relative if found else None)
    passed = _over_batch(passed, found) if found else passed
    length = settled.correlation_length
    # A step has no slope: how far inputs differ says nothing of training then.
    band = None if length is None or (length > 0 and passed.gradient[0] == 0) else trainable_depth(length)
    median = _median(passed)
    alone = passed
    if residual and isinstance(known, LayerActivation):
        alone = propagate(m, layers, data.second_moment, normalized=normalized, dropout=dropout)
    notes = notes_on(depth, width, grows=settled.q is None and not residual, coherent=alone.coherent, residual=residual)
    return Prediction(
        activation=m.name,
        init=weights.text,
        bias_init=biases.text,
        depth=depth,
        width=width,
        norm=entry.name,
        residual=residual,
        dropout=dropout,
        inputs=inputs,
        outputs=data.outputs,
        second_moment=data.second_moment,
        sigma_w2=sigma_w2,
        sigma_b2=sigma_b2,
        **vars(settled),
        variance=passed.variance,
        samples=data.batch.samples if data.batch and found else 1,
        gradient=passed.gradient,
        gradient_median=median,
        gradient_log_deviation=passed.log_deviation,
        band=band,
        critical=_critical(phi, math.sqrt(sigma_b2)),
        verdict=verdict_of(passed.gradient[0], depth, band, residual, median[0]),
        coherent=passed.coherent,
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class _Settled:
    """What deep layers do."""

    phase: Phase | Literal["residual"]
    q: float | None = None
    chi_1: float | None = None
    chi_q: float | None = None
    correlation: float | None = None
    variance_length: float | None = None
    correlation_length: float | None = None


def _settled(
    m: Expectations, phi: Activating, sigma_w2: float, sigma_b2: float, normalized: bool, residual: bool, dropout: float
) -> _Settled:
    if residual:
        return _Settled("residual")
    forward = sigma_w2 / (1 - dropout)
    if normalized:
        # Every hidden layer sees variance 1, as if its weights and biases were scaled to keep it.
        q = forward * m.at("second", 1.0) + sigma_b2
        if q == 0:
            return _Settled("ordered", 0.0, 0.0, 0.0, 1.0, 0.0, 0.0)
        chi_1 = forward * m.at("slope_second", 1.0) / q
        there = correlation_of(phi, 1.0, sigma_w2 / q, sigma_b2 / q, dropout)
        return _Settled(phase_of(chi_1), q, chi_1, 0.0, there.c, 0.0, there.correlation_length)
    point = attractor(phi, forward, sigma_b2)
    if point is None:
        last = float(m.table.slope_second[-1])
        return _Settled(phase_of(forward * (last if math.isfinite(last) else m.at("slope_second", 1.0))))
    if point.q == 0:
        length = -1 / math.log(point.chi_1) if 0 < point.chi_1 < 1 - 1e-12 else (math.inf if point.chi_1 else 0.0)
        return _Settled(phase_of(point.chi_1), 0.0, point.chi_1, point.chi_q, 1.0, point.variance_length, length)
    there = correlation_of(phi, point.q, sigma_w2, sigma_b2, dropout)
    return _Settled(
        phase_of(point.chi_1), point.q, point.chi_1, point.chi_q, there.c, point.variance_length,
        there.correlation_length,
    )  # fmt: skip


def _critical(phi: Activating, sigma_b: float) -> CriticalPoint | None:
    try:
        points = critical_points(phi, sigma_b)
    except SpecError:
        return None
    return next((point for point in points if point.attracts), points[0])


def _median(passed: Propagation) -> tuple[float, ...]:
    return tuple(g * math.exp(s) for g, s in zip(passed.gradient, passed.log_shift, strict=True))


def _over_batch(passed: Propagation, found: BatchGradient) -> Propagation:
    """Samples cancel as they do in wide layers; width does to the sum what it does to one sample."""
    gradient, median = np.array(found.gradient), np.array(found.median)
    known = (gradient > 0) & (median > 0)
    apart = np.log(np.where(known, median, 1.0) / np.where(known, gradient, 1.0))
    return replace(
        passed,
        gradient=found.gradient,
        log_shift=tuple((np.array(passed.log_shift) + apart).tolist()),
        log_deviation=tuple(np.sqrt(np.square(passed.log_deviation) + found.log_variance).tolist()),
    )


def _second_moment(data: Dataset) -> float:
    return float((data.x_train**2).mean())
