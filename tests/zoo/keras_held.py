"""Keras runs as people write them, twins of PyTorch's that once were judged wrongly."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from tests.zoo.data import digits, line
from tests.zoo.held_data import blobs, by_class, nodes, rare, sequences
from tests.zoo.keras_run import Case, Run, column, mlp, only, ops, scores_of_classes, sgd, simple
from tests.zoo.keras_sick import Cut


@only("torch", "jax")  # on TensorFlow the axes are exchanged before and after, which is not followed
def softmax_across_the_batch() -> Run:
    def picked(y: Any, scores: Any) -> Any:
        return -ops.mean(ops.take_along_axis(ops.log_softmax(scores, 0), ops.cast(y, "int32"), -1))

    x, y = blobs(20)
    return simple(mlp(10, 32, 20), (x, y[:, None]), picked, batch=4)


def square_maximised() -> Run:
    return simple(mlp(4, 16, 1), line(), lambda y, a: -ops.mean(ops.sum((a - y) ** 2, 1)), steps=100)


def sorted_by_class() -> Run:
    pair = by_class(blobs(6, 12, 1200))
    return Run(mlp(12, 64, 6), scores_of_classes(), sgd(0.05, momentum=0.9), pair, 480, 10, fitting={"shuffle": False})


def features_lost() -> Run:
    _, y = blobs(2)
    return simple(mlp(8, 16, 2), (np.zeros((len(y), 8), np.float32), y), scores_of_classes(), steps=150)


def recurrent_weights_too_large() -> Run:
    large = keras.initializers.RandomNormal(0, 0.6)
    parts = [layers.SimpleRNN(32, "relu", recurrent_initializer=large), layers.Dense(1)]
    return Run(keras.Sequential([keras.Input((60, 3)), *parts]), "mse", sgd(1e-2), sequences(), steps=20)


def rare_class_and_plain_descent() -> Run:
    return Run(mlp(8, 16, 2), scores_of_classes(), sgd(0.01), rare(), batch=64)


def quantiles() -> Run:
    def pinball(y: Any, a: Any) -> Any:
        q = ops.convert_to_tensor([0.1, 0.5, 0.9], "float32")
        return ops.mean(ops.maximum(q * (y - a), (q - 1) * (y - a)))

    return simple(mlp(4, 64, 3), line(), pinball, rate=5e-3, steps=500)


def two_losses_in_one() -> Run:
    def with_dice(y: Any, scores: Any) -> Any:
        p, y = ops.sigmoid(scores), ops.cast(y > 4, "float32")
        dice = 1 - (2 * ops.sum(p * y) + 1) / (ops.sum(p) + ops.sum(y) + 1)
        return ops.mean(ops.binary_crossentropy(y, scores, from_logits=True)) + dice

    return simple(mlp(64, 64, 1), column(digits()), with_dice, rate=3e-3)


def features_kept_by_no_grad() -> Run:
    """Drawn features that are never trained, and a head."""
    kept = layers.Dense(256, trainable=False)
    return simple(
        keras.Sequential([keras.Input((10,)), kept, Cut(), layers.Dense(3)]), blobs(3, apart=2.0), scores_of_classes()
    )


def nodes_of_a_graph() -> Run:
    near, pair = nodes()

    class Neighbours(layers.Layer):
        def call(self, x: Any) -> Any:
            return ops.matmul(ops.convert_to_tensor(near), x)

        def compute_output_spec(self, x: Any) -> Any:
            return keras.KerasTensor(x.shape, x.dtype)

    parts = [layers.Dense(16), Neighbours(), layers.ReLU(), layers.Dense(3), Neighbours()]
    model = keras.Sequential([keras.Input((8,)), *parts])
    return simple(model, pair, scores_of_classes(), steps=120, batch=150, fitting={"shuffle": False})


HELD_SICK: dict[Case, tuple[str, ...]] = {
    softmax_across_the_batch: ("output-activation",),
    square_maximised: ("loss-sign",),
    sorted_by_class: ("data-unshuffled",),
    features_lost: ("labels-unpaired",),
    recurrent_weights_too_large: ("init-large",),
    rare_class_and_plain_descent: ("class-imbalance", "optimizer-unsuitable"),
}
HELD_HEALTHY: tuple[Case, ...] = (quantiles, two_losses_in_one, features_kept_by_no_grad, nodes_of_a_graph)
