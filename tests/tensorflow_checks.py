"""What is to hold of a watch of Keras on TensorFlow alone, and there of the zoo; see `test_watch_tensorflow.py`.

Run as a script it does these checks and those of `keras_checks`, and prints the name of each that passed; with ``soak``
it trains the whole zoo, too.
"""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import trainability.testing
from tests import keras_checks
from tests.keras_checks import check, plain, small
from tests.zoo import keras_recipes
from tests.zoo.data import circles, digits
from trainability.adapters.keras.trainer import train
from trainability.adapters.keras.watch import Watch
from trainability.core.chart import Chart
from trainability.core.operation import Operation
from trainability.report.chart import Diagnosis


def seen(model: Any, x: Any, y: Any, steps: int = 3) -> Chart:
    """What a watch sees of a few steps; it fails where the watch did."""
    with Watch(model) as watch:
        for _ in range(steps):
            model.train_on_batch(x, y)
    if watch.failed is not None:
        raise watch.failed
    return watch.chart()


def weights_after(make: Any, train_it: Any, watched: bool) -> list[np.ndarray]:
    model = make()
    with trainability.watch(model) if watched else keras_checks._nothing():
        train_it(model)
    return [keras.ops.convert_to_numpy(v) for v in (*model.variables, *model.optimizer.variables)]


def traced(model: Any) -> int:
    """How often the training function of a model was traced."""
    function = getattr(model.train_function, "function", model.train_function)
    inside = inspect.getclosurevars(function).nonlocals
    return inside["multi_step_on_iterator"].experimental_get_tracing_count()


@check
def a_watch_has_nothing_compiled_anew() -> None:
    counts = []
    x, y = digits()
    for watched in (False, True):
        model = small()
        with trainability.watch(model) if watched else keras_checks._nothing():
            model.fit(x[:150], y[:150], epochs=3, verbose=0)  # the last batch is smaller
        counts.append(traced(model))
    assert counts[0] == counts[1] > 0
    assert not tf.config.functions_run_eagerly()


@check
def every_way_of_training_has_the_bits_of_an_unwatched_one() -> None:
    x, y = digits()
    x, y = x[:150], y[:150]

    def pieces() -> Any:
        for at in range(0, 150, 32):
            yield x[at : at + 32], y[at : at + 32]

    def made(**more: Any) -> Any:
        model = small(compiled=False)
        model.compile("adam", "sparse_categorical_crossentropy", **more)
        return model

    shapes = tf.TensorSpec((None, 64), tf.float32), tf.TensorSpec((None,), tf.int32)
    data = tf.data.Dataset.from_generator(pieces, output_signature=shapes)
    ways = (
        ({"run_eagerly": True}, lambda model: model.fit(x, y, verbose=0)),
        ({"steps_per_execution": 3}, lambda model: model.fit(x, y, epochs=2, verbose=0)),
        ({}, lambda model: model.fit(data, epochs=2, verbose=0)),  # of a length that is not known
        ({}, lambda model: [model.train_on_batch(tf.constant(x[:32]), y[:32]) for _ in range(3)]),
    )
    for settings, way in ways:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras says that data of an unknown length ran out
            one, other = (weights_after(functools.partial(made, **settings), way, watched) for watched in (False, True))
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True)), settings


@check
def losses_of_data_of_an_unknown_length_go_on() -> None:
    x, y = circles(96)
    data = tf.data.Dataset.from_generator(
        lambda: ((x[at : at + 32], y[at : at + 32]) for at in (0, 32, 64)),
        output_signature=(tf.TensorSpec((None, 2), tf.float32), tf.TensorSpec((None,), tf.int32)),
    )
    model = plain(2, 8, 2, last="softmax")
    model.compile("sgd", "sparse_categorical_crossentropy")
    with Watch(model) as watch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(data, epochs=4, verbose=0)
    assert watch.chart().steps == 12
    assert watch.chart().moments.tolist() == [0, 1, 2, 5, 10]


class Own(keras.Model):
    """A model in TensorFlow's own words, partly compiled."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = layers.Dense(8), layers.Dense(2)

    @tf.function
    def inside(self, x: Any) -> Any:
        return tf.nn.silu(self.first(x))

    def call(self, x: Any) -> Any:
        return self.last(self.inside(x))


@check
def functions_of_tensorflow_are_known() -> None:
    def squares(y: Any, answers: Any) -> Any:
        return tf.reduce_mean(tf.math.squared_difference(tf.cast(y, tf.float32), answers), axis=-1)

    def entropies(y: Any, answers: Any) -> Any:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(tf.reshape(y, (-1,)), tf.int32), answers)

    x, y = circles(64)
    for loss, kind, target in ((squares, "regression", np.eye(2, dtype="float32")[y]), (entropies, "classes", y)):
        model = Own()
        model.compile("sgd", loss)
        chart = seen(model, x, target)
        assert [layer.activation for layer in chart.layers] == ["silu", None]
        assert [layer.units for layer in chart.layers] == [8, 2]
        assert np.isfinite(chart.sign("saturated")).all()
        assert chart.loss is not None
        assert (chart.loss.name, chart.loss.kind) == ("mse" if kind == "regression" else "cross_entropy", kind)


@check
def what_comes_back_is_the_same_for_every_kind_of_layer() -> None:
    """The units of a layer are where its weights say, and its answers are as many."""
    r = np.random.default_rng(0)
    pictures = r.standard_normal((16, 8, 8, 4)).astype("float32")
    words = r.integers(0, 20, (16, 6))
    start = keras.Input((6,), dtype="int32")
    at = layers.Embedding(20, 8)(start)
    at = layers.LayerNormalization()(at + layers.MultiHeadAttention(2, 4)(at, at))
    text = keras.Model(start, layers.Dense(3)(layers.GlobalAveragePooling1D()(at)))
    image = keras.Sequential([
        keras.Input((8, 8, 4)), layers.Conv2D(6, 3, activation="relu", padding="same"),
        layers.DepthwiseConv2D(3, activation="gelu"), layers.SeparableConv2D(5, 2), layers.BatchNormalization(),
        layers.LeakyReLU(), layers.Conv2DTranspose(2, 2, activation="tanh"), layers.MaxPooling2D(), layers.Flatten(),
        layers.Dense(3),
    ])  # fmt: skip
    y = r.integers(0, 3, 16)
    for model, x in ((text, words), (image, pictures)):
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        chart = seen(model, x, y)
        for layer in chart.layers:
            assert layer.fan_in * layer.units == layer.weights, layer
        assert np.isfinite(chart.sign("gradient_rms")).all()
        assert np.isfinite(chart.sign("output_gradient_rms")).all()
        assert all(p.used for p in chart.parameters)
        if model is text:
            assert [layer.kind for layer in chart.layers] == ["attention"] * 4 + ["linear"]
            assert [layer.units for layer in chart.layers] == [8, 8, 8, 8, 3]
        else:
            assert [layer.units for layer in chart.layers] == [6, 6, 6, 5, 2, 3]
            found = [layer.activation for layer in chart.layers]
            assert found == ["relu", "gelu", None, "leaky_relu", "tanh", None]


class Rounding(layers.Layer):
    def call(self, x: Any) -> Any:
        return tf.round(x)


@check
def a_layer_whose_answers_are_rounded_is_cut() -> None:
    model = keras.Sequential([keras.Input((2,)), layers.Dense(4, name="first"), Rounding(), layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras says that there are no gradients for it
        chart = seen(model, *circles(32))
    assert chart.cut == ("first",)


@check
def the_first_number_that_is_not_finite_is_found() -> None:
    x, y = circles(32)
    model = plain(2, 8, 2)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    kernel = model.layers[1].kernel
    kernel.assign(np.full(kernel.shape, np.inf))
    origin = seen(model, x, y).origin
    assert origin is not None
    assert (origin.layer, origin.step, origin.direction) == (model.layers[1].name, 0, "weights")


@check
def scores_behind_a_softmax_are_what_is_compared() -> None:
    """On this backend Keras takes them back out of the softmax: there is nothing to find."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras says that the answers are no scores
        made = diagnosed(keras_recipes.double_softmax)
    assert made.chart.loss is not None
    assert (made.chart.loss.name, made.chart.loss.last) == ("probabilities_cross_entropy", "softmax")
    assert "double-softmax" not in [finding.code for finding in made.findings]


@check
def a_step_of_the_users_own_is_left_alone() -> None:
    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.out = layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.out(x)

        def train_step(self, data: Any) -> Any:
            return {"loss": tf.reduce_mean(self(data[0], training=True) ** 2)}

    model = Mine()
    model.compile("sgd")
    x, y = circles(32)
    chart = seen(model, x, y)
    assert len(chart.losses) == 3
    assert np.isfinite(chart.losses).all()
    assert not chart.layers


@check
def an_untrained_copy_is_tried_once() -> None:
    x, y = circles(64)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    sick, well = plain(2, *[16] * 12, 2, hidden="sigmoid"), plain(2, 16, 2, hidden="relu")
    before = sick.get_weights()
    with pytest.raises(AssertionError, match="vanishing-gradient"):
        trainability.testing.assert_trainable(sick, (x, y), loss)
    assert all(np.array_equal(a, b) for a, b in zip(before, sick.get_weights(), strict=True))
    trainability.testing.assert_trainable(well, (x, y), loss)


@check
def a_recipe_of_what_was_seen_is_changed_and_trained() -> None:
    x, y = circles(160)
    model = plain(2, 16, 2, last="softmax")
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    with Watch(model) as watch:
        model.fit(x, y, epochs=2, batch_size=32, verbose=0)
    operations = Operation("activation", "relu"), Operation("normalize", "batch"), Operation("schedule", "cosine")
    outcome = train(watch.recipe(), operations, 0, watch=True)
    assert 0.3 < outcome.score <= 1
    assert outcome.chart is not None
    assert [layer.activation for layer in outcome.chart.layers] == ["relu", "softmax"]


def diagnosed(case: keras_recipes.Case) -> Diagnosis:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras itself warns of some of these mistakes
        chart = train(case, (), 0, watch=True).chart
    assert chart is not None
    return Diagnosis(chart, case.__name__)


SOME = (
    keras_recipes.one_softmax_on_bits, keras_recipes.eight_exponentials, keras_recipes.residual,
    keras_recipes.recurrent,
)  # fmt: skip
"""Cases of the zoo that are trained every day."""


def zoo(cases: Iterable[keras_recipes.Case]) -> None:
    """What is ill is found, what is healthy is left in peace."""
    for case in cases:
        roots = [finding.code for finding in diagnosed(case).roots]
        wanted = keras_recipes.SICK_RECIPES.get(case, ())
        if case is keras_recipes.double_softmax:  # Keras mends it on this backend
            wanted = ()
        assert bool(set(roots[:2]) & set(wanted)) == bool(wanted), (case.__name__, roots)
        assert wanted or not roots, (case.__name__, roots)
        print("zoo", case.__name__, flush=True)


def with_xla() -> None:
    """A training function that XLA compiles is left as it is, too."""
    x, y = digits()

    def made() -> Any:
        model = small(compiled=False)
        model.compile("adam", "sparse_categorical_crossentropy", jit_compile=True)
        return model

    pair = (weights_after(made, lambda m: m.fit(x[:64], y[:64], epochs=2, verbose=0), one) for one in (False, True))
    assert all(np.array_equal(a, b) for a, b in zip(*pair, strict=True))


if __name__ == "__main__":
    long = "soak" in sys.argv
    for name in sys.argv[1:]:
        if name.endswith(".npz"):
            keras_checks.twin(Path(name))
    for one in keras_checks.CHECKS:
        one()
        print("passed", one.__name__, flush=True)
    zoo((*keras_recipes.SICK_RECIPES, *keras_recipes.HEALTHY_RECIPES) if long else SOME)
    if long:
        with_xla()
