"""The layers of a traced forward pass, and what each answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from trainability.adapters.layer import SeenLayer, thin, thin_units
from trainability.adapters.torch.names import ACROSS, ACTIVATIONS, LAYERS, PASSING
from trainability.adapters.torch.trace import Operation
from trainability.core.chart import LayerInfo


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
    layers: dict[str, TracedLayer] = {}
    for place, operation in enumerate(operations):
        if operation.name not in LAYERS:
            continue
        weight = _weight(operation, names)
        if weight is None:
            continue
        name = names[id(weight)].removesuffix(".weight")
        activation = _activation(operation, operations[place + 1 :])
        # A layer that is used again, as in a recurrent loop, counts once: at its first call, or the first that has an
        # activation.
        if name not in layers or (layers[name].activation is None and activation is not None):
            layers[name] = TracedLayer(name, weight, operation, activation)
    return list(layers.values())


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
    return rows[thin(*rows.shape)].to("cpu", torch.float64).numpy()


def seen(layer: TracedLayer, trained: bool, before: torch.Tensor | None = None, scale: float = 1.0) -> SeenLayer:
    """The layer after its backward pass, in NumPy; `before` is its weight before the update, thinned.

    `scale` is what the loss was multiplied by: gradients of answers still have it, those of weights no more.
    """
    place = 1 if layer.kind == "convolution" else -1
    output, weight = layer.operation.output, layer.weight
    pre = layer.activation.input if layer.activation else output
    answer = layer.activation.output if layer.activation else output
    values = samples(pre, place if pre.dim() > 1 else -1)
    return SeenLayer(
        info=LayerInfo(
            name=layer.name, kind=layer.kind, fan_in=weight[0].numel(), units=weight.shape[0], weights=weight.numel(),
            activation=layer.activation_name, trained=trained,
        ),
        pre_activation=values,
        activation=samples(answer, place if answer.dim() > 1 else -1),
        slope=_slopes(layer, values),
        largest_slope=_largest_slope(layer),
        gradient=None if weight.grad is None else thinned(weight.grad).to("cpu", torch.float64).numpy(),
        answer_gradient=None if layer.gradient is None else layer.gradient.to("cpu", torch.float64).numpy() / scale,
        weight=thinned(weight).to("cpu", torch.float64).numpy(),
        before=None if before is None else before.to("cpu", torch.float64).numpy(),
    )  # fmt: skip


def thinned(tensor: torch.Tensor) -> torch.Tensor:
    """A weight or its gradient as (units, weights of a unit), of large ones an even choice of units."""
    rows = tensor.detach().reshape(tensor.shape[0], -1)
    return rows[thin_units(*rows.shape)]


def _slopes(layer: TracedLayer, pre: np.ndarray) -> np.ndarray:
    """φ′ at the sampled pre-activations; 1 where there is no activation, NaN where it mixes units."""
    if layer.activation is None:
        return np.ones(pre.shape)
    return _derivative(layer.activation, torch.from_numpy(pre)).numpy()


def _largest_slope(layer: TracedLayer) -> float:
    """The largest |φ′| on a wide grid; 0 where it has none."""
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
