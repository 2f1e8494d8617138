"""The operations of a treatment on a Flax NNX recipe: one function each."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from trainability.adapters import operations
from trainability.adapters.flax.optimizer import name, settings
from trainability.adapters.flax.patient import Patient
from trainability.adapters.flax.transformation import shape, with_decay, with_factor, without_schedule
from trainability.adapters.scoring import task_of
from trainability.core.errors import SpecError, UsageError

_ACTIVATIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "relu": nnx.relu, "leaky_relu": nnx.leaky_relu, "elu": nnx.elu, "silu": nnx.silu, "tanh": nnx.tanh,
    "gelu": functools.partial(nnx.gelu, approximate=False), "sigmoid": nnx.sigmoid,
}  # fmt: skip
_OPTIMIZERS: Final[dict[str, Callable[[], optax.GradientTransformation]]] = {
    "adam": lambda: optax.adam(1e-3),
    "sgd": lambda: optax.sgd(0.01, momentum=0.9),
    "rmsprop": lambda: optax.rmsprop(1e-3),
}


def scale_inputs(patient: Patient, value: str) -> None:
    """Standardise the inputs, unless they are indices."""
    modules = [module for _, module in nnx.iter_modules(patient.model)]
    operations.scale_inputs(patient, any(isinstance(module, nnx.Embed) for module in modules))


def activation(patient: Patient, value: str) -> None:
    """Replace every hidden activation, or put one after the hidden layers that have none."""
    if all(layer.activation_name == value for layer in patient.hidden):
        raise SpecError(f"the hidden activations are '{value}' already")
    patient.swapped = value
    for layer, change in patient.changed():
        if layer.activation is None:
            change.after.append(_ACTIVATIONS[value])
        else:
            change.instead = _ACTIVATIONS[value]


def output(patient: Patient, value: str) -> None:
    """Take the output activation out and train with the loss of logits (or squared errors) that fits the targets."""
    y, (_, *places) = patient.train[1], patient.output_shape
    task, units = task_of(y), places[-1] if places else 1
    if task == "regression":
        patient.loss = _squared
    elif units == 1 or (task == "binary" and y[0].size == np.prod(places)):
        if len(np.unique(y)) > 2:
            raise SpecError(f"one output unit cannot tell {len(np.unique(y))} classes apart")
        patient.loss, patient.answer = _binary, jax.nn.sigmoid
    else:
        labels = y[0].size == np.prod(places[:-1], dtype=int)  # one for each answer, not one-hot rows
        if labels and y.max() >= units:
            raise SpecError(f"{units} output units cannot tell labels up to {y.max():g} apart")
        patient.loss, patient.answer = _labels if labels else _one_hot, jax.nn.softmax
    patient.bare = patient.look().last is not None


def _squared(answers: Any, targets: Any) -> Any:
    return jnp.mean(optax.squared_error(answers, targets.reshape(answers.shape)))


def _binary(logits: Any, targets: Any) -> Any:
    wanted = targets.reshape(logits.shape).astype(logits.dtype)
    return jnp.mean(optax.sigmoid_binary_cross_entropy(logits, wanted))


def _labels(logits: Any, targets: Any) -> Any:
    wanted = targets.reshape(logits.shape[:-1]).astype(int)
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, wanted))


def _one_hot(logits: Any, targets: Any) -> Any:
    return jnp.mean(optax.softmax_cross_entropy(logits, targets.reshape(logits.shape).astype(logits.dtype)))


def normalize(patient: Patient, value: str) -> None:
    """Normalise what goes into every hidden activation."""
    rngs = nnx.Rngs(patient.seed)
    for layer, change in patient.changed():
        *_, units = before = patient.look().shape(layer)
        if value == "layer":
            made = (
                nnx.GroupNorm(units, 1, rngs=rngs) if layer.kind == "convolution" else nnx.LayerNorm(units, rngs=rngs)
            )
        elif layer.kind == "convolution" or len(before) == 2:
            made = nnx.BatchNorm(units, rngs=rngs)
        else:
            raise SpecError("batch normalisation is not inserted into sequences; layer normalisation is")
        if layer.activation is None:
            change.after = nnx.List([made, *change.after])  # a list keeps the kinds of its places
        else:
            change.before.append(made)


def wiring(patient: Patient, value: str) -> None:
    """Train every parameter, and make the model train as training does."""
    patient.wrt = nnx.Param
    patient.model.train()


def dropout(patient: Patient, value: float) -> None:
    """Set the rate of every dropout; where there is none, put one after the hidden activations."""
    if value >= 1:
        raise SpecError(f"a rate of dropout is under 1, got {value:g}")
    found = [module for _, module in nnx.iter_modules(patient.model) if isinstance(module, nnx.Dropout)]
    rngs = nnx.Rngs(patient.seed)
    for module in found:
        module.rate = value
        if module.rngs is None:
            module.rngs = rngs.dropout.fork()
    if found:
        return
    if value == 0:
        raise SpecError("there is no dropout to take out")
    for _, change in patient.changed():
        change.after.append(nnx.Dropout(value, rngs=rngs))


def initialize(patient: Patient, value: str) -> None:
    """Draw all weights anew at the critical point of the hidden activation; biases are 0 where theory has them so."""
    from trainability.theory import init_

    names = (layer.activation_name for layer in patient.hidden if layer.activation_name)
    function = patient.swapped or next(names, "linear")
    try:
        init_("flax", patient.model, activation=function, seed=patient.seed)
    except UsageError as error:
        raise SpecError(f"this cannot be initialised at the critical gain of '{function}': {error}") from error


def optimizer(patient: Patient, value: str) -> None:
    """Another optimiser at its usual rate."""
    if name(patient.optimizer) == value:
        raise SpecError(f"the optimiser is '{value}' already")
    patient.optimizer = _OPTIMIZERS[value]()


def decay(patient: Patient, value: float) -> None:
    """Set the weight decay: where the transformation has one, else of the gradient."""
    known = settings(nnx.Optimizer(patient.model, patient.optimizer, wrt=patient.wrt))[1].get("weight_decay")
    if (known or 0.0) == value:
        raise SpecError(f"weight decay is {value:g} already")
    patient.optimizer = with_decay(patient.optimizer, known, value)


def rate(patient: Patient, value: float) -> None:
    """Multiply the learning rate."""
    patient.optimizer = with_factor(patient.optimizer, value)


def clip(patient: Patient, value: float) -> None:
    """Clip the norm of the whole gradient."""
    patient.optimizer = optax.chain(optax.clip_by_global_norm(value), patient.optimizer)


def schedule(patient: Patient, value: str) -> None:
    """Shape the rate over the training, or take the transformation's own schedule away."""
    steps = operations.steps(patient)
    if value == "constant":
        patient.optimizer = without_schedule(patient.optimizer, steps)
    else:
        patient.optimizer = optax.chain(patient.optimizer, optax.scale_by_schedule(shape(value, steps)))


BY_KIND: Final[dict[str, Callable[[Patient, Any], None]]] = {
    "wiring": wiring, "scale_inputs": scale_inputs, "scale_targets": operations.scale_targets, "activation": activation,
    "output": output, "normalize": normalize, "dropout": dropout, "initialize": initialize, "optimizer": optimizer,
    "decay": decay, "rate": rate, "batch": operations.batch, "epochs": operations.epochs, "clip": clip,
    "schedule": schedule,
}  # fmt: skip
