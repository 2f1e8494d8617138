"""What a watch has seen so far, in NumPy: the same for every framework. Its `chart` is what rules read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from trainability.adapters.layer import SeenLayer
from trainability.adapters.loss import LossSeen
from trainability.adapters.numbers import Gathered
from trainability.core.chart import SIGNS, Chart, LayerInfo, OptimizerFacts, Origin, ParameterFacts


@dataclass
class Record:
    """Filled while a model trains; the fields are those of `core.chart.Chart`.

    Attributes:
        settings: name and settings of the optimiser, of each moment.
        foreign: parameters that the optimiser holds and that are not the model's.
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
    cut: dict[str, None] = field(default_factory=dict)
    origin: Origin | None = None
    _moments: list[tuple[int, dict[str, dict[str, float]]]] = field(default_factory=list)
    _layers: dict[str, LayerInfo] = field(default_factory=dict)

    def moment(self, step: int, layers: Sequence[SeenLayer]) -> None:
        """Measure all layers, in forward order, after the backward pass of `step` and its update."""
        self._layers.update({layer.info.name: layer.info for layer in layers})
        self._moments.append((step, {layer.info.name: layer.signs() for layer in layers}))

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
            optimizer = OptimizerFacts(self.settings[0][0], self.settings[0][1], self.settings[-1][1], self.foreign)
        return Chart(
            framework=self.framework, layers=layers, moments=np.array([step for step, _ in self._moments], int),
            signs=values, losses=np.array(self.losses), batch=loss.output_shape[0] if loss and loss.output_shape else 0,
            inputs=self.inputs.facts(), loss=loss, optimizer=optimizer, parameters=tuple(parameters),
            accumulated=self.accumulated, evaluating=tuple(sorted(self.evaluating)),
            normalized_one=tuple(sorted(self.normalized_one)), dropout=self.dropout, cut=tuple(self.cut),
            origin=self.origin,
        )  # fmt: skip
