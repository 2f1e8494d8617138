"""Critical initialisers of Keras, and its layers' kernels and biases drawn by them."""

from __future__ import annotations

from typing import Any

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

_KEEPS = Deviations(1.0, 0.0)
_APART = 1_000_003
_NAMES = {"normal": "untruncated_normal", "uniform": "uniform", "truncated_normal": "truncated_normal"}


def initialize(module: Any, deviations: Deviations, draw: Draw, part: Part, generator: Any, seed: int | None) -> Any:
    """Assign the kernels and biases of a layer or model, or make the initialiser of one `part`."""
    keras = imported("keras")
    if generator is not None:
        raise SpecError("a generator is PyTorch's source of random numbers; for keras give a seed")
    if module is None:
        # With a plain number, or none, Keras draws the same again for every layer of a size.
        return _initializer(keras, deviations, draw, part, keras.random.SeedGenerator(seed))
    if not isinstance(module, keras.layers.Layer):
        raise SpecError(f"for keras, init_ takes a layer or a model, got {type(module).__name__}")
    flatten = getattr(module, "_flatten_layers", None)
    layers = [layer for layer in (flatten() if flatten else [module]) if layer.built and _kernels(keras, layer)]
    if not layers:
        raise SpecError(
            "the model has no built dense or convolutional layer; build it, or pass it one batch, before init_"
        )
    for number, layer in enumerate(layers):
        own = None if seed is None else seed + number
        kernels = _kernels(keras, layer)
        for place, (weight, kernel) in enumerate(kernels):
            if not hasattr(weight, "assign"):
                raise SpecError(f"the kernel of '{layer.name}' is made of other weights; initialise it before that")
            # Of two kernels in a row only the last is followed by the activation.
            last = place == len(kernels) - 1
            make = _initializer(keras, deviations if last else _KEEPS, draw, "weight", _other(own, place))
            drawn = keras.ops.convert_to_numpy(make(kernel.matrix(weight.shape), dtype="float32"))
            weight.assign(kernel.place(drawn, weight.shape))
        bias = getattr(layer, "bias", None)
        if bias is not None:
            bias.assign(_initializer(keras, deviations, draw, "bias", _other(own, len(kernels)))(bias.shape))
    return module


def _other(seed: int | None, place: int) -> int | None:
    """A seed for a layer's other weights: the same one would give them the same numbers."""
    return None if seed is None else seed + place * _APART


def _initializer(keras: Any, deviations: Deviations, draw: Draw, part: Part, seed: Any) -> Any:
    known = keras.initializers
    if part == "bias":
        return known.RandomNormal(stddev=deviations.bias, seed=seed) if deviations.bias else known.Zeros()
    if draw == "orthogonal":
        return known.Orthogonal(gain=deviations.gain, seed=seed)
    return known.VarianceScaling(deviations.gain**2, "fan_in", _NAMES[draw], seed=seed)


def _kernels(keras: Any, layer: Any) -> list[tuple[Any, Kernel]]:
    """The kernels of a dense or convolutional layer; a recurrent cell has activations and weights of its own kind."""
    found = keras.layers
    convolutions = [getattr(found, f"Conv{n}D") for n in (1, 2, 3)]
    turned = [getattr(found, f"Conv{n}DTranspose") for n in (1, 2, 3)]
    if isinstance(layer, found.EinsumDense):
        return [(layer.kernel, summed(layer.equation))]
    if isinstance(layer, tuple(turned)):
        strides = places(layer.strides, layer.rank)
        return [(layer.kernel, transposed(layer.rank + 2, strides))]
    if isinstance(layer, (found.DepthwiseConv1D, found.DepthwiseConv2D)):
        return [(layer.kernel, _depthwise(layer.rank))]
    if isinstance(layer, (found.SeparableConv1D, found.SeparableConv2D)):
        return [(layer.depthwise_kernel, _depthwise(layer.rank)), (layer.pointwise_kernel, dense(layer.rank + 2))]
    if isinstance(layer, (found.Dense, *convolutions)):
        return [(layer.kernel, dense(len(layer.kernel.shape)))]
    return []


def _depthwise(rank: int) -> Kernel:
    """Every channel has filters of its own: only the places meet."""
    return Kernel(tuple(range(rank + 2)), rank)
