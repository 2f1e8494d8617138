"""Keras' silent mistakes in how a model, its loss or its optimiser is put together."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from tests.zoo.data import circles, digits, line
from tests.zoo.files import IMAGES, images, needs
from tests.zoo.keras_run import (
    Case,
    Run,
    binary_cross_entropy,
    column,
    mlp,
    only,
    ops,
    score_of_one,
    scores_of_classes,
    sgd,
    simple,
)  # fmt: skip


@only("torch", "jax")  # on TensorFlow, Keras finds the scores before the sigmoid, and warns
def double_sigmoid() -> Run:
    return simple(mlp(2, 32, 1, last="sigmoid"), column(circles()), score_of_one())


def frozen_backbone() -> Run:
    model = mlp(64, 64, 64, 10)
    for layer in model.layers[:2]:
        layer.set_weights([0.02 * weight for weight in layer.get_weights()])
        layer.trainable = False
    return simple(model, digits(), scores_of_classes(), rate=1e-3)


@keras.saving.register_keras_serializable("zoo")
class Cut(layers.Layer):
    def call(self, x: Any) -> Any:
        return ops.stop_gradient(x)


def detached() -> Run:
    model = mlp(2, 16, 2)
    model = keras.Sequential([keras.Input((2,)), layers.Dense(16, "relu"), Cut(), *model.layers[1:]])
    return simple(model, circles(), scores_of_classes())


class Subtracting(keras.Model):
    """Its loss is written out, and Keras brings no shapes together there."""

    def __init__(self, parts: keras.Sequential, compare: Any):
        super().__init__()
        self.parts, self.compare = parts, compare

    def call(self, x: Any) -> Any:
        return self.parts(x)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any) -> Any:
        return self.compare(y, y_pred)


def broadcast_by_hand() -> Run:
    x, y = line()
    return simple(Subtracting(mlp(4, 32, 1), lambda y, a: ops.mean((y - a) ** 2)), (x, y[:, 0]), None)


def broadcast_in_a_logarithm() -> Run:
    x, y = circles()
    model = Subtracting(mlp(2, 32, 32, 1, last="sigmoid"), binary_cross_entropy)
    return simple(model, (x, y.astype(np.float32)), None)


def logarithms_of_the_wrong_sign() -> Run:
    model = mlp(2, 32, 32, 1, last="sigmoid")
    return simple(model, column(circles()), lambda y, p: -binary_cross_entropy(y, p))


def negated() -> Run:
    right = scores_of_classes()
    return simple(mlp(2, 32, 2), circles(), lambda y, a: -right(y, a))


def raw_images() -> Run:
    model = mlp(64, 32, 32, 10, hidden="sigmoid")
    return Run(model, scores_of_classes(), sgd(0.1), digits(16 / 255))


@needs(IMAGES)
def images_to_255() -> Run:
    model = mlp(784, 64, 64, 10, hidden="sigmoid")
    return Run(model, scores_of_classes(), sgd(0.1), images(1.0))


@needs(IMAGES)
def linear_images_at_a_rate_of_3() -> Run:
    x, y = images()
    return Run(mlp(784, 64, 10, hidden=None), "mse", sgd(3.0), (x, np.eye(10, dtype=np.float32)[y]))


def rate_too_low() -> Run:
    return simple(mlp(4, 64, 64, 1), line(), "mse", rate=1e-6)


def raw_targets() -> Run:
    x, y = line()
    return simple(mlp(4, 64, 64, 1), (x, 3000 + 800 * y), "mse", rate=1e-3)


def softmax_output_for_a_regression() -> Run:
    return simple(mlp(4, 64, 1, last="softmax"), line(), "mse")


def decay_too_strong() -> Run:
    penalty = keras.regularizers.L2(0.5)
    parts = [layers.Dense(64, "relu", kernel_regularizer=penalty), layers.Dense(10, kernel_regularizer=penalty)]
    return simple(keras.Sequential([keras.Input((64,)), *parts]), digits(), scores_of_classes())


class Penalized(layers.Dense):
    """A layer that adds its own penalty to the loss."""

    def call(self, inputs: Any) -> Any:
        self.add_loss(0.5 * ops.sum(ops.square(self.kernel)))
        return super().call(inputs)


def penalty_by_hand() -> Run:
    parts = [Penalized(64, "relu"), Penalized(10)]
    return simple(keras.Sequential([keras.Input((64,)), *parts]), digits(), scores_of_classes())


def zeros() -> Run:
    model = mlp(2, 32, 32, 2, hidden="tanh")
    model.set_weights([np.full_like(weight, 0.1) for weight in model.get_weights()])
    return simple(model, circles(), scores_of_classes())


def summed() -> Run:
    loss = keras.losses.MeanSquaredError(reduction="sum")
    return Run(mlp(4, 64, 64, 1), loss, sgd(0.05), line(), batch=256, steps=100)


def rate_gone() -> Run:
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    return Run(mlp(64, 32, 10), scores_of_classes(), sgd(schedule), digits())


def one_softmax() -> Run:
    return simple(mlp(2, 32, 32, 1, last="softmax"), column(circles()), "binary_crossentropy")


def rate_of_10() -> Run:
    return Run(mlp(64, 64, 64, 10), scores_of_classes(), sgd(10.0), digits())


def adam_at_1() -> Run:
    return simple(mlp(64, 64, 64, 10), digits(), scores_of_classes(), rate=1.0)


def large_weights() -> Run:
    drawn = keras.initializers.RandomNormal(0, 3)
    model = mlp(64, 64, 64, 10, hidden="tanh", kernel_initializer=drawn)
    return Run(model, scores_of_classes(), sgd(0.01), digits())


def most_dropped() -> Run:
    parts = [layers.Dense(32, "relu"), layers.Dropout(0.95), layers.Dense(10)]
    return simple(keras.Sequential([keras.Input((64,)), *parts]), digits(), scores_of_classes(), rate=1e-3)


def normalised_alone() -> Run:
    x, y = digits()
    model = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Conv2D(8, 7), layers.BatchNormalization(), layers.Activation("relu"),
        layers.Flatten(), layers.Dense(10),
    ])  # fmt: skip
    return simple(model, (x.reshape(-1, 8, 8, 1)[:250], y[:250]), scores_of_classes(), rate=1e-3, batch=1)


class Norm(layers.Layer):
    """The slope of √ at 0 is infinite, although the answer itself is a number."""

    def call(self, x: Any) -> Any:
        return ops.sqrt(ops.sum(x**2, -1, keepdims=True))


def norm_of_a_zero() -> Run:
    x, y = line()
    x[:64] = 0
    at = start = keras.Input((4,))
    at = layers.Dense(16, "relu")(start)
    answer = layers.Dense(1)(at)
    size = Norm()(layers.Dense(16, use_bias=False)(start))
    model = keras.Model(start, layers.Add()([answer, layers.Rescaling(0.1)(size)]))
    return simple(model, (x, y), "mse", rate=1e-3)


SICK_MODELS: dict[Case, tuple[str, ...]] = {
    double_sigmoid: ("double-softmax",),
    frozen_backbone: ("parameters-frozen",),
    detached: ("graph-detached",),
    broadcast_by_hand: ("loss-broadcast",),
    broadcast_in_a_logarithm: ("loss-broadcast",),
    logarithms_of_the_wrong_sign: ("loss-sign",),
    negated: ("loss-sign",),
    raw_images: ("inputs-unscaled",),
    images_to_255: ("inputs-unscaled",),
    linear_images_at_a_rate_of_3: ("learning-rate-high", "activation-missing"),
    rate_too_low: ("learning-rate-low",),
    raw_targets: ("targets-unscaled",),
    softmax_output_for_a_regression: ("output-activation",),
    decay_too_strong: ("over-regularized",),
    penalty_by_hand: ("over-regularized",),
    zeros: ("init-symmetric",),
    summed: ("loss-reduction",),
    rate_gone: ("schedule-wrong",),
    one_softmax: ("output-activation",),
    rate_of_10: ("learning-rate-high",),
    adam_at_1: ("learning-rate-high",),
    large_weights: ("init-large",),
    most_dropped: ("dropout-high",),
    normalised_alone: ("normalization-batch-of-one",),
    norm_of_a_zero: ("nan-origin",),
}
