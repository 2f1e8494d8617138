"""The operations of a treatment on a Keras recipe: one function each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import keras
import numpy as np

from trainability.adapters import operations
from trainability.adapters.keras.layers import DROPOUT, Weighted
from trainability.adapters.keras.patient import Patient
from trainability.adapters.scoring import task_of
from trainability.core.errors import SpecError, UsageError

_OPTIMIZERS: Final[dict[str, tuple[type, dict[str, Any]]]] = {
    "adam": (keras.optimizers.Adam, {"learning_rate": 1e-3}),
    "sgd": (keras.optimizers.SGD, {"learning_rate": 0.01, "momentum": 0.9}),
    "rmsprop": (keras.optimizers.RMSprop, {"learning_rate": 1e-3}),
}


def scale_inputs(patient: Patient, value: str) -> None:
    """Standardise the inputs, unless they are indices."""
    operations.scale_inputs(patient, any(isinstance(layer, keras.layers.Embedding) for layer in patient.leaves))


def activation(patient: Patient, value: str) -> None:
    """Replace every hidden activation, or put one after the hidden layers that have none."""
    if all(layer.name == value for layer in patient.hidden):
        raise SpecError(f"the hidden activations are '{value}' already")
    patient.swapped = value
    for layer in patient.hidden:
        if layer.activation is None:
            patient.change(layer.layer).settings["activation"] = value
        else:
            _activate(patient, layer, value)


def _activate(patient: Patient, layer: Weighted, name: str) -> None:
    """Give a layer's activation, its own or a layer that follows, another function."""
    if layer.activation is layer.layer or isinstance(layer.activation, keras.layers.Activation):
        patient.change(layer.activation).settings["activation"] = name
    else:
        patient.change(layer.activation).instead = lambda: keras.layers.Activation(name, name=layer.activation.name)


def output(patient: Patient, value: str) -> None:
    """Give the output the activation and the loss that fit the targets."""
    last, y = patient.layers[-1], patient.train[1]
    task, shape = task_of(y), patient.model.output_shape
    units = shape[-1] if len(shape) > 1 else 1
    labels = y.size == len(y) * int(np.prod(shape[1:-1], dtype=int))  # one for each answer, not one-hot rows
    if task == "regression":
        function, patient.loss = "linear", "mean_squared_error"
    elif units == 1 or (task == "binary" and not labels):
        if len(np.unique(y)) > 2:
            raise SpecError(f"one output unit cannot tell {len(np.unique(y))} classes apart")
        function, patient.loss = "sigmoid", "binary_crossentropy"
    else:
        function = "softmax"
        patient.loss = "sparse_categorical_crossentropy" if labels else "categorical_crossentropy"
    if last.activation is not None:
        _activate(patient, last, function)
    else:
        patient.change(last.layer).settings["activation"] = function


def normalize(patient: Patient, value: str) -> None:
    """Normalise what goes into every hidden activation."""
    make = keras.layers.LayerNormalization if value == "layer" else keras.layers.BatchNormalization
    for layer in patient.hidden:
        if value == "batch" and len(layer.layer.output.shape) == 3:
            raise SpecError("batch normalisation is not inserted into sequences; layer normalisation is")
        change = patient.change(layer.layer)
        own = change.settings.get("activation") or (layer.layer.activation if layer.activation is layer.layer else None)
        change.after.insert(0, make)
        if own is not None:
            change.settings["activation"] = "linear"
            change.after.insert(1, lambda own=own: keras.layers.Activation(own))


def wiring(patient: Patient, value: str) -> None:
    """Train every layer."""
    patient.model.trainable = True


def dropout(patient: Patient, value: float) -> None:
    """Set the rate of every dropout; where there is none, put one after the hidden activations."""
    if value >= 1:
        raise SpecError(f"a rate of dropout is under 1, got {value:g}")
    found = [layer for layer in patient.leaves if isinstance(layer, DROPOUT)]
    for layer in found:
        patient.change(layer).settings["rate"] = value
    if found:
        return
    if value == 0:
        raise SpecError("there is no dropout to take out")
    for layer in patient.hidden:
        place = layer.activation if layer.activation is not None else layer.layer
        patient.change(place).after.append(lambda: keras.layers.Dropout(value))


def initialize(patient: Patient, value: str) -> None:
    """Draw all weights anew at the critical point of the hidden activation; biases are 0 where theory has them so."""
    from trainability.theory import init_

    function = patient.swapped or next((layer.name for layer in patient.hidden if layer.name), "linear")
    try:
        init_("keras", activation=function)
    except UsageError as error:
        raise SpecError(f"there is no critical gain of '{function}': {error}") from error
    patient.critical = function


def optimizer(patient: Patient, value: str) -> None:
    """Another optimiser at its usual rate."""
    kind, settings = _OPTIMIZERS[value]
    if issubclass(patient.optimizer[0], kind):  # a backend has its own class of each
        raise SpecError(f"the optimiser is '{value}' already")
    patient.optimizer = kind, kind(**settings).get_config()


def decay(patient: Patient, value: float) -> None:
    """Take the layers' penalties away and let the optimiser shrink all weights instead."""
    penalised = [layer for layer in patient.leaves if getattr(layer, "kernel_regularizer", None) is not None]
    settings = patient.optimizer[1]
    if not penalised and (settings.get("weight_decay") or 0.0) == value:
        raise SpecError(f"weight decay is {value:g} already")
    for layer in penalised:
        patient.change(layer).settings["kernel_regularizer"] = None
    settings["weight_decay"] = value or None


def rate(patient: Patient, value: float) -> None:
    """Multiply the learning rate, or a schedule of it."""
    patient.factor *= value


def clip(patient: Patient, value: float) -> None:
    """Clip the norm of the whole gradient."""
    patient.optimizer[1].update({"clipnorm": None, "clipvalue": None, "global_clipnorm": value})


def schedule(patient: Patient, value: str) -> None:
    """Set a schedule of the rate, or take the optimiser's own away."""
    if value == "constant" and not isinstance(patient.optimizer[1]["learning_rate"], dict):
        raise SpecError("the learning rate is constant already")
    patient.schedule = value


BY_KIND: Final[dict[str, Callable[[Patient, Any], None]]] = {
    "wiring": wiring, "scale_inputs": scale_inputs, "scale_targets": operations.scale_targets, "activation": activation,
    "output": output, "normalize": normalize, "dropout": dropout, "initialize": initialize, "optimizer": optimizer,
    "decay": decay, "rate": rate, "batch": operations.batch, "epochs": operations.epochs, "clip": clip,
    "schedule": schedule,
}  # fmt: skip
