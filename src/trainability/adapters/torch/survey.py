"""Where a model's hidden layers and activations are, by the number of their call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from trainability.adapters.loss import LossSeen
from trainability.adapters.torch.layers import traced_layers
from trainability.adapters.torch.loss import last_activation, see_loss
from trainability.adapters.torch.names import ACROSS, ACTIVATIONS, LAYERS
from trainability.adapters.torch.rewired import is_place
from trainability.adapters.torch.trace import Operation, Trace


@dataclass(frozen=True)
class Hidden:
    """A hidden layer: the places of its call and of its activation's (None where it has none), and its units.

    Attributes:
        units: how many, along dimension `axis` of its answer.
    """

    place: int
    activation_place: int | None
    activation: str | None
    units: int
    axis: int
    dimensions: int


@dataclass(frozen=True)
class Survey:
    """One forward pass of a model and its loss.

    Attributes:
        hidden: the layers before the output layer.
        last: name and place of the activation that the output goes through, or None.
        loss: what the loss is, as far as it was understood.
        output_shape: of the model's answer.
    """

    hidden: tuple[Hidden, ...]
    last: tuple[str, int] | None
    loss: LossSeen
    output_shape: tuple[int, ...]


def survey(model: torch.nn.Module, loss: Callable[..., Any], inputs: torch.Tensor, targets: torch.Tensor) -> Survey:
    """Look at one forward pass; the model's buffers and PyTorch's random numbers are what they were."""
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    trace = Trace()
    trace.recording = True
    with torch.random.fork_rng(), torch.enable_grad(), trace:
        output = model(inputs)
        forward = list(trace.operations)
        root = loss(output, targets)
    for name, value in model.named_buffers():
        value.detach().copy_(buffers[name])
    seen = LossSeen()
    see_loss(seen, root, trace.operations)
    places = {id(operation): i for i, operation in enumerate(op for op in forward if is_place(op.name))}
    layers = traced_layers(forward, {id(p): name for name, p in model.named_parameters()})
    made = last_activation(output, forward)
    last = None if made is None else (ACTIVATIONS[made.name], places[id(made)])
    hidden = tuple(
        _hidden(layer.operation, layer.activation, places, layer.weight.shape)
        for layer in layers[:-1]
        if LAYERS[layer.operation.name] in ("linear", "convolution")
        and (layer.activation is None or ACTIVATIONS[layer.activation.name] not in ACROSS)
        and (made is None or layer.activation is not made)
    )
    return Survey(hidden, last, seen, tuple(output.shape))


def _hidden(layer: Operation, activation: Operation | None, places: dict[int, int], weight: torch.Size) -> Hidden:
    convolution = LAYERS[layer.name] == "convolution"
    answer = activation.input if activation else layer.output
    axis = 1 if convolution and answer.dim() > 2 else -1
    return Hidden(
        places[id(layer)], places[id(activation)] if activation else None,
        ACTIVATIONS[activation.name] if activation else None, answer.shape[axis], axis, answer.dim(),
    )  # fmt: skip
