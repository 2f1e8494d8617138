"""What is wrong lies in the data, the loss or the time that is given."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from sklearn.datasets import make_blobs, make_classification

from tests.zoo.data import Arrays, circles, digits, line
from tests.zoo.files import CARS, IMAGES, cars, images, needs
from tests.zoo.flax_modules import NormalizedConvolution, Reader
from tests.zoo.flax_run import (
    Run,
    absolute_error,
    bce,
    column,
    draw,
    evaluated,
    he,
    linear,
    mlp,
    normal,
    picked,
    rngs,
    run,
    scores,
    uniform,
)
from trainability import Recipe


def xor() -> Arrays:
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    return x, (x[:, :1] != x[:, 1:]).astype(np.float32)


def one_softmax_on_bits() -> Run:
    y = np.random.default_rng(0).integers(0, 2, (512, 1)).astype(np.float32)
    streams = rngs()
    model = nnx.Sequential(
        linear(128, 50, streams), nnx.relu, nnx.Dropout(0.2, rngs=streams), linear(50, 50, streams), nnx.relu,
        nnx.Dropout(0.2, rngs=streams), linear(50, 1, streams), nnx.softmax,
    )  # fmt: skip
    return run(model, (np.repeat(y, 128, axis=1), y), bce, tx=optax.rmsprop(1e-3))


def two_sigmoids_for_five_epochs() -> Run:
    r = np.random.default_rng(0)
    y = r.integers(0, 2, 1000).astype(np.int32)
    x = (r.random((1000, 2)) + y[:, None]).astype(np.float32)
    return run(mlp(2, 2, 2, activation=nnx.sigmoid), (x, y), scores, rate=1e-3, steps=5 * 32)


def raw_powers() -> Run:
    x = np.linspace(-100, 100, 512, dtype=np.float32)[:, None]
    streams = rngs()
    model = nnx.Sequential(
        linear(1, 50, streams), nnx.sigmoid, linear(50, 50, streams), nnx.elu, linear(50, 1, streams)
    )
    return run(model, (x, x**4), optax.squared_error, rate=1e-3)


def xor_with_absolute_error() -> Run:
    model = mlp(2, 4, 1, activation=nnx.sigmoid, last=nnx.sigmoid)
    return run(model, xor(), absolute_error, tx=optax.sgd(0.05), steps=1000, batch=4)


def _miles(rate: float = 1e-3, decay: float = 1e-5, scaled: bool = True, last: Any = None, steps: int = 1000) -> Run:
    tx = optax.chain(optax.add_decayed_weights(decay), optax.adam(rate))
    return run(mlp(9, 64, 64, 1, last=last, init=he), cars(scaled), optax.squared_error, tx=tx, steps=steps)


@needs(CARS)
def miles_at_a_tiny_rate() -> Run:
    return _miles(rate=1e-5)


@needs(CARS)
def miles_raw() -> Run:
    """After a thousand steps it would have learned in spite of it."""
    return _miles(scaled=False, steps=150)


@needs(CARS)
def miles_by_softmax() -> Run:
    return _miles(last=nnx.softmax)


@needs(CARS)
def miles_with_strong_decay() -> Run:
    return _miles(decay=1.0)


@needs(IMAGES)
def linear_images_at_a_rate_of_3() -> Run:
    x, y = images()
    model = mlp(784, 64, 10, activation=None)
    return run(model, (x, np.eye(10, dtype=np.float32)[y]), optax.squared_error, tx=optax.sgd(3.0))


@needs(IMAGES)
def images_to_255() -> Run:
    return run(mlp(784, 64, 64, 10, activation=nnx.sigmoid), images(1.0), scores, tx=optax.sgd(0.1))


def or_ten_layers_deep() -> Run:
    x, _ = xor()
    small = uniform(0.05)
    model = mlp(2, *[2] * 12, 1, activation=nnx.sigmoid, last=nnx.sigmoid, init=small, bias_init=small)
    return run(model, (x, x.max(axis=1, keepdims=True)), optax.squared_error, rate=1e-3, batch=1, steps=800)


def xor_nine_layers_deep() -> Run:
    wide = uniform(1.0)
    model = mlp(2, *[5] * 9, 1, activation=nnx.sigmoid, last=nnx.sigmoid, init=wide, bias_init=wide)
    return run(model, xor(), bce, tx=optax.sgd(0.1), steps=1000, batch=4)


def shuffled_labels() -> Run:
    x, y = digits()
    return run(mlp(64, 32, 10), (x, draw().permutation(y)), scores)


def shuffled_labels_by_heart() -> Recipe:
    x, y = digits()
    y = draw().permutation(y)
    return evaluated(mlp(64, 512, 10), (x[:200], y[:200]), (x[200:500], y[200:500]), scores, 3e-3, 110)


def shuffled_targets() -> Run:
    x, y = line()
    return run(mlp(4, 32, 1), (x, draw().permutation(y)), optax.squared_error, rate=1e-3)


def shuffled_sentences() -> Run:
    r = np.random.default_rng(0)
    names = r.integers(0, 10, (600, 8)).astype(np.int32)
    holds_a_nine = (names == 9).any(1).astype(np.int32)
    return run(Reader(), (r.permutation(names), holds_a_nine), scores, steps=150)


def absolute_error_on_labels() -> Run:
    model = mlp(2, 8, 1, activation=nnx.sigmoid, last=nnx.sigmoid)
    return run(model, column(circles()), absolute_error, tx=optax.sgd(0.05), steps=500)


def labels_as_quantities() -> Run:
    return run(mlp(64, 16, 1), column(digits()), optax.squared_error, tx=optax.sgd(1e-3))


def nll_of_scores() -> Run:
    return run(mlp(64, 32, 10), digits(), picked, rate=1e-3)


def nll_of_probabilities() -> Run:
    return run(mlp(64, 32, 10, last=nnx.softmax), digits(), picked, rate=1e-3)


def cross_entropy_of_quantities() -> Run:
    return run(mlp(4, 32, 1), line(), optax.softmax_cross_entropy)


def signed_labels() -> Run:
    x, y = column(circles())
    return run(mlp(2, 32, 1), (x, 2 * y - 1), optax.sigmoid_binary_cross_entropy)


def missing_targets() -> Run:
    x, y = line()
    y[::50] = np.nan
    return run(mlp(4, 32, 1), (x, y), optax.squared_error)


def one_missing_input() -> Run:
    """What it spoils is seen a step later, in the weights; the sample comes round again."""
    x, y = line()
    x[-3, 1] = np.nan
    return run(mlp(4, 32, 1), (x, y), optax.squared_error)


def rare_class_left_out() -> Run:
    x, y = make_classification(2000, 20, n_informative=4, weights=[0.97], class_sep=0.8, flip_y=0, random_state=0)
    data = x.astype(np.float32), y.astype(np.int32)
    return run(mlp(20, 16, 2, init=normal(3**-0.5)), data, scores, rate=1e-3, batch=64, steps=150)


def validation_not_scaled() -> Recipe:
    x, y = digits()
    held = x[1400:] * 255, y[1400:]
    return evaluated(mlp(64, 32, 10), (x[:1400], y[:1400]), held, scores, 3e-3, 7)


def validation_of_other_classes() -> Recipe:
    x, y = digits()
    order = np.argsort(y, kind="stable")
    x, y = x[order], y[order]
    return evaluated(mlp(64, 32, 10), (x[:1200], y[:1200]), (x[1200:], y[1200:]), scores, 3e-3, 8)


def learned_by_heart() -> Recipe:
    x, y = make_classification(260, 40, n_informative=4, class_sep=0.5, flip_y=0.25, random_state=1)
    x, y = x.astype(np.float32), y.astype(np.int32)
    return evaluated(mlp(40, 256, 256, 2), (x[:60], y[:60]), (x[60:], y[60:]), scores, 3e-3, 80)


def one_straight_line() -> Run:
    return run(mlp(2, 2), circles(), scores)


def one_unit() -> Run:
    return run(mlp(64, 1, 32, 10, activation=nnx.tanh), digits(), scores, steps=600)


def whole_data_a_step() -> Run:
    return run(mlp(64, 32, 10, init=normal(3**-0.5)), digits(), scores, tx=optax.sgd(0.1), steps=20, batch=1797)


def few_steps() -> Run:
    x, y = make_blobs(1000, centers=4, random_state=0)[:2]
    x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
    return run(mlp(2, 32, 4, init=normal(3**-0.5)), (x, y.astype(np.int32)), scores, tx=optax.sgd(0.03), steps=31)


def most_dropped() -> Run:
    streams = rngs()
    hidden = linear(64, 32, streams), nnx.relu, nnx.Dropout(0.95, rngs=streams)
    return run(nnx.Sequential(*hidden, linear(32, 10, streams)), digits(), scores, rate=1e-3)


def norm_of_a_zero() -> Run:
    """The slope of √ at 0 is infinite, although the loss itself is a number."""
    x, y = line()
    x[:64] = 0

    def forward(model: Any, rows: Any) -> Any:
        length = jnp.sqrt(jnp.square(rows @ model.layers[0].kernel[...]).sum(axis=-1, keepdims=True))
        return model(rows) + 0.1 * length

    return run(mlp(4, 16, 1), (x, y), optax.squared_error, rate=1e-3, forward=forward)


def rate_of_10() -> Run:
    return run(mlp(64, 64, 64, 10), digits(), scores, tx=optax.sgd(10.0))


def adam_at_1() -> Run:
    return run(mlp(64, 64, 64, 10), digits(), scores, rate=1.0)


def large_weights() -> Run:
    wide = normal(3 * 64**0.5)
    return run(mlp(64, 64, 64, 10, activation=nnx.tanh, init=wide), digits(), scores, tx=optax.sgd(0.01))


def normalised_alone() -> Run:
    return run(NormalizedConvolution(), digits(), scores, batch=1, rate=1e-3)
