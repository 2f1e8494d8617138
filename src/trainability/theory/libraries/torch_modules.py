"""Critical initialisation of a `torch.nn.Module`, in place."""

from __future__ import annotations

import math
from typing import Any

from trainability.core.errors import SpecError
from trainability.initializers.variance_scaling import TRUNCATED_DEVIATION
from trainability.theory.libraries.draws import Deviations, Draw, Part, imported


def initialize(module: Any, deviations: Deviations, draw: Draw, part: Part, generator: Any, seed: int | None) -> Any:
    """Draw the weights and biases of linear and convolutional layers; `part` has no meaning here."""
    torch = imported("torch")
    if not isinstance(module, torch.nn.Module):
        raise SpecError(f"for torch, init_ needs a torch.nn.Module to initialise, got {type(module).__name__}")
    if generator is not None and not isinstance(generator, torch.Generator):
        raise SpecError(f"generator must be a torch.Generator, got {generator!r}; seed takes a number")
    kinds = (torch.nn.Linear, torch.nn.modules.conv._ConvNd)
    layers = [layer for layer in module.modules() if isinstance(layer, kinds)]
    if not layers:
        raise SpecError("the module has no linear or convolutional layer to initialise")
    for layer in layers:
        _check(torch, layer)
    with torch.no_grad():
        for layer in layers:
            if seed is not None and generator is None:
                generator = torch.Generator(layer.weight.device).manual_seed(seed)
            if layer.weight.numel():
                _assign(torch, layer, deviations.gain / math.sqrt(_fan_in(layer)), draw, generator)
            if layer.bias is not None:
                layer.bias.normal_(0.0, deviations.bias, generator=generator)
    return module


def _check(torch: Any, layer: Any) -> None:
    weight = layer.weight
    if isinstance(weight, torch.nn.parameter.UninitializedParameter):
        raise SpecError("the module has a lazy layer without a shape; pass it one batch before init_")
    if "weight" not in layer._parameters and not _parametrized(torch, layer):
        raise SpecError(
            f"the weight of a {type(layer).__name__} is made of other parameters (weight_norm, pruning); "
            "initialise the module before that is put on"
        )


def _parametrized(torch: Any, layer: Any) -> bool:
    return torch.nn.utils.parametrize.is_parametrized(layer, "weight")


def _assign(torch: Any, layer: Any, deviation: float, draw: Draw, generator: Any) -> None:
    if not _parametrized(torch, layer):
        _fill(torch, layer.weight, deviation, draw, generator)
        return
    drawn = torch.empty_like(layer.weight)
    _fill(torch, drawn, deviation, draw, generator)
    try:
        layer.weight = drawn
    except (NotImplementedError, RuntimeError) as error:
        raise SpecError(
            f"the weight of a {type(layer).__name__} has a parametrization that takes no weight ({error}); initialise "
            "the module before that is put on"
        ) from None


def _fan_in(layer: Any) -> float:
    """How many weights meet in one pre-activation, away from the borders."""
    in_one = math.prod(layer.weight.shape[2:])
    if getattr(layer, "transposed", False):
        return layer.weight.shape[0] / layer.groups * in_one / math.prod(layer.stride)
    return layer.weight.shape[1] * in_one


def _fill(torch: Any, weight: Any, deviation: float, draw: Draw, generator: Any) -> None:
    if draw == "normal":
        weight.normal_(0.0, deviation, generator=generator)
    elif draw == "uniform":
        weight.uniform_(-math.sqrt(3) * deviation, math.sqrt(3) * deviation, generator=generator)
    elif draw == "truncated_normal":
        uncut = deviation / TRUNCATED_DEVIATION
        torch.nn.init.trunc_normal_(weight, 0.0, uncut, -2 * uncut, 2 * uncut, generator=generator)
    else:
        # In half precision there is no decomposition.
        full = torch.empty_like(weight, dtype=torch.promote_types(weight.dtype, torch.float32))
        torch.nn.init.orthogonal_(full, generator=generator)
        flat = (weight.shape[0], weight[0].numel())
        weight.copy_(full.mul_(deviation * math.sqrt(max(flat))))
