"""The chart of one watched training run: plain records that rules read and pages draw, of no framework.

A *layer* is an operation with a weight matrix or kernel; they stand in the order in which the forward pass meets them,
the output layer last. A *moment* is a step at which everything was measured; losses are known at every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import numpy as np

SIGNS: Final = (
    "pre_activation_mean", "pre_activation_std", "activation_mean", "activation_std", "zeros", "dead", "saturated",
    "correlation", "effective_rank", "gradient_rms", "output_gradient_rms", "equal_signs", "update_ratio", "weight_rms",
    "twins",
)  # fmt: skip
"""What is measured of a layer at a moment; `vitals` says what each is. ``update_ratio`` is log₁₀."""

LossKind: TypeAlias = Literal["regression", "binary", "classes", "unknown"]


@dataclass(frozen=True)
class LayerInfo:
    """A layer as the forward pass met it.

    Attributes:
        name: the path of its weight in the model, such as ``net.0``; else what kind it is and where it came.
        kind: ``linear``, ``convolution``, ``recurrent`` or ``attention``.
        fan_in, units: of one unit, as its weights have them.
        weights: how many.
        activation: what its answers go through before the next layer, by its usual name; None for nothing.
        trained: whether its weights are in the optimiser and ask for gradients.
    """

    name: str
    kind: str
    fan_in: int
    units: int
    weights: int
    activation: str | None
    trained: bool


@dataclass(frozen=True)
class TensorFacts:
    """What is known of a tensor's numbers: of all moments together.

    Attributes:
        shape: at the first moment, the batch first.
        low, high, mean, std: of all finite numbers.
        feature_std: deviation of each feature over samples, shape (features,); empty where there are too many.
        constant: share of features that never change.
        bad: share of numbers that are NaN or infinite.
        whole: whether all are whole numbers.
        duplicate: share of features that are copies of an earlier one.
        feature_mean: mean of each feature, as `feature_std`.
        distinct: how many different numbers there are.
    """

    shape: tuple[int, ...]
    low: float
    high: float
    mean: float
    std: float
    feature_std: np.ndarray
    constant: float
    bad: float
    whole: bool
    duplicate: float = 0.0
    feature_mean: np.ndarray = field(default_factory=lambda: np.zeros(0))
    distinct: int = 0


@dataclass(frozen=True)
class LossFacts:
    """How the loss is made.

    Attributes:
        name: ``cross_entropy``, ``bce``, ``bce_with_logits``, ``mse``, …; ``custom`` for one that is not known.
        kind: what it is for.
        reduction: ``mean``, ``sum`` or ``none``.
        output_shape, target_shape: as the loss got them.
        output, target: their numbers; target None where it was not seen.
        last: the activation that the output went through just before, or None.
        counts: of class targets, label to how often it was seen.
        broadcast: whether output and target differ in shape, so that they were stretched against each other.
        constant: the loss of the best constant answer to the targets that were seen; NaN if unknown.
        decreasing: whether a smaller loss is better, as far as its sign says: False for a negated loss.
        classes: how many classes the output has scores for; 0 where it has none or that is unknown.
        across_batch: whether the output's softmax runs over the samples of a batch, and not over the classes.
        mixing: how much targets differ within batches, over how much all of them do: near 1 for shuffled data.
        improbable: whether cross-entropy got targets that are neither labels nor probabilities of classes.
        scrambled: whether the output's dimensions were exchanged by reshaping, which leaves its numbers where they are.
        right: of class targets (or of 0 and 1) at the last moments, label to the share that was answered right.
    """

    name: str
    kind: LossKind
    reduction: str
    output_shape: tuple[int, ...]
    target_shape: tuple[int, ...]
    output: TensorFacts
    target: TensorFacts | None
    last: str | None
    counts: Mapping[int, int] = field(default_factory=dict)
    broadcast: bool = False
    constant: float = float("nan")
    decreasing: bool = True
    classes: int = 0
    right: Mapping[int, float] = field(default_factory=dict)
    across_batch: bool = False
    mixing: float = float("nan")
    improbable: bool = False
    scrambled: bool = False


@dataclass(frozen=True)
class ParameterFacts:
    """One parameter of the model.

    Attributes:
        wanted: whether it asks for a gradient.
        held: whether an optimiser that stepped holds it.
        used: whether the forward pass used it.
    """

    name: str
    size: int
    wanted: bool
    held: bool
    used: bool


@dataclass(frozen=True)
class OptimizerFacts:
    """The optimiser at the first and the last moment: settings by PyTorch's names, such as ``lr``, ``weight_decay``."""

    name: str
    first: Mapping[str, float]
    last: Mapping[str, float]
    foreign: int = 0
    """Parameters that it holds and that are not the model's (any more)."""
    gone: float = float("nan")
    """Share of the steps after which the learning rate is under a thousandth of the first; NaN where it is not."""


@dataclass(frozen=True)
class Origin:
    """Where the first NaN or infinite number came from: layer, step, direction, and the largest number before it."""

    layer: str
    step: int
    direction: Literal["forward", "backward", "weights", "inputs", "loss"]
    before: float


@dataclass(frozen=True)
class ValidationFacts:
    """What was seen of evaluations between updates.

    Attributes:
        steps: how many updates came before each evaluation, shape (evaluations,).
        losses: the mean loss of each, shape (evaluations,).
        inputs, target: their numbers; None where they were not seen.
        counts: of class targets, label to how often it was seen.
    """

    steps: np.ndarray
    losses: np.ndarray
    inputs: TensorFacts | None = None
    target: TensorFacts | None = None
    counts: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Pairing:
    """Whether inputs tell anything of the targets that they are paired with.

    Attributes:
        rows: different samples that were looked at.
        likeness: correlation of a sample's target with those of its nearest neighbours among the inputs: 1 for equal
            ones, near 0 where inputs say nothing.
        p: how often shuffled targets are as like; NaN where there are too few rows.
        attainable: share of the best constant answer's loss that a simple method takes away on samples it has not
            seen: the nearest neighbours, or for numbers also a ridge regression.
        counted: whether inputs are names, such as those of words, and only how often each comes was compared.
    """

    rows: int
    likeness: float
    p: float
    attainable: float = float("nan")
    counted: bool = False


@dataclass(frozen=True)
class Chart:
    """One watched run.

    Attributes:
        framework: ``torch``, ``keras`` or ``flax``.
        layers: in forward order.
        moments: the steps at which everything was measured, shape (moments,); 0 is before the first update.
        signs: sign to values, shape (moments, layers), NaN where there is none.
        losses: of every step, shape (steps,).
        batch: samples a step.
        inputs, loss, optimizer, parameters: what is known of them; None where it was not seen.
        accumulated: whether gradients of earlier steps were still there after an update when the next ones came.
        evaluating: names of dropout and normalisation layers that were in evaluation mode while training.
        normalized_one: names of batch normalisations that saw a batch of one sample.
        dropout: the largest rate of dropout in training.
        penalized: whether the weights' own size is part of the loss.
        cut: names of layers whose answers did not reach the loss by a differentiable way, though they were used.
        origin: of the first number that is not finite.
        validation: of evaluations between updates; None where there were none.
        pairing: of inputs and targets; None where either was not seen.
        game: whether the loss belongs to a game with another model, so that it does not say how well this one learns.
        unrecorded: names of layers that the optimiser holds, that were called where no gradient is recorded, or whose
            numbers went through NumPy or Python, and that never got one.
        gradient_noise: the batch size at which the gradient's noise is as large as the gradient; NaN if unknown.
    """

    framework: str
    layers: tuple[LayerInfo, ...]
    moments: np.ndarray
    signs: Mapping[str, np.ndarray]
    losses: np.ndarray
    batch: int
    inputs: TensorFacts | None
    loss: LossFacts | None
    optimizer: OptimizerFacts | None
    parameters: tuple[ParameterFacts, ...]
    accumulated: bool = False
    evaluating: tuple[str, ...] = ()
    normalized_one: tuple[str, ...] = ()
    dropout: float = 0.0
    penalized: bool = False
    cut: tuple[str, ...] = ()
    origin: Origin | None = None
    validation: ValidationFacts | None = None
    pairing: Pairing | None = None
    gradient_noise: float = float("nan")
    game: bool = False
    unrecorded: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """How many updates were watched."""
        return len(self.losses)

    def sign(self, name: str, moment: int = -1) -> np.ndarray:
        """A sign of all layers at a moment, shape (layers,); the last moment by default."""
        return self.signs[name][moment]
