"""The forward pass of one trial. Arrays have no trial axis here; `vmap` adds it."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from trainability.activations import Activation, choose, is_elementwise, jax_function
from trainability.core import random
from trainability.core.records import LayerView
from trainability.engine.interface import Program
from trainability.normalization import MOMENTUM, NORMALIZATIONS, normalize, statistics

SMALL = 512
"""Up to so many multiplications a product is written as multiply and add: XLA's batched matrix product calls a
routine for every trial, which was measured three times slower for four samples and five units, and faster from about
here on."""


class Noise(NamedTuple):
    """What training draws in a step: the trial's keys (two uint32 scalars each) and the step's number."""

    dropout: random.Words
    activation: random.Words
    step: Any


class Layer(NamedTuple):
    """What a layer computed: pre-activations after normalisation, and its answer before a residual connection."""

    pre_activation: Float[Array, "samples pre_activations"]
    activation: Float[Array, "samples units"]


def forward(
    program: Program,
    parameters: Any,
    numbers: Any,
    running: Any,
    x: Float[Array, "samples inputs"],
    *,
    training: bool,
    noise: Noise | None,
) -> tuple[Float[Array, "samples outputs"], Any, list[Layer]]:
    """The network's outputs for x (samples, inputs), the new running statistics and every layer's inside.

    Args:
        training: whether batch normalisation uses the batch's statistics (and updates the running ones).
        noise: what dropout and random activations draw from; None leaves both out.
    """
    network, last = program.network, len(parameters["weights"]) - 1
    hidden, output = choose(network.activation).entry, choose(network.output).entry
    layers: list[Layer] = []
    moved: list[Any] = []
    for i, (weights, biases) in enumerate(zip(parameters["weights"], parameters["biases"], strict=True)):
        z = affine(x, weights, biases)
        if i == last:
            answer = jax_function(output)(z, _values(output, numbers["output"], None))
            return answer, moved, [*layers, Layer(z, answer)]
        z, statistic = normalized(program, parameters, running, z, i, training)
        moved += statistic
        learned = parameters["activation"][i] if hidden.learned else None
        share = None
        if hidden.random and noise is not None:
            share = uniform(noise.activation, noise.step, network.hidden, i, len(x), program.dtype)
        answer = jax_function(hidden, network.pieces)(z, _values(hidden, numbers["activation"], learned), share)
        layers.append(Layer(z, answer))
        if program.dropout and noise is not None:
            kept = uniform(noise.dropout, noise.step, network.hidden, i, len(x), program.dtype) >= numbers["dropout"]
            answer = jnp.where(kept, answer / (1.0 - numbers["dropout"]), 0.0)
        x = x + answer if network.residual and x.shape == answer.shape else answer
    raise AssertionError("a network has an output layer")


def affine(
    x: Float[Array, "samples fan_in"], weights: Float[Array, "fan_in units"], biases: Float[Array, " units"]
) -> Float[Array, "samples units"]:
    """x W + b."""
    if len(x) * weights.size <= SMALL:
        return jnp.sum(x[:, :, None] * weights[None], axis=1) + biases[None]
    # Without the word an accelerator would multiply float32 in fewer bits.
    return jnp.matmul(x, weights, precision=jax.lax.Precision.HIGHEST) + biases[None]


def _values(entry: Activation, numbers: Any, learned: Any) -> list[Any]:
    """The activation's parameters: hyper-parameters, or where they are learned an array (units,)."""
    values = [numbers[i] for i in range(len(entry.parameters))]
    if learned is not None:
        places = [i for i, p in enumerate(entry.parameters) if p.name in entry.learned]
        for row, place in enumerate(places):
            values[place] = learned[row]
    return values


def uniform(
    key: random.Words, step: Any, widths: tuple[int, ...], layer: int, samples: int, dtype: str
) -> Float[Array, "samples units"]:
    """Uniform in [0, 1) for one layer in one step of one trial: 24 bits of word (step, place)."""
    first, shape = samples * sum(widths[:layer]), (samples, widths[layer])
    minor = jnp.arange(first, first + math.prod(shape), dtype=jnp.uint32)
    word, _ = random.threefry(key, (jnp.full_like(minor, step.astype(jnp.uint32)), minor))
    return ((word >> 8).astype(dtype) * (2.0**-24)).reshape(shape)


def normalized(
    program: Program, parameters: Any, running: Any, z: Float[Array, "samples units"], layer: int, training: bool
) -> tuple[Float[Array, "samples units"], list[Any]]:
    """Pre-activations normalised, scaled and shifted; and [(mean, variance)] where running statistics are kept."""
    entry = NORMALIZATIONS[program.network.norm]
    if not entry.axis:
        return z, []
    moved = []
    if entry.running and not training:
        mean, variance = (part[None] for part in running[layer])
        moved = [running[layer]]
    else:
        mean, variance = statistics(entry, z)
        if entry.running:
            unbiased = variance * (len(z) / max(1, len(z) - 1))
            newest = (mean[0], unbiased[0])
            pairs = zip(running[layer], newest, strict=True)
            moved = [tuple((1.0 - MOMENTUM) * old + MOMENTUM * new for old, new in pairs)]
    z = normalize(z, mean, variance) * parameters["factor"][layer][None]
    return (z + parameters["shift"][layer][None] if entry.shift else z), moved


def _apply(function: Any, values: list[Any], z: Any) -> Any:
    return function(z, values)


def layer_views(
    program: Program, parameters: Any, numbers: Any, layers: list[Layer], gradients: list[Any]
) -> list[LayerView]:
    """What the vital signs look at, a view per layer. φ′ is NaN where the activation mixes units."""
    views, last = [], len(layers) - 1
    for i, (layer, gradient) in enumerate(zip(layers, gradients, strict=True)):
        entry = choose(program.network.output if i == last else program.network.activation).entry
        slope, largest = jnp.full_like(layer.activation, jnp.nan), jnp.ones((), program.dtype)
        if is_elementwise(entry):
            learned = parameters["activation"][i] if i < last and entry.learned else None
            values = _values(entry, numbers["output" if i == last else "activation"], learned)
            z = layer.pre_activation
            _, slope = jax.jvp(functools.partial(_apply, jax_function(entry), values), (z,), (jnp.ones_like(z),))
            largest = numbers["output_slope" if i == last else "largest_slope"]
        views.append(LayerView(layer.pre_activation, layer.activation, slope, largest, gradient))
    return views
