"""Critical initialisers of JAX, and the kernels and biases of Flax NNX modules drawn by them."""

from __future__ import annotations

from typing import Any, get_args

from trainability.core.errors import SpecError
from trainability.theory.libraries.draws import (
    Deviations,
    Draw,
    Kernel,
    Part,
    dense,
    imported,
    places,
    summed,
    transposed,
)


def initialize(module: Any, deviations: Deviations, draw: Draw, part: Part, generator: Any, seed: int | None) -> Any:
    """Assign the kernels and biases of an `nnx.Module`, or make the initialiser of one `part`."""
    if generator is not None:
        raise SpecError("a generator is PyTorch's source of random numbers; for flax give a seed")
    if module is not None:
        return _nnx(module, deviations, draw, seed or 0)
    if seed is not None:
        raise SpecError("JAX's initialisers take a key where they are called; leave out the seed")
    return _initializer(deviations, draw, part)


def _initializer(deviations: Deviations, draw: Draw, part: Part) -> Any:
    known = imported("jax").nn.initializers
    if part == "bias":
        return known.normal(deviations.bias) if deviations.bias else known.zeros
    if draw == "orthogonal":
        return known.orthogonal(deviations.gain)
    return known.variance_scaling(deviations.gain**2, "fan_in", draw)


def _nnx(module: Any, deviations: Deviations, draw: Draw, seed: int) -> Any:
    nnx = getattr(imported("flax"), "nnx", None)
    if nnx is None or not isinstance(module, nnx.Module):
        raise SpecError(
            f"for flax, init_ takes an nnx.Module, got {type(module).__name__}; give other modules "
            "kernel_init=init_('flax', activation=…) and bias_init=init_('flax', activation=…, part='bias')"
        )
    layers = _layers(nnx, module)
    if not layers:
        raise SpecError("the module has no linear or convolutional layer to initialise")
    jax = imported("jax")
    kernel_init, bias_init = (_initializer(deviations, draw, part) for part in get_args(Part))
    keys = iter(jax.random.split(jax.random.key(seed), 2 * len(layers)))
    for layer in layers:
        key, kernel = next(keys), layer.kernel.get_value()
        axes = _kernel(nnx, layer, kernel.ndim)
        # In half precision there is no decomposition, which orthogonal kernels need.
        precise = kernel.dtype if kernel.dtype.itemsize >= 4 else "float32"
        drawn = kernel_init(key, axes.matrix(kernel.shape), precise)
        layer.kernel.set_value(axes.place(drawn, kernel.shape).astype(kernel.dtype))
        key = next(keys)
        if layer.bias is not None:
            layer.bias.set_value(bias_init(key, layer.bias.shape, layer.bias.dtype))
    return module


def _layers(nnx: Any, module: Any) -> list[Any]:
    """Linear and convolutional layers, but those inside a recurrent cell, which has activations of its own."""
    kinds = (nnx.Linear, nnx.LinearGeneral, nnx.Einsum, nnx.Conv, nnx.ConvTranspose)
    found = list(nnx.iter_modules(module))
    cells = [path for path, layer in found if isinstance(layer, nnx.RNNCellBase)]
    return [
        layer for path, layer in found
        if isinstance(layer, kinds) and not any(path[: len(cell)] == cell for cell in cells)
    ]  # fmt: skip


def _kernel(nnx: Any, layer: Any, dimensions: int) -> Kernel:
    if isinstance(layer, nnx.Einsum):
        return summed(layer.einsum_str)
    if isinstance(layer, nnx.LinearGeneral):
        return Kernel(tuple(range(dimensions)), dimensions - len(_all(layer.out_features)))
    if not isinstance(layer, nnx.ConvTranspose):
        return dense(dimensions)
    strides = places(layer.strides, len(layer.kernel_size))
    turned = transposed(dimensions, strides)
    return turned if layer.transpose_kernel else Kernel(tuple(range(dimensions)), dimensions - 1, turned.share)


def _all(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)
