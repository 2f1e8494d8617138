"""Models that learn, some of them of unusual parts: nothing may be said of them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from tests.zoo.data import circles, digits, line
from tests.zoo.keras_run import (
    Case,
    Run,
    adam,
    binary_cross_entropy,
    column,
    mlp,
    ops,
    score_of_one,
    scores_of_classes,
    sgd,
    simple,
)  # fmt: skip


def tanh_mlp() -> Run:
    return simple(mlp(2, 32, 32, 2, hidden="tanh"), circles(), scores_of_classes())


def sigmoid_mlp() -> Run:
    return simple(mlp(64, 64, 10, hidden="sigmoid"), digits(), scores_of_classes(), steps=300)


def linear_probe() -> Run:
    return simple(mlp(64, 10), digits(), scores_of_classes(), rate=3e-2)


def large_rate_that_works() -> Run:
    return Run(mlp(64, 64, 10), scores_of_classes(), sgd(0.8), digits(), steps=300)


def small_rate_that_works() -> Run:
    return simple(mlp(64, 256, 10), digits(), scores_of_classes(), rate=3e-4, steps=800)


def small_batches() -> Run:
    return simple(mlp(64, 64, 10), digits(), scores_of_classes(), rate=1e-3, batch=4, steps=1350)


def unscaled_but_learning() -> Run:
    return simple(mlp(64, 64, 10), digits(1.0), scores_of_classes(), rate=1e-3, steps=400)


def normalised() -> Run:
    parts = [
        layers.Dense(64), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.3), layers.Dense(64),
        layers.LayerNormalization(), layers.Activation("relu"), layers.Dense(10),
    ]  # fmt: skip
    return simple(keras.Sequential([keras.Input((64,)), *parts]), digits(), scores_of_classes(), rate=3e-3)


def transformer() -> Run:
    """A block over the rows of a picture."""
    x, y = digits()
    start = keras.Input((8, 8))
    at = layers.Dense(32)(start)
    normal = layers.LayerNormalization()(at)
    at = layers.Add()([at, layers.MultiHeadAttention(4, 8)(normal, normal)])
    inner = layers.Dense(32)(layers.Dense(64, "relu")(layers.LayerNormalization()(at)))
    answer = layers.Dense(10)(layers.Flatten()(layers.Add()([at, inner])))
    return simple(keras.Model(start, answer), (x.reshape(-1, 8, 8), y), scores_of_classes(), rate=3e-3)


def autoencoder() -> Run:
    x, _ = digits()
    return simple(mlp(64, 48, 24, 48, 64), (x, x), "mse", rate=3e-3, steps=600)


def logits_of_one_unit() -> Run:
    return simple(mlp(2, 32, 32, 1), column(circles()), score_of_one())


def probabilities_by_hand() -> Run:
    return simple(mlp(2, 32, 32, 1, last="sigmoid"), column(circles()), binary_cross_entropy)


def log_softmax_with_nll() -> Run:
    """Keras has no loss of log-probabilities: it is written by hand."""

    def nll(y: Any, logarithms: Any) -> Any:
        return -ops.mean(ops.take_along_axis(logarithms, ops.cast(y, "int32"), -1))

    x, y = digits()
    return simple(mlp(64, 64, 10, last="log_softmax"), (x, y[:, None]), nll, rate=3e-3)


def divergence_of_distributions() -> Run:
    x, y = digits()
    return simple(mlp(64, 64, 10, last="softmax"), (x, 0.8 * np.eye(10)[y] + 0.02), "kl_divergence", rate=3e-3)


def by_hand() -> Run:
    def cross_entropy(y: Any, scores: Any) -> Any:
        return -ops.mean(ops.take_along_axis(ops.log_softmax(scores, -1), ops.cast(y, "int32"), -1))

    x, y = digits()
    return simple(mlp(64, 64, 10), (x, y[:, None]), cross_entropy, rate=3e-3)


def imbalanced_but_learning() -> Run:
    x, y = digits()
    kept = np.concatenate([np.flatnonzero(y != 3), np.flatnonzero(y == 3)[:60]])
    pair = x[kept], (y[kept] == 3).astype(np.int32)
    return simple(mlp(64, 64, 2), pair, scores_of_classes(), rate=3e-3, steps=400)


def deep_selu() -> Run:
    model = mlp(64, *[48] * 6, 10, hidden="selu", kernel_initializer="lecun_normal")
    return simple(model, digits(), scores_of_classes(), rate=1e-3, steps=300)


def weight_decay() -> Run:
    return Run(mlp(64, 64, 10), scores_of_classes(), keras.optimizers.AdamW(3e-3, weight_decay=0.05), digits())


def cosine_schedule() -> Run:
    schedule = keras.optimizers.schedules.CosineDecay(0.3, 228)
    return Run(mlp(64, 64, 10), scores_of_classes(), sgd(schedule, momentum=0.9), digits())


def summed_with_a_small_rate() -> Run:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    return simple(mlp(64, 64, 10), digits(), loss, rate=3e-3)


def clipped() -> Run:
    return Run(mlp(64, 64, 10), scores_of_classes(), adam(3e-3, global_clipnorm=1.0), digits())


def mae_regression() -> Run:
    return simple(mlp(4, 64, 64, 1), line(), "mae", rate=3e-3, steps=600)


def absolute_error_of_waves() -> Run:
    return simple(mlp(4, 64, 64, 1, hidden="silu"), line(), keras.losses.Huber(), rate=5e-3, steps=400)


def leaky() -> Run:
    model = mlp(64, 32, 32, 32, 10, hidden="leaky_relu")
    return simple(model, digits(), scores_of_classes(), rate=3e-3)


def high_dropout_that_works() -> Run:
    parts = [layers.Dense(512, "relu"), layers.Dropout(0.5), layers.Dense(10)]
    return simple(keras.Sequential([keras.Input((64,)), *parts]), digits(), scores_of_classes(), rate=3e-3)


class Maxout(layers.Layer):
    def call(self, x: Any) -> Any:
        return ops.max(ops.reshape(x, (-1, x.shape[-1] // 2, 2)), -1)


def maxout() -> Run:
    parts = [layers.Dense(64), Maxout(), layers.Dense(10)]
    return simple(keras.Sequential([keras.Input((64,)), *parts]), digits(), scores_of_classes(), rate=3e-3)


class Tied(keras.Model):
    """An autoencoder whose decoder is its encoder, transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.code = layers.Dense(32, "tanh")
        self.shift = self.add_weight(shape=(64,), initializer="zeros")

    def call(self, x: Any) -> Any:
        return ops.matmul(self.code(x), ops.transpose(self.code.kernel)) + self.shift


def tied_weights() -> Run:
    x, _ = digits()
    return simple(Tied(), (x, x), "mse", rate=3e-3, steps=400)


def two_heads() -> Run:
    x, y = digits()
    start = keras.Input((64,))
    trunk = layers.Dense(64, "relu")(start)
    model = keras.Model(start, [layers.Dense(10)(trunk), layers.Dense(2)(trunk)])
    return simple(model, (x, [y, y % 2]), [scores_of_classes(), scores_of_classes()], rate=3e-3)


def embedded() -> Run:
    """Which of two kinds of words comes more often."""
    x = np.random.default_rng(0).integers(0, 50, (600, 12)).astype(np.int32)
    y = ((x < 10).sum(1) > (x >= 40).sum(1)).astype(np.int32)
    parts = [layers.Embedding(50, 16), layers.GlobalAveragePooling1D(), layers.Dense(2)]
    return simple(keras.Sequential([keras.Input((12,), dtype="int32"), *parts]), (x, y), scores_of_classes(), rate=2e-2)


class Loop(keras.Model):
    """A recurrent net written as a loop over rows."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.again, self.out = layers.Dense(48), layers.Dense(48), layers.Dense(10)

    def call(self, x: Any) -> Any:
        at = ops.zeros((ops.shape(x)[0], 48))
        for row in range(8):
            at = ops.tanh(self.into(x[:, row]) + self.again(at))
        return self.out(at)


def recurrent_loop() -> Run:
    x, y = digits()
    return simple(Loop(), (x.reshape(-1, 8, 8), y), scores_of_classes(), rate=3e-3, steps=300)


HEALTHY_MODELS: tuple[Case, ...] = (
    tanh_mlp, sigmoid_mlp, linear_probe, large_rate_that_works, small_rate_that_works, small_batches,
    unscaled_but_learning, normalised, transformer, autoencoder, logits_of_one_unit, probabilities_by_hand,
    log_softmax_with_nll, divergence_of_distributions, by_hand, imbalanced_but_learning, deep_selu, weight_decay,
    cosine_schedule,
    summed_with_a_small_rate, clipped, mae_regression, absolute_error_of_waves, leaky, high_dropout_that_works, maxout,
    tied_weights, two_heads, embedded, recurrent_loop,
)  # fmt: skip
