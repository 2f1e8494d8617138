"""One hidden layer forwards and back, each gradient written out by hand; many networks at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from trainability.activations import choose, jax_function, numpy_function, numpy_slope

PARAMETERS: Final = ("W1", "b1", "W2", "b2")


@dataclass(frozen=True)
class Sizes:
    """How many samples, inputs, hidden units and outputs there are."""

    samples: int = 4
    inputs: int = 3
    hidden: int = 5
    outputs: int = 2

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Of every parameter; a bias is a row, which is added to every row of samples."""
        return {
            "W1": (self.inputs, self.hidden), "b1": (1, self.hidden),
            "W2": (self.hidden, self.outputs), "b2": (1, self.outputs),
        }  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """Networks with their samples; every array has the leading axis networks.

    Attributes:
        x, y: inputs (networks, samples, inputs) and targets (networks, samples, outputs).
        parameters: as `Sizes.shapes` has them.
        activation: a catalogue name.
    """

    x: np.ndarray
    y: np.ndarray
    parameters: Mapping[str, np.ndarray]
    activation: str = "sigmoid"


def draw(
    rng: np.random.Generator, networks: int, sizes: Sizes, activation: str, deviations: tuple[float, float] = (1.0, 1.0)
) -> Batch:
    """Inputs and targets N(0, 1); weights of each layer with its deviation, biases N(0, 1) times the same."""
    x = rng.normal(size=(networks, sizes.samples, sizes.inputs))
    y = rng.normal(size=(networks, sizes.samples, sizes.outputs))
    scale = {"W1": deviations[0], "b1": deviations[0], "W2": deviations[1], "b2": deviations[1]}
    drawn = {name: scale[name] * rng.normal(size=(networks, *shape)) for name, shape in sizes.shapes().items()}
    return Batch(x, y, drawn, activation)


def forward(batch: Batch) -> dict[str, np.ndarray]:
    """Z = XW₁ + b₁, H = φ(Z), O = HW₂ + b₂ and the mean squared error L, shape (networks,)."""
    p = batch.parameters
    z = batch.x @ p["W1"] + p["b1"]
    h = numpy_function(choose(batch.activation))(z)
    o = h @ p["W2"] + p["b2"]
    return {"X": batch.x, "Z": z, "H": h, "O": o, "L": ((o - batch.y) ** 2).mean(axis=(1, 2))}


def backward(batch: Batch, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The gradient of L by everything, from the output to the input; each has the shape of what it belongs to."""
    p, across = batch.parameters, lambda a: np.swapaxes(a, 1, 2)
    slope = numpy_slope(choose(batch.activation))
    if slope is None:
        raise ValueError(f"{batch.activation} has no elementwise slope")
    d_o = 2 * (values["O"] - batch.y) / batch.y[0].size
    d_h = d_o @ across(p["W2"])
    d_z = d_h * slope(values["Z"])
    return {
        "O": d_o,
        "W2": across(values["H"]) @ d_o,
        "b2": d_o.sum(axis=1, keepdims=True),
        "H": d_h,
        "Z": d_z,
        "W1": across(batch.x) @ d_z,
        "b1": d_z.sum(axis=1, keepdims=True),
        "X": d_z @ across(p["W1"]),
    }


def automatic(batch: Batch) -> dict[str, np.ndarray]:
    """The gradient of every parameter by `jax.grad` in float64."""
    import jax
    import jax.numpy as jnp

    choice = choose(batch.activation)
    function = jax_function(choice.entry)

    def loss(p: Any, x: Any, y: Any) -> Any:
        h = function(x @ p["W1"] + p["b1"], choice.values)
        return jnp.mean((h @ p["W2"] + p["b2"] - y) ** 2)

    with jax.enable_x64(True):
        given = {name: jnp.asarray(value, "float64") for name, value in batch.parameters.items()}
        found = jax.vmap(jax.grad(loss))(given, jnp.asarray(batch.x, "float64"), jnp.asarray(batch.y, "float64"))
        return {name: np.asarray(value) for name, value in found.items()}


def differences(batch: Batch, step: float) -> dict[str, np.ndarray]:
    """The gradient of every parameter by central differences, one number after the other."""
    found = {}
    for name, value in batch.parameters.items():
        gradient = np.empty_like(value)
        for place in np.ndindex(value.shape[1:]):
            sides = []
            for sign in (1, -1):
                moved = value.copy()
                moved[:, *place] += sign * step
                sides.append(forward(Batch(batch.x, batch.y, {**batch.parameters, name: moved}, batch.activation))["L"])
            gradient[:, *place] = (sides[0] - sides[1]) / (2 * step)
        found[name] = gradient
    return found


def descended(batch: Batch, gradients: Mapping[str, np.ndarray], rate: float) -> Batch:
    """The same networks after one step of gradient descent."""
    moved = {name: value - rate * gradients[name] for name, value in batch.parameters.items()}
    return Batch(batch.x, batch.y, moved, batch.activation)


def error(ours: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of each network the largest difference of two gradients over the largest entry, shape (networks,)."""
    over = tuple(range(1, ours.ndim))
    return np.abs(ours - others).max(axis=over) / np.maximum(np.abs(ours).max(axis=over), 1e-12)
