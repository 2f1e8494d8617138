"""Every operation does to a Flax NNX recipe what it says, wherever the model's code calls its activations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from sklearn.metrics import accuracy_score

import trainability
from tests.plain_jax import plain_jax  # noqa: F401
from tests.zoo.data import circles, digits, line
from tests.zoo.flax_cases import lecun, mlp, scores
from trainability import Recipe
from trainability.adapters.flax.operations import BY_KIND
from trainability.adapters.flax.patient import Patient
from trainability.adapters.flax.trainer import train
from trainability.core.errors import SpecError
from trainability.core.operation import KINDS, Operation


def linear(inputs: int, units: int, rngs: nnx.Rngs) -> nnx.Linear:
    return nnx.Linear(inputs, units, kernel_init=lecun, rngs=rngs)


class Functional(nnx.Module):
    """Activations as functions of jax.nn's, of NumPy's and by hand, a residual, dropout, and a softmax at the end."""

    def __init__(self, rate: float = 0.0) -> None:
        rngs = nnx.Rngs(0)
        self.a, self.b, self.c, self.d = (linear(i, o, rngs) for i, o in ((2, 8), (8, 8), (8, 8), (8, 2)))
        self.drop = nnx.Dropout(rate, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = self.drop(jnp.maximum(self.a(x), 0))
        x = x + jax.nn.gelu(self.b(x))
        x = jnp.tanh(self.c(x))
        return jax.nn.softmax(self.d(x))


def of(model: nnx.Module, data: tuple[np.ndarray, np.ndarray], loss: Callable[..., Any], tx: Any) -> Recipe:
    x, y = data
    return Recipe(model, loss, tx, (x[:-32], y[:-32]), (x[-32:], y[-32:]), 1, 32)


def log_loss(p: Any, y: Any) -> Any:
    return -jnp.log(jnp.take_along_axis(p, y[:, None], axis=1)).mean()


def classes(seed: int = 0) -> Recipe:
    return of(Functional(0.5), circles(96), log_loss, optax.adam(1e-2))


def regression(seed: int = 0) -> Recipe:
    model = mlp(4, 8, 8, 1, activation=nnx.tanh)
    rate = optax.exponential_decay(0.01, 5, 0.5)
    tx = optax.chain(optax.add_decayed_weights(1e-3), optax.sgd(rate))
    return of(model, line(96), lambda a, y: optax.squared_error(a, y).mean(), tx)


def treated(recipe: Recipe, *operations: Operation) -> Patient:
    patient = Patient.of(recipe, 0)
    for operation in operations:
        BY_KIND[operation.kind](patient, operation.value)
    patient.rewire()
    return patient


def fits(make: Callable[..., Recipe], operation: Operation) -> bool:
    try:
        treated(make(), operation)
    except SpecError:
        return False
    return True


ALL = [Operation(kind, value) for kind, known in KINDS.items() for value in known.values]


@pytest.mark.parametrize("operation", ALL, ids=str)
def test_an_operation_fits_one_recipe_or_the_other_and_training_goes_on(operation: Operation):
    make = next((make for make in (classes, regression) if fits(make, operation)), None)
    assert make is not None, "no recipe could be changed so"
    outcome = train(make, (operation,), 0)
    assert np.isfinite(outcome.score) or operation.kind == "rate"


def test_activations_are_swapped_wherever_they_are_called():
    model = Functional()
    x, y = circles(64)
    patient = treated(
        of(model, (x, y), log_loss, optax.sgd(0.1)), Operation("activation", "elu"), Operation("output", "fit")
    )
    hidden = nnx.elu(model.a(x))
    hidden = hidden + nnx.elu(model.b(hidden))
    wanted = model.d(nnx.elu(model.c(hidden)))
    answer: Any = patient.model
    np.testing.assert_allclose(answer(x), wanted, atol=1e-6)
    np.testing.assert_allclose(patient.answer(answer(x)), nnx.softmax(wanted), atol=1e-6)
    np.testing.assert_allclose(patient.loss(answer(x), y), scores(wanted, y).mean(), rtol=1e-6)
