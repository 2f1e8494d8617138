"""What to write into a Keras program where the place is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from trainability.treatment.patch.keras_training import USUAL
from trainability.treatment.patch.numbers import number
from trainability.treatment.patch.torch_lines import Lines, batch, epochs


def _wiring(value: str) -> Lines:
    return (
        "# before model.compile(…):",
        "for layer in model.layers:",
        "    layer.trainable = True",
    )


def scale_inputs(value: str) -> Lines:
    """Of NumPy arrays, which Flax takes too."""
    return (
        "import numpy as np",
        "over = (0, *range(1, x_train.ndim - 1)) if x_train.ndim > 2 else (0,)",
        "mean, deviation = x_train.mean(axis=over, keepdims=True), x_train.std(axis=over, keepdims=True)",
        "deviation = np.where(deviation > 0, deviation, 1.0)",
        "x_train, x_validation = (x_train - mean) / deviation, (x_validation - mean) / deviation",
        "# and so with every input that the trained model is given",
    )


def _scale_targets(value: str) -> Lines:
    return (
        *targets_scaled(),
        "answers = model.predict(x_validation) * deviation + mean",
    )


def targets_scaled() -> Lines:
    """Targets as NumPy arrays, standardised."""
    return (
        "import numpy as np",
        "mean, deviation = y_train.mean(axis=0, keepdims=True), y_train.std(axis=0, keepdims=True)",
        "deviation = np.maximum(deviation, 1e-12)",
        "y_train = (y_train - mean) / deviation",
        "# every answer of the trained model is turned back:",
    )


def _activation(value: str) -> Lines:
    return (
        "import keras",
        "# in the place of every hidden activation, and after every hidden layer that has none:",
        f'activation = keras.layers.Activation("{value}")',
    )


def _output(value: str) -> Lines:
    return (
        "# the last layer's activation and the loss, by the targets:",
        'output = {"activation": "sigmoid", "loss": "binary_crossentropy"}  # 0 or 1, one unit for each',
        'output = {"activation": "softmax", "loss": "sparse_categorical_crossentropy"}  # classes as numbers',
        'output = {"activation": "softmax", "loss": "categorical_crossentropy"}  # classes as rows of one 1',
        'output = {"activation": None, "loss": "mean_squared_error"}  # numbers',
        "# give targets of 0 or 1 and numbers the shape of the answers",
    )


def _normalize(value: str) -> Lines:
    name = "LayerNormalization()" if value == "layer" else "BatchNormalization()"
    more = ("# after a convolution: keras.layers.GroupNormalization(1)",) if value == "layer" else ()
    return (
        "import keras",
        "# between every hidden layer, made without activation, and its activation, made a layer of its own:",
        f"normalization = keras.layers.{name}",
        *more,
    )


def _dropout(value: float) -> Lines:
    return (
        "import keras",
        "for layer in model.layers:",
        "    if isinstance(layer, keras.layers.Dropout):",
        f"        layer.rate = {number(value)}",
        *([f"# where there is none: keras.layers.Dropout({number(value)}) after every hidden layer"] if value else []),
    )


def _initialize(value: str) -> Lines:
    return (
        "import trainability",
        "# after the model is built; the activation is that of its hidden layers",
        'trainability.init_("keras", model, activation="relu")',
    )


def _optimizer(value: str) -> Lines:
    name, rate = USUAL[value]
    momentum = ", momentum=0.9" if value == "sgd" else ""
    return (
        "import keras",
        "# for model.compile(optimizer=optimizer, …)",
        f"optimizer = keras.optimizers.{name}(learning_rate={rate!r}{momentum})",
    )


def _decay(value: float) -> Lines:
    return (
        "# before model.fit(…), where the layers have no kernel_regularizer:",
        f"model.optimizer.weight_decay = {number(value) if value else None}",
    )


def _rate(value: float) -> Lines:
    return (
        "# after model.compile(…):",
        f"model.optimizer.learning_rate = float(model.optimizer.learning_rate) * {number(value)}",
    )


def _clip(value: float) -> Lines:
    return (
        "# after model.compile(…), where the optimiser clips in no other way:",
        f"model.optimizer.global_clipnorm = {float(value)!r}",
    )


def _schedule(value: str) -> Lines:
    if value == "constant":
        return ("# give the optimiser a number as its learning_rate, and model.fit(…) no LearningRateScheduler",)
    made = {
        "cosine": "keras.optimizers.schedules.CosineDecay(rate, steps)",
        "warmup": "keras.optimizers.schedules.CosineDecay(0.0, 10**9, warmup_target=rate, warmup_steps=steps // 10)",
    }[value]
    return (
        "import keras",
        "steps = epochs * -(-len(x_train) // batch_size)",
        "rate = float(model.optimizer.learning_rate)",
        "# for the optimiser's learning_rate=schedule",
        f"schedule = {made}",
    )


LINES: Final[Mapping[str, Callable[[Any], Lines]]] = {
    "wiring": _wiring, "scale_inputs": scale_inputs, "scale_targets": _scale_targets, "activation": _activation,
    "output": _output, "normalize": _normalize, "dropout": _dropout, "initialize": _initialize,
    "optimizer": _optimizer, "decay": _decay, "rate": _rate, "batch": batch, "epochs": epochs, "clip": _clip,
    "schedule": _schedule,
}  # fmt: skip
