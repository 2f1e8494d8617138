"""What is wrong lies in the data, the loss or the time that is given."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers
from sklearn.datasets import make_blobs, make_classification

from tests.zoo.data import Arrays, circles, digits, line
from tests.zoo.keras_run import Case, Run, column, first, mlp, score_of_one, scores_of_classes, sgd, simple

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)


def shuffled(pair: Arrays) -> Arrays:
    """Inputs that have each other's targets, drawn by the generator whose seed Keras sets."""
    return pair[0], np.random.permutation(pair[1])


def or_ten_layers_deep() -> Run:
    small = keras.initializers.RandomUniform(-0.05, 0.05)
    model = mlp(2, *[2] * 12, 1, hidden="sigmoid", last="sigmoid", kernel_initializer=small, bias_initializer=small)
    pair = np.tile(CORNERS, (25, 1)), np.tile(CORNERS.max(1, keepdims=True), (25, 1))
    return simple(model, pair, "mse", rate=1e-3, batch=1, steps=400)


def xor_nine_layers_deep() -> Run:
    drawn = keras.initializers.RandomUniform(-1, 1)
    model = mlp(2, *[5] * 9, 1, hidden="sigmoid", last="sigmoid", kernel_initializer=drawn, bias_initializer=drawn)
    pair = np.tile(CORNERS, (25, 1)), np.tile((CORNERS.sum(1, keepdims=True) == 1).astype(np.float32), (25, 1))
    return Run(model, "binary_crossentropy", sgd(0.1), pair, batch=4)


def shuffled_labels() -> Run:
    return simple(mlp(64, 32, 10), shuffled(digits()), scores_of_classes())


def shuffled_labels_by_heart() -> Run:
    x, y = shuffled(digits())
    held = x[200:500], y[200:500]
    return simple(mlp(64, 512, 10), first((x, y), 200), scores_of_classes(), rate=3e-3, steps=280, validation=held)


def shuffled_targets() -> Run:
    return simple(mlp(4, 32, 1), shuffled(line()), "mse", rate=1e-3)


def shuffled_sentences() -> Run:
    """Names of ten kinds, read one after the other."""
    draw = np.random.default_rng(0)
    names = draw.integers(0, 10, (600, 8)).astype(np.int32)
    holds_a_nine = (names == 9).any(1).astype(np.int32)
    parts = [layers.Embedding(10, 8), layers.GRU(16), layers.Dense(2)]
    model = keras.Sequential([keras.Input((8,), dtype="int32"), *parts])
    return simple(model, (draw.permutation(names), holds_a_nine), scores_of_classes(), steps=300)


def absolute_error_on_labels() -> Run:
    return Run(mlp(2, 8, 1, hidden="sigmoid", last="sigmoid"), "mae", sgd(0.05), column(circles()), steps=320)


def labels_as_quantities() -> Run:
    return Run(mlp(64, 16, 1), "mse", sgd(1e-3), column(digits()))


def cross_entropy_of_quantities() -> Run:
    return simple(mlp(4, 32, 1), line(), keras.losses.CategoricalCrossentropy(from_logits=True))


def signed_labels() -> Run:
    x, y = column(circles())
    return simple(mlp(2, 32, 1), (x, 2 * y - 1), score_of_one())


def missing_targets() -> Run:
    x, y = line()
    y[::50] = np.nan
    return simple(mlp(4, 32, 1), (x, y), "mse", steps=50)


def one_missing_input() -> Run:
    """What it spoils is seen a step later, in the weights."""
    x, y = line()
    x[-3, 1] = np.nan
    return simple(mlp(4, 32, 1), (x, y), "mse", steps=50)


def one_missing_target() -> Run:
    x, y = line()
    y[-3] = np.nan
    return simple(mlp(4, 32, 1), (x, y), "mse", steps=50)


def rare_class_left_out() -> Run:
    x, y = make_classification(2000, 20, n_informative=4, weights=[0.97], class_sep=0.8, flip_y=0, random_state=0)
    pair = x.astype(np.float32), y.astype(np.int32)
    return simple(mlp(20, 16, 2), pair, scores_of_classes(), rate=1e-3, batch=64, steps=150)


def validation_not_scaled() -> Run:
    x, y = digits()
    held = x[1400:] * 255, y[1400:]
    return simple(mlp(64, 32, 10), first((x, y), 1400), scores_of_classes(), rate=3e-3, validation=held)


def validation_of_other_classes() -> Run:
    x, y = digits()
    order = np.argsort(y, kind="stable")
    x, y = x[order], y[order]
    held = x[1200:], y[1200:]
    return simple(mlp(64, 32, 10), first((x, y), 1200), scores_of_classes(), rate=3e-3, validation=held)


def learned_by_heart() -> Run:
    x, y = make_classification(260, 40, n_informative=4, class_sep=0.5, flip_y=0.25, random_state=1)
    x, y = x.astype(np.float32), y.astype(np.int32)
    held = x[60:], y[60:]
    return simple(mlp(40, 256, 256, 2), first((x, y), 60), scores_of_classes(), 3e-3, steps=120, validation=held)


def one_straight_line() -> Run:
    return simple(mlp(2, 2), circles(), scores_of_classes())


def one_unit() -> Run:
    return simple(mlp(64, 1, 32, 10, hidden="tanh"), digits(), scores_of_classes(), steps=450)


def whole_data_a_step() -> Run:
    return Run(mlp(64, 32, 10), scores_of_classes(), sgd(0.1), digits(), steps=20, batch=1797)


def few_steps() -> Run:
    x, y = make_blobs(1000, centers=4, random_state=0)
    pair = ((x - x.mean(0)) / x.std(0)).astype(np.float32), y.astype(np.int32)
    return Run(mlp(2, 32, 4), scores_of_classes(), sgd(0.03), pair, steps=31)


SICK_DATA: dict[Case, tuple[str, ...]] = {
    or_ten_layers_deep: ("vanishing-gradient", "init-small"),
    xor_nine_layers_deep: ("vanishing-gradient",),
    shuffled_labels: ("labels-unpaired",),
    shuffled_labels_by_heart: ("labels-unpaired",),
    shuffled_targets: ("labels-unpaired",),
    shuffled_sentences: ("labels-unpaired",),
    absolute_error_on_labels: ("loss-target", "optimizer-unsuitable"),
    labels_as_quantities: ("loss-target",),
    cross_entropy_of_quantities: ("loss-target", "output-activation"),
    signed_labels: ("labels-invalid",),
    missing_targets: ("labels-invalid",),
    one_missing_input: ("nan-origin",),
    one_missing_target: ("labels-invalid",),
    rare_class_left_out: ("class-imbalance", "too-few-steps"),
    validation_not_scaled: ("train-validation-mismatch",),
    validation_of_other_classes: ("train-validation-mismatch",),
    learned_by_heart: ("overfitting",),
    one_straight_line: ("capacity-low",),
    one_unit: ("capacity-low",),
    whole_data_a_step: ("batch-size", "too-few-steps"),
    few_steps: ("too-few-steps",),
}
