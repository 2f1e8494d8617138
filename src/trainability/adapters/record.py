"""What a watch has seen so far, in NumPy: the same for every framework. Its `chart` is what rules read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from trainability.adapters.layer import SeenLayer
from trainability.adapters.loss import LossSeen
from trainability.adapters.numbers import Gathered
from trainability.adapters.pairing import Pairs
from trainability.adapters.signs import signs_of
from trainability.adapters.threads import one_thread
from trainability.adapters.validation import ValidationSeen
from trainability.core.chart import SIGNS, Chart, LayerInfo, OptimizerFacts, Origin, ParameterFacts


@dataclass
class Record:
    """Filled while a model trains; the fields are those of `core.chart.Chart`.

    Attributes:
        settings: name and settings of the optimiser, of each moment.
        foreign: parameters that the optimiser holds and that are not the model's.
        unrecorded: layers that were called without recording gradients, or whose answers left the framework.
        reached: those of them that got a gradient all the same.
        suspect: where the last look found a gradient that is not finite: the origin, unless the step was left out.
    """

    framework: str
    losses: list[float] = field(default_factory=list)
    inputs: Gathered = field(default_factory=Gathered)
    loss: LossSeen = field(default_factory=LossSeen)
    settings: list[tuple[str, Mapping[str, float]]] = field(default_factory=list)
    foreign: int = 0
    accumulated: bool = False
    evaluating: set[str] = field(default_factory=set)
    normalized_one: set[str] = field(default_factory=set)
    dropout: float = 0.0
    penalized: bool = False
    cut: dict[str, None] = field(default_factory=dict)
    unrecorded: dict[str, None] = field(default_factory=dict)
    reached: dict[str, None] = field(default_factory=dict)
    origin: Origin | None = None
    suspect: Origin | None = None
    game: bool = False
    validation: ValidationSeen = field(default_factory=ValidationSeen)
    pairs: Pairs = field(default_factory=Pairs)
    _gradients: tuple[int, dict[str, np.ndarray]] = (-2, {})
    _noise: list[tuple[float, float]] = field(default_factory=list)
    _moments: list[tuple[int, dict[str, dict[str, float]]]] = field(default_factory=list)
    _layers: dict[str, LayerInfo] = field(default_factory=dict)

    def _rate_gone(self) -> float:
        """As `OptimizerFacts.gone`."""
        rates = [settings.get("lr", math.nan) for _, settings in self.settings]
        steps = [step for step, _ in self._moments]
        below = [step for step, rate in zip(steps, rates, strict=False) if rate < 1e-3 * rates[0]]
        return min(below) / len(self.losses) if below and self.losses else math.nan

    def see_inputs(self, fed: np.ndarray) -> None:
        """Take in what the first parameter met; nothing of whole numbers, which are names."""
        if fed.dtype.kind == "f":
            self.inputs.add(fed)

    @property
    def spoiled(self) -> bool:
        """Whether nothing is known of a first bad number but that it came into the weights."""
        return self.origin is not None and self.origin.direction == "weights"

    def see_batch(self, arrays: Iterable[np.ndarray]) -> None:
        """Of a run that is `spoiled`: a later batch, which may hold what spoiled it, coming round again."""
        if self.origin is not None and any(not np.isfinite(array).all() for array in arrays):
            self.origin = Origin("batch", self.origin.step, "inputs", self.origin.before)

    def moment(self, step: int, layers: Sequence[SeenLayer]) -> None:
        """Measure all layers, in forward order, after the backward pass of `step` and its update."""
        self._layers.update({layer.info.name: layer.info for layer in layers})
        with one_thread():
            self._moments.append((step, {layer.info.name: signs_of(layer) for layer in layers}))
        gradients = {layer.info.name: layer.gradient for layer in layers if layer.gradient is not None}
        earlier, before = self._gradients
        if step == earlier + 1 and gradients.keys() == before.keys():
            self._noise.append(
                (
                    sum(float(np.vdot(before[name], gradient)) for name, gradient in gradients.items()),
                    sum(float(np.vdot(g, g)) for both in (before, gradients) for g in both.values()) / 2,
                )
            )
        self._gradients = step, gradients if len(self._noise) < 2 else {}

    def gradient_noise(self, batch: int) -> float:
        """The batch size at which the gradient's noise is as large as the gradient, from the first few steps.

        Two batches' gradients have the inner product |G|² and the squared size |G|² + noise / batch in the mean.
        Infinite where nothing of them agrees, NaN without two steps in a row.

        Reference: S. McCandlish et al., An empirical model of large-batch training, arXiv:1812.06162 (2018).
        """
        agreed, size = (sum(part) for part in zip(*self._noise, strict=True)) if self._noise else (math.nan, math.nan)
        if not (math.isfinite(agreed) and math.isfinite(size)):
            return math.nan
        return batch * max(0.0, size - agreed) / agreed if agreed > 0 else math.inf

    def chart(self, parameters: Sequence[ParameterFacts]) -> Chart:
        """What was seen so far."""
        layers = tuple(self._layers.values())
        values = {
            sign: np.array(
                [[found.get(one.name, {}).get(sign, math.nan) for one in layers] for _, found in self._moments]
            )
            for sign in SIGNS
        }
        loss = self.loss.facts()
        optimizer = None
        if self.settings:
            name, first = self.settings[0]
            optimizer = OptimizerFacts(name, first, self.settings[-1][1], self.foreign, self._rate_gone())
        batch = loss.output_shape[0] if loss and loss.output_shape else 0
        return Chart(
            framework=self.framework, layers=layers, moments=np.array([step for step, _ in self._moments], int),
            signs=values, losses=np.array(self.losses), batch=batch,
            inputs=self.inputs.facts(), loss=loss, optimizer=optimizer, parameters=tuple(parameters),
            accumulated=self.accumulated, evaluating=tuple(sorted(self.evaluating)),
            normalized_one=tuple(sorted(self.normalized_one)), dropout=self.dropout, penalized=self.penalized,
            cut=tuple(self.cut),
            origin=self.origin, validation=self.validation.facts(), pairing=self.pairs.pairing(),
            gradient_noise=self.gradient_noise(batch), game=self.game or self.loss.one_sided,
            unrecorded=tuple(name for name in self.unrecorded if name not in self.reached),
        )  # fmt: skip
