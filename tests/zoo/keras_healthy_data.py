"""Data of other kinds, and little time, that a model learns from: nothing may be said of it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine, make_moons

from tests.zoo.data import Arrays, circles, digits
from tests.zoo.files import CARS, IMAGES, cars, images, needs
from tests.zoo.keras_run import Case, Run, mlp, scores_of_classes, sgd, simple


def one_epoch() -> Run:
    return simple(mlp(64, 128, 10), digits(), scores_of_classes(), rate=5e-3, steps=56)


def two_epochs_of_plain_descent() -> Run:
    return Run(mlp(64, 64, 10), scores_of_classes(), sgd(0.5), digits(), steps=112)


def table(x: Any, y: Any) -> Arrays:
    """A data set of scikit-learn, inputs standardised."""
    return ((x - x.mean(0)) / x.std(0)).astype(np.float32), np.asarray(y).astype(np.int32)


def noisy_regression() -> Run:
    """Half of the variance is noise, so that no network gets far below it."""
    x, y = load_diabetes(return_X_y=True)
    y = ((y - y.mean()) / y.std())[:, None].astype(np.float32)
    x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
    held = x[350:], y[350:]
    return simple(mlp(10, 32, 1), (x[:350], y[:350]), "mse", rate=1e-2, steps=330, validation=held)


def noisy_moons() -> Run:
    pair = table(*make_moons(1000, noise=0.35, random_state=0))
    return simple(mlp(2, 32, 32, 2), pair, scores_of_classes(), rate=5e-3, steps=300)


def wine_with_momentum() -> Run:
    pair = table(*load_wine(return_X_y=True))
    return Run(mlp(13, 16, 3), scores_of_classes(), sgd(0.05, momentum=0.9), pair, steps=150)


def tumours_of_plain_descent() -> Run:
    pair = table(*load_breast_cancer(return_X_y=True))
    return Run(mlp(30, 16, 2, hidden="tanh"), scores_of_classes(), sgd(0.1), pair)


def samples_one_by_one() -> Run:
    return simple(mlp(2, 32, 2), circles(), scores_of_classes(), rate=3e-3, batch=1, steps=1500)


@needs(CARS)
def miles() -> Run:
    x, y = cars()
    model = mlp(x.shape[1], 64, 64, 1, kernel_initializer="he_normal")
    return Run(model, "mse", keras.optimizers.AdamW(1e-3, weight_decay=1e-5), (x, y), steps=650)


@needs(IMAGES)
def handwriting() -> Run:
    return simple(mlp(784, 64, 10), images(), scores_of_classes(), rate=3e-3, steps=313)


HEALTHY_DATA: tuple[Case, ...] = (
    one_epoch, two_epochs_of_plain_descent, noisy_regression, noisy_moons, wine_with_momentum,
    tumours_of_plain_descent, samples_one_by_one, miles, handwriting,
)  # fmt: skip
