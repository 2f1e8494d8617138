"""`init_`: critical initialisation in PyTorch, Keras and JAX/Flax, as objects of those libraries."""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from trainability.core.errors import SpecError, UnknownName
from trainability.theory.functions import Activating
from trainability.theory.gains import GainKind, second_moment_gain
from trainability.theory.phases import recommended

Draw: TypeAlias = Literal["normal", "uniform", "truncated_normal", "orthogonal"]
Part: TypeAlias = Literal["weight", "bias"]


@dataclass(frozen=True)
class _Deviations:
    """A weight has the deviation gain / √fan_in, a bias `bias`."""

    gain: float
    bias: float


def init_(
    library: str,
    module: Any = None,
    *,
    activation: Activating,
    kind: GainKind = "critical",
    draw: Draw = "normal",
    part: Part = "weight",
    generator: Any = None,
    seed: int | None = None,
) -> Any:
    """Initialise a model critically, or make the library's own initialiser that does.

    `critical` takes the point of the edge of chaos that a network stays at: without biases where that attracts (tanh,
    ReLU, ELU), else the doubly critical point, whose biases are drawn too (GELU, SiLU, Mish).

    * ``torch``: `module` is a `torch.nn.Module`; its linear and convolutional layers are initialised in place.
    * ``keras``: with a layer or model, its kernels and biases are assigned; without, a
    `keras.initializers.Initializer`.
    * ``flax`` (or ``jax``): with an `nnx.Module`, the kernels and biases of its linear and convolutional layers are
    assigned; without, an initialiser as those of `jax.nn.initializers`, for ``kernel_init`` or ``bias_init``.

    Args:
        library: ``torch``, ``keras``, ``flax`` or ``jax``.
        module: what to initialise, where the library can.
        activation: what follows each layer: a catalogue name, a formula or a function of a NumPy array; a softmax and
            its like as `at_width` of their layers.
        kind: ``critical``, or ``second_moment`` (variance 1 is kept, biases are 0).
        draw: the weights' distribution; all have the same variance, but that Keras' and JAX's ``orthogonal`` makes
            layers keep lengths, so that those that widen get a smaller one.
        part: of an initialiser: for the ``weight`` or for the ``bias``.
        generator: PyTorch's source of random numbers. seed: Keras' and Flax'.

    Returns:
        `module`, or the initialiser.

    Raises:
        UsageError: the library is not installed or not known, the activation has no such gain, or the module holds
            nothing to initialise.
    """
    makers = {"torch": _torch, "keras": _keras, "flax": _jax, "jax": _jax}
    if library not in makers:
        raise UnknownName("library", str(library), makers)
    for value, known, name in ((draw, Draw, "draw"), (part, Part, "part"), (kind, GainKind, "kind")):
        if value not in get_args(known):
            raise SpecError(f"{name} must be one of {', '.join(get_args(known))}, got {value!r}")
    if kind == "critical":
        point = recommended(activation)
        deviations = _Deviations(point.sigma_w, point.sigma_b)
    else:
        deviations = _Deviations(second_moment_gain(activation), 0.0)
    return makers[library](module, deviations, draw, part, generator, seed)


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SpecError(f"{name} is not installed, or cannot be imported here: {error}") from None


def _torch(module: Any, deviations: _Deviations, draw: Draw, part: Part, generator: Any, seed: int | None) -> Any:
    torch = _imported("torch")
    if not isinstance(module, torch.nn.Module):
        raise SpecError(f"for torch, init_ needs a torch.nn.Module to initialise, got {type(module).__name__}")
    kinds = (torch.nn.Linear, torch.nn.modules.conv._ConvNd)
    layers = [layer for layer in module.modules() if isinstance(layer, kinds)]
    if not layers:
        raise SpecError("the module has no linear or convolutional layer to initialise")
    for layer in layers:
        if isinstance(layer.weight, torch.nn.parameter.UninitializedParameter):
            raise SpecError("the module has a lazy layer without a shape; pass it one batch before init_")
    with torch.no_grad():
        for layer in layers:
            _draw_torch(torch, layer.weight, deviations.gain / math.sqrt(_torch_fan_in(layer)), draw, generator)
            if layer.bias is not None:
                layer.bias.normal_(0.0, deviations.bias, generator=generator)
    return module


def _torch_fan_in(layer: Any) -> float:
    """How many weights meet in one pre-activation, away from the borders."""
    places = math.prod(layer.weight.shape[2:])
    if getattr(layer, "transposed", False):
        return layer.weight.shape[0] / layer.groups * places / math.prod(layer.stride)
    return layer.weight.shape[1] * places


def _draw_torch(torch: Any, weight: Any, deviation: float, draw: Draw, generator: Any) -> None:
    if draw == "normal":
        weight.normal_(0.0, deviation, generator=generator)
    elif draw == "uniform":
        weight.uniform_(-math.sqrt(3) * deviation, math.sqrt(3) * deviation, generator=generator)
    elif draw == "truncated_normal":
        uncut = deviation / _truncated_deviation()
        torch.nn.init.trunc_normal_(weight, 0.0, uncut, -2 * uncut, 2 * uncut, generator=generator)
    else:
        torch.nn.init.orthogonal_(weight, generator=generator)
        flat = (weight.shape[0], weight[0].numel())
        weight.mul_(deviation * math.sqrt(max(flat)))


def _truncated_deviation() -> float:
    from trainability.initializers.variance_scaling import TRUNCATED_DEVIATION

    return TRUNCATED_DEVIATION


def _keras(module: Any, deviations: _Deviations, draw: Draw, part: Part, generator: Any, seed: int | None) -> Any:
    keras = _imported("keras")
    if module is None:
        return _keras_initializer(keras, deviations, draw, part, seed)
    if not isinstance(module, keras.layers.Layer):
        raise SpecError(f"for keras, init_ takes a layer or a model, got {type(module).__name__}")
    layers = [layer for layer in _keras_layers(module) if getattr(layer, "kernel", None) is not None]
    if not layers:
        raise SpecError("the model has no built layer with a kernel; build it, or pass it one batch, before init_")
    for number, layer in enumerate(layers):
        own = None if seed is None else seed + number
        kernel, bias = (_keras_initializer(keras, deviations, draw, p, own) for p in get_args(Part))
        layer.kernel.assign(kernel(layer.kernel.shape))
        if getattr(layer, "bias", None) is not None:
            layer.bias.assign(bias(layer.bias.shape))
    return module


def _keras_layers(layer: Any) -> list[Any]:
    flatten = getattr(layer, "_flatten_layers", None)
    return list(flatten()) if flatten else [layer]


def _keras_initializer(keras: Any, deviations: _Deviations, draw: Draw, part: Part, seed: int | None) -> Any:
    known = keras.initializers
    if part == "bias":
        return known.RandomNormal(stddev=deviations.bias, seed=seed) if deviations.bias else known.Zeros()
    if draw == "orthogonal":
        return known.Orthogonal(gain=deviations.gain, seed=seed)
    names = {"normal": "untruncated_normal", "uniform": "uniform", "truncated_normal": "truncated_normal"}
    return known.VarianceScaling(deviations.gain**2, "fan_in", names[draw], seed=seed)


def _jax(module: Any, deviations: _Deviations, draw: Draw, part: Part, generator: Any, seed: int | None) -> Any:
    if module is not None:
        return _nnx(module, deviations, draw, seed or 0)
    known = _imported("jax").nn.initializers
    if part == "bias":
        return known.normal(deviations.bias) if deviations.bias else known.zeros
    if draw == "orthogonal":
        return known.orthogonal(deviations.gain)
    return known.variance_scaling(deviations.gain**2, "fan_in", draw)


def _nnx(module: Any, deviations: _Deviations, draw: Draw, seed: int) -> Any:
    nnx = getattr(_imported("flax"), "nnx", None)
    if nnx is None or not isinstance(module, nnx.Module):
        raise SpecError(
            f"for flax, init_ takes an nnx.Module, got {type(module).__name__}; give other modules "
            "kernel_init=init_('flax', activation=…) and bias_init=init_('flax', activation=…, part='bias')"
        )
    kinds = (nnx.Linear, nnx.LinearGeneral, nnx.Conv, nnx.ConvTranspose)
    layers = [layer for _, layer in nnx.iter_modules(module) if isinstance(layer, kinds)]
    if not layers:
        raise SpecError("the module has no linear or convolutional layer to initialise")
    kernel_init, bias_init = (_jax(None, deviations, draw, part, None, None) for part in get_args(Part))
    keys = iter(_imported("jax").random.split(_imported("jax").random.key(seed), 2 * len(layers)))
    for layer in layers:
        key, kernel = next(keys), layer.kernel.get_value()
        drawn = kernel_init(key, _kernel_shape(nnx, layer, kernel.shape), kernel.dtype)
        if isinstance(layer, nnx.ConvTranspose):  # a stride leaves out so many of the places that meet
            drawn *= math.sqrt(math.prod(_places(layer.strides, len(layer.kernel_size))))
            drawn = drawn.swapaxes(-1, -2) if layer.transpose_kernel else drawn
        layer.kernel.set_value(drawn.reshape(kernel.shape))
        key = next(keys)
        if layer.bias is not None:
            layer.bias.set_value(bias_init(key, layer.bias.shape, layer.bias.dtype))
    return module


def _kernel_shape(nnx: Any, layer: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A kernel's shape with the inputs before the last axis, the units on the last."""
    if isinstance(layer, nnx.LinearGeneral):
        inputs = math.prod(layer.in_features)
        return inputs, math.prod(shape) // inputs
    turned = isinstance(layer, nnx.ConvTranspose) and layer.transpose_kernel
    return (*shape[:-2], shape[-1], shape[-2]) if turned else shape


def _places(strides: Any, dimensions: int) -> tuple[int, ...]:
    return (strides or 1,) * dimensions if strides is None or isinstance(strides, int) else tuple(strides)
