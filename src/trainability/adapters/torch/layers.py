"""The layers of a traced forward pass, and what each answered."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch

from trainability.adapters.layer import SeenLayer, thin, thin_units
from trainability.adapters.torch.names import ACROSS, ACTIVATIONS, ASIDE, COPYING, LAYERS, PASSING
from trainability.adapters.torch.trace import Operation
from trainability.core.chart import LayerInfo


@dataclass
class TracedLayer:
    """A layer of one forward pass.

    Attributes:
        kind: as in `core.chart.LayerInfo`.
        weight: its parameter.
        units_at: the dimension of the weight along which its units lie.
        operation: what it did.
        answer: what came of it, with its bias, before the activation.
        places: the dimension of the answer along which its units lie.
        activation: what its answers went through, or None.
        kept: the gradient of the loss by the operation's answer, once a backward pass has been. The hook holds this
            list alone: one that held the layer would keep it, and all that led to it, for ever.
    """

    name: str
    kind: str
    weight: torch.Tensor
    units_at: int
    operation: Operation
    answer: torch.Tensor
    places: int
    activation: Operation | None
    kept: list[torch.Tensor] = field(default_factory=list)

    @property
    def gradient(self) -> torch.Tensor | None:
        """Of the loss by the operation's answer, the last that came; None before a backward pass."""
        return self.kept[-1] if self.kept else None

    @property
    def activation_name(self) -> str | None:
        return ACTIVATIONS[self.activation.name] if self.activation else None

    def keep_gradient(self) -> None:
        """Have the next backward pass write `gradient`."""
        output, kept = self.operation.output, self.kept
        if output.requires_grad:
            output.register_hook(lambda gradient: kept.__setitem__(slice(None), [gradient.detach()]))


def traced_layers(operations: Sequence[Operation], names: Mapping[int, str]) -> list[TracedLayer]:
    """The layers among the operations of a forward pass.

    Args:
        names: id of a parameter to its name in the model.
    """
    layers: dict[str, TracedLayer] = {}
    copies = {id(op.output): next(op.tensors(), None) for op in operations if op.name in COPYING}
    for place, operation in enumerate(operations):
        if operation.name not in LAYERS:
            continue
        found = _weight(operation, names, copies)
        if found is None:
            continue
        weight, units_at = found
        name = names[id(weight)].removesuffix(".weight").removesuffix(".kernel")
        kind = LAYERS[operation.name]
        answer, places, activation = _follow(operation, operations[place + 1 :], names)
        # A layer that is used again, as in a recurrent loop, counts once: at its first call, or the first that has an
        # activation.
        if name not in layers or (layers[name].activation is None and activation is not None):
            layers[name] = TracedLayer(name, kind, weight, units_at, operation, answer, places, activation)
    return list(layers.values())


def _weight(
    operation: Operation, names: Mapping[int, str], copies: Mapping[int, torch.Tensor | None]
) -> tuple[torch.Tensor, int] | None:
    """The parameter of two dimensions or more that went in, also as a view (a transposed one, say), and its units'."""
    for place, tensor in enumerate(operation.tensors()):
        copied = copies.get(id(tensor))
        given = tensor if copied is None or id(tensor) in names else copied
        for candidate in (given, given._base):
            if candidate is not None and id(candidate) in names and candidate.dim() >= 2:
                return candidate, _units_at(candidate, given, _side(operation, place))
    return None


def _side(operation: Operation, place: int) -> int:
    """The dimension along which units lie in a weight that goes into an operation as its tensor at `place`."""
    if operation.name in ("matmul", "mm", "addmm", "__matmul__"):
        return -2 if place == (1 if operation.name == "addmm" else 0) else -1
    return 1 if operation.name.startswith("conv_transpose") else 0


def _units_at(weight: torch.Tensor, given: torch.Tensor, side: int) -> int:
    """The dimension of `weight` that is dimension `side` of its view `given`."""
    if given is not weight:
        wanted = given.stride(side), given.shape[side]
        for dimension in range(weight.dim()):
            if (weight.stride(dimension), weight.shape[dimension]) == wanted:
                return dimension
    return side % weight.dim()


def _follow(
    operation: Operation, later: Sequence[Operation], names: Mapping[int, str]
) -> tuple[torch.Tensor, int, Operation | None]:
    """An operation's answer with its bias, the dimension of its units, and the activation that it then goes through."""
    carried = answer = operation.output
    place = 1 if LAYERS[operation.name] == "convolution" else -1
    places = place
    for following in later:
        if following.name in ASIDE or not any(tensor is carried for tensor in following.tensors()):
            continue
        if following.name in ACTIVATIONS:
            return following.input, place, following
        if following.name not in PASSING and not _mixes_samples(following, carried):
            break
        carried = following.output
        if following.name == "permute":
            order = following.arguments[1:]
            order = order[0] if order and isinstance(order[0], list | tuple) else order
            if order:
                place = list(order).index(place % len(order)) - len(order)
        others = [tensor for tensor in following.tensors() if tensor is not carried]
        bias = any(one is not None and id(one) in names and one.dim() == 1 for t in others for one in (t, t._base))
        if following.name in ("add", "add_", "__add__") and bias:
            answer, places = carried, place
    return answer, places, None


def _mixes_samples(operation: Operation, carried: torch.Tensor) -> bool:
    """Whether it adds up a layer's answers to several samples, as the nodes of a graph are, or scales all of them."""
    tensors = list(operation.tensors())
    if any(one is not carried and one.requires_grad for one in tensors):
        return False
    return operation.name in _SCALING or (
        operation.name in _OVER_SAMPLES and len(tensors) == 2 and tensors[1] is carried
    )


_OVER_SAMPLES: Final = ("matmul", "mm", "bmm", "__matmul__", "spmm", "sparse_mm")
_SCALING: Final = ("mul", "__mul__", "__rmul__", "div", "__truediv__", "index_select", "index_add", "scatter_add")


def samples(tensor: torch.Tensor, units_at: int) -> np.ndarray:
    """A tensor as a float64 matrix (samples, units), both thinned evenly; `units_at` is the units' dimension."""
    rows = tensor.detach().movedim(units_at, -1).reshape(-1, tensor.shape[units_at])
    return rows[thin(*rows.shape)].to("cpu", torch.float64).numpy()


def seen(layer: TracedLayer, trained: bool, before: torch.Tensor | None = None, scale: float = 1.0) -> SeenLayer:
    """The layer after its backward pass, in NumPy; `before` is its weight before the update, thinned.

    `scale` is what the loss was multiplied by: gradients of answers still have it, those of weights no more.
    """
    weight = layer.weight
    answer = layer.activation.output if layer.activation else layer.answer
    values = samples(layer.answer, layer.places)
    return SeenLayer(
        info=LayerInfo(
            name=layer.name, kind=layer.kind, fan_in=weight.numel() // weight.shape[layer.units_at],
            units=weight.shape[layer.units_at], weights=weight.numel(), activation=layer.activation_name,
            trained=trained,
        ),
        pre_activation=values,
        activation=samples(answer, layer.places),
        slope=_slopes(layer, values),
        largest_slope=_largest_slope(layer),
        gradient=None if weight.grad is None else _numbers(thinned(weight.grad, layer.units_at)),
        answer_gradient=None if layer.gradient is None else _numbers(layer.gradient) / scale,
        weight=_numbers(thinned(weight, layer.units_at)),
        before=None if before is None else _numbers(before),
    )  # fmt: skip


def thinned(tensor: torch.Tensor, units_at: int) -> torch.Tensor:
    """A weight or its gradient as (units, weights of a unit), of large ones an even choice of units."""
    rows = tensor.detach().movedim(units_at, 0)
    return rows[thin_units(len(rows), rows[0].numel())].flatten(1)


def _numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.to("cpu", torch.float64).numpy()


def _slopes(layer: TracedLayer, pre: np.ndarray) -> np.ndarray:
    """φ′ at the sampled pre-activations; 1 where there is no activation, NaN where it mixes units."""
    if layer.activation is None:
        return np.ones(pre.shape)
    if _mixes(layer.activation):
        return np.full(pre.shape, np.nan)
    return _derivative(*_setting(layer.activation), torch.from_numpy(pre)).numpy()


def _largest_slope(layer: TracedLayer) -> float:
    """The largest |φ′| on a wide grid; 0 where it has none."""
    if layer.activation is None:
        return 1.0
    if _mixes(layer.activation):
        return 0.0
    return _largest_of(*_setting(layer.activation))


@functools.lru_cache(maxsize=64)
def _largest_of(function: Callable[..., Any], scalars: tuple[Any, ...], keywords: tuple[tuple[str, Any], ...]) -> float:
    grid = torch.linspace(-12.0, 12.0, 4801, dtype=torch.float64)
    return float(torch.nan_to_num(_derivative(function, scalars, keywords, grid).abs(), nan=0.0).max())


def _mixes(activation: Operation) -> bool:
    """Whether a unit's answer is not a function of its own pre-activation alone that is the same for all units."""
    return ACTIVATIONS[activation.name] in ACROSS or activation.name == "prelu"


def _setting(
    activation: Operation,
) -> tuple[Callable[..., Any], tuple[Any, ...], tuple[tuple[str, Any], ...]]:
    """The function with the arguments that do not depend on the sample."""
    scalars = tuple(a for a in activation.arguments[1:] if not isinstance(a, bool | torch.Tensor))
    return activation.function, scalars, tuple((k, v) for k, v in activation.keywords.items() if k != "inplace")


def _derivative(
    function: Callable[..., Any], scalars: tuple[Any, ...], keywords: tuple[tuple[str, Any], ...], values: torch.Tensor
) -> torch.Tensor:
    with torch.enable_grad():
        x = values.clone().requires_grad_()
        y = function(x * 1.0, *scalars, **dict(keywords))  # x·1: a leaf may not be written over
        return torch.autograd.grad(y.sum(), x)[0]
