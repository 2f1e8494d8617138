"""The layers of a traced forward pass, and what each answered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from trainability.adapters.torch.names import ACROSS, ACTIVATIONS, LAYERS, PASSING
from trainability.adapters.torch.trace import Operation
from trainability.core.chart import SIGNS
from trainability.core.records import LayerView
from trainability.vitals import VITALS

MOST_SAMPLES: Final = 256
"""Rows of a layer's answers that are looked at, spread evenly over the batch (and over a picture's places)."""
MOST_UNITS: Final = 512


@dataclass
class TracedLayer:
    """A layer of one forward pass.

    Attributes:
        weight: its parameter.
        operation: what it did.
        activation: what its answers went through, or None.
        gradient: of the loss by its answer before the activation, once a backward pass has been.
    """

    name: str
    weight: torch.Tensor
    operation: Operation
    activation: Operation | None
    gradient: torch.Tensor | None = None

    @property
    def kind(self) -> str:
        return LAYERS[self.operation.name]

    @property
    def activation_name(self) -> str | None:
        return ACTIVATIONS[self.activation.name] if self.activation else None

    def keep_gradient(self) -> None:
        """Have the next backward pass write `gradient`."""
        output = self.operation.output
        if output.requires_grad:
            output.register_hook(self._kept)

    def _kept(self, gradient: torch.Tensor) -> None:
        self.gradient = gradient.detach()


def traced_layers(operations: Sequence[Operation], names: Mapping[int, str]) -> list[TracedLayer]:
    """The layers among the operations of a forward pass.

    Args:
        names: id of a parameter to its name in the model.
    """
    layers = []
    for place, operation in enumerate(operations):
        if operation.name not in LAYERS:
            continue
        weight = _weight(operation, names)
        if weight is None:
            continue
        name = names[id(weight)].removesuffix(".weight")
        layers.append(TracedLayer(name, weight, operation, _activation(operation, operations[place + 1 :])))
    return layers


def _weight(operation: Operation, names: Mapping[int, str]) -> torch.Tensor | None:
    """The parameter of two dimensions or more that went in, also as a view (a transposed one, say)."""
    for tensor in operation.tensors():
        for candidate in (tensor, tensor._base):
            if candidate is not None and id(candidate) in names and candidate.dim() >= 2:
                return candidate
    return None


def _activation(operation: Operation, later: Sequence[Operation]) -> Operation | None:
    """The activation that the operation's answer goes through before anything else is done to it."""
    carried = {id(operation.output)}
    for following in later:
        if not any(id(tensor) in carried for tensor in following.tensors()):
            continue
        if following.name in ACTIVATIONS:
            return following
        if following.name not in PASSING:
            return None
        carried = {id(following.output)}
    return None


def samples(tensor: torch.Tensor, units_at: int) -> np.ndarray:
    """A tensor as a float64 matrix (samples, units), both thinned evenly; `units_at` is the units' dimension."""
    rows = tensor.detach().movedim(units_at, -1).reshape(-1, tensor.shape[units_at])
    rows = rows[:: math.ceil(len(rows) / MOST_SAMPLES)] if len(rows) > MOST_SAMPLES else rows
    step = math.ceil(rows.shape[1] / MOST_UNITS) if rows.shape[1] > MOST_UNITS else 1
    return rows[:, ::step].to("cpu", torch.float64).numpy()


def signs(layer: TracedLayer, before: torch.Tensor | None = None) -> dict[str, float]:
    """What is measured of a layer after its backward pass; `before` is its weight before the update."""
    place = 1 if layer.kind == "convolution" else -1
    output = layer.operation.output
    pre = layer.activation.input if layer.activation else output
    answer = layer.activation.output if layer.activation else output
    gradient = layer.weight.grad
    view = LayerView(
        pre_activation=samples(pre, place if pre.dim() > 1 else -1),
        activation=samples(answer, place if answer.dim() > 1 else -1),
        slope=_slopes(layer, pre, place),
        largest_slope=1.0,
        gradient=np.full((1, 1), np.nan) if gradient is None else _matrix(gradient),
    )
    if not np.isnan(view.slope).all():
        view = view._replace(largest_slope=max(1e-300, _largest_slope(layer)))
    with np.errstate(all="ignore"):
        found = {vital.name: float(vital.measure(view, np)) for vital in VITALS}
        found |= {
            "zeros": float(np.mean(view.activation == 0)),
            "effective_rank": effective_rank(view.activation),
            "equal_signs": equal_signs(view.gradient),
            "output_gradient_rms": _rms(None if layer.gradient is None else layer.gradient),
            "weight_rms": _rms(layer.weight),
            "twins": twins(_matrix(layer.weight)),
            "update_ratio": math.nan if before is None else _update_ratio(before, layer.weight),
        }
    return {name: found[name] for name in SIGNS}


def _matrix(tensor: torch.Tensor) -> np.ndarray:
    """A gradient as (units, weights of a unit)."""
    return tensor.detach().reshape(tensor.shape[0], -1).to("cpu", torch.float64).numpy()


def _slopes(layer: TracedLayer, pre: torch.Tensor, place: int) -> np.ndarray:
    """φ′ at the sampled pre-activations; 1 where there is no activation, NaN where it mixes units."""
    values = torch.from_numpy(samples(pre, place if pre.dim() > 1 else -1))
    if layer.activation is None:
        return np.ones(values.shape)
    return _derivative(layer.activation, values).numpy()


def _largest_slope(layer: TracedLayer) -> float:
    """The largest |φ′| on a wide grid."""
    if layer.activation is None:
        return 1.0
    grid = torch.linspace(-12.0, 12.0, 4801, dtype=torch.float64)
    return float(torch.nan_to_num(_derivative(layer.activation, grid).abs(), nan=0.0).max())


def _derivative(activation: Operation, values: torch.Tensor) -> torch.Tensor:
    if ACTIVATIONS[activation.name] in ACROSS or activation.name == "prelu":
        return torch.full_like(values, torch.nan)
    with torch.enable_grad():
        x = values.clone().requires_grad_()
        scalars = [a for a in activation.arguments[1:] if not isinstance(a, bool | torch.Tensor)]
        keywords = {k: v for k, v in activation.keywords.items() if k != "inplace"}
        y = activation.function(x * 1.0, *scalars, **keywords)  # x·1: a leaf may not be written over
        return torch.autograd.grad(y.sum(), x)[0]


def _rms(tensor: torch.Tensor | None) -> float:
    return math.nan if tensor is None else float(tensor.detach().double().square().mean().sqrt())


def _update_ratio(before: torch.Tensor, after: torch.Tensor) -> float:
    moved, size = _rms(after.detach() - before), _rms(before)
    return math.log10(moved / size) if moved > 0 and size > 0 else -math.inf if moved == 0 else math.nan


def effective_rank(answers: np.ndarray) -> float:
    """exp of the entropy of the normalised singular values of centred answers (samples, units); 0 for equal answers.

    Reference: O. Roy, M. Vetterli, The effective rank, EUSIPCO 2007.
    """
    if len(answers) < 2 or not np.isfinite(answers).all():
        return math.nan
    values = np.linalg.svd(answers - answers.mean(axis=0), compute_uv=False)
    if values[0] <= 1e-12 * (1e-300 + np.abs(answers).max()) * math.sqrt(answers.size):
        return 0.0
    p = values / values.sum()
    p = p[p > 0]
    return float(np.exp(-np.sum(p * np.log(p))))


def twins(weights: np.ndarray) -> float:
    """Share of units whose weights, a row each, equal those of another unit."""
    _, counts = np.unique(weights, axis=0, return_counts=True)
    return float(counts[counts > 1].sum() / len(weights))


def equal_signs(gradient: np.ndarray) -> float:
    """Share of a unit's weight gradients that have the more frequent sign, mean over units; zeros do not count."""
    up, down = (gradient > 0).sum(axis=1), (gradient < 0).sum(axis=1)
    counted = up + down > 0
    return float(np.mean(np.maximum(up, down)[counted] / (up + down)[counted])) if counted.any() else math.nan
