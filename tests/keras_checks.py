"""What is to hold of a watch of Keras on any backend; `test_watch_keras.py` and `test_watch_tensorflow.py` run it.

Run as a script it does every check and prints the name of each that passed: a process has one backend.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import trainability
from tests.zoo.data import circles, digits
from trainability.adapters.keras.hooks import Step, attach
from trainability.adapters.keras.watch import Watch
from trainability.core.chart import SIGNS, Chart
from trainability.core.errors import SpecError

CHECKS: list[Callable[[], None]] = []


def check(function: Callable[[], None]) -> Callable[[], None]:
    CHECKS.append(function)
    return function


def small(last: Any = "softmax", compiled: bool = True, seed: int = 0) -> Any:
    """A model with everything that could go wrong: dropout, batch normalisation, frozen and unfrozen parts."""
    keras.utils.set_random_seed(seed)
    frozen = layers.Dense(8, trainable=False)
    parts = [layers.Dense(16, "relu"), layers.BatchNormalization(), layers.Activation("tanh"), layers.Dropout(0.2)]
    model = keras.Sequential([keras.Input((64,)), *parts, frozen, layers.Dense(10, last)])
    if compiled:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def plain(*widths: int, hidden: str = "tanh", last: Any = None) -> Any:
    keras.utils.set_random_seed(0)
    inner = [layers.Dense(units, hidden) for units in widths[1:-1]]
    return keras.Sequential([keras.Input((widths[0],)), *inner, layers.Dense(widths[-1], last)])


def fit(model: Any, **more: Any) -> Any:
    x, y = digits()
    return model.fit(x[:200], y[:200], epochs=3, validation_split=0.2, verbose=0, **more)


@check
def a_watched_run_has_the_bits_of_an_unwatched_one() -> None:
    found = []
    x, y = digits()
    for watched in (False, True):
        model = small()
        with trainability.watch(model) if watched else _nothing():
            history = fit(model).history
            model.train_on_batch(x[:32], y[:32])
        variables = [*model.variables, *model.optimizer.variables]
        found.append(([keras.ops.convert_to_numpy(v) for v in variables], history))
    assert found[0][1] == found[1][1]
    assert len(found[0][0]) > 20
    for one, other in zip(found[0][0], found[1][0], strict=True):
        assert np.array_equal(one, other)


@check
def a_watch_that_fails_lets_the_training_go_on() -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("of ours")

    x, y = digits()
    places = {
        "jax": "keras.jax_look.look", "torch": "torch.watch.traced_layers",
        "tensorflow": "keras.tensorflow_look.traced_layers",
    }  # fmt: skip
    alone = fit(small()).history
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        patch.setattr(f"trainability.adapters.{places[keras.backend.backend()]}", broken)
        model = small()
        with trainability.watch(model) as chart:
            found = fit(model).history
    assert found == alone
    told = [one for one in said if "looks no more" in str(one.message) and "of ours" in str(one.message)]
    assert len(told) == 1
    assert len(chart.diagnose().chart.losses) == 15
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(f"trainability.adapters.{places[keras.backend.backend()]}", broken)
        with pytest.raises(ValueError, match="of ours"):
            trainability.testing.assert_trainable(small(), (x[:32], y[:32]), "sparse_categorical_crossentropy")


@check
def an_activation_belongs_to_its_layer_through_normalisation() -> None:
    normalised = [layers.Dense(6), layers.BatchNormalization(), layers.Activation("relu"), layers.Dense(10, "softmax")]
    model = keras.Sequential([keras.Input((64,)), *normalised])
    model.compile("adam", "sparse_categorical_crossentropy")
    with trainability.watch(model) as chart:
        fit(model)
    assert [layer.activation for layer in chart.diagnose().chart.layers] == ["relu", "softmax"]


class _nothing:  # noqa: N801
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class _Boom(keras.callbacks.Callback):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        raise ZeroDivisionError


@check
def nothing_stays_behind() -> None:
    names = ("fit", "evaluate", "make_train_function")
    before = [getattr(keras.Model, name) for name in names]
    for watching in (trainability.watch, None):
        model = small()
        callbacks = [_Boom()] if watching else [trainability.watch_callback(), _Boom()]
        try:
            with watching(model) if watching else _nothing():
                fit(model, callbacks=callbacks)
            raise AssertionError("it should have failed")
        except ZeroDivisionError:
            pass
        if watching:
            assert not isinstance(model.train_function, Step)
        assert "_compute_loss" not in vars(model)
    assert [getattr(keras.Model, name) for name in names] == before


class _Failing:
    def step(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        raise ZeroDivisionError


@check
def a_step_that_fails_takes_the_watch_away() -> None:
    model = small()
    model.train_function = function = lambda *_: None
    assert attach(model, _Failing()) is model.train_function
    assert attach(model, _Failing()) is None  # a second watch does not stand on the first
    try:
        model.train_function()
        raise AssertionError("it should have failed")
    except ZeroDivisionError:
        pass
    assert model.train_function is function


@check
def losses_are_those_of_the_steps_and_of_the_held_out_data() -> None:
    model = plain(64, 16, 10, last="softmax")
    model.compile("sgd", "sparse_categorical_crossentropy")
    with Watch(model) as watch:
        history = fit(model).history
    chart = watch.chart()
    assert chart.steps == 15
    for epoch, loss in enumerate(history["loss"]):
        assert math.isclose(np.mean(chart.losses[5 * epoch : 5 * epoch + 5]), loss, rel_tol=1e-4)
    assert chart.validation is not None
    assert chart.validation.steps.tolist() == [5, 10, 15]
    assert np.allclose(chart.validation.losses, history["val_loss"])
    assert sum(chart.validation.counts.values()) == 40
    assert chart.moments.tolist() == [0, 1, 2, 5, 10]


@check
def signs_are_those_of_a_slow_twin() -> None:
    model = plain(2, 8, 8, 2)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss)
    x, y = circles(64)
    start = [w.astype(float) for w in model.get_weights()]
    with Watch(model) as watch:
        model.train_on_batch(x, y)
    chart = watch.chart()
    end = [w.astype(float) for w in model.get_weights()]
    a = x.astype(float)
    for i, layer in enumerate(chart.layers):
        kernel, bias = start[2 * i : 2 * i + 2]
        z = a @ kernel + bias
        a = np.tanh(z) if i < 2 else z
        gradient = (kernel - end[2 * i]) / 0.1
        wanted = {
            "pre_activation_mean": z.mean(), "pre_activation_std": z.std(), "activation_mean": a.mean(),
            "activation_std": a.std(), "zeros": np.mean(a == 0), "gradient_rms": np.sqrt(np.mean(gradient**2)),
            "weight_rms": np.sqrt(np.mean(kernel**2)),
            "update_ratio": np.log10(np.sqrt(np.mean((end[2 * i] - kernel) ** 2) / np.mean(kernel**2))),
        }  # fmt: skip
        for name, value in wanted.items():
            assert math.isclose(chart.sign(name)[i], value, rel_tol=1e-4, abs_tol=1e-6), (name, i)
        assert layer.activation == ("tanh" if i < 2 else None)
        assert (layer.fan_in, layer.units) == kernel.shape
        assert layer.trained
    assert chart.loss is not None
    assert (chart.loss.name, chart.loss.kind, chart.loss.last) == ("cross_entropy", "classes", None)
    assert math.isclose(chart.loss.constant, math.log(2))
    assert chart.optimizer is not None
    assert (chart.optimizer.name, round(chart.optimizer.first["lr"], 6)) == ("sgd", 0.1)
    assert set(chart.signs) == set(SIGNS)


@check
def what_the_model_is_made_of_is_noted() -> None:
    model = small()
    with Watch(model) as watch:
        fit(model)
    chart = watch.chart()
    assert [layer.activation for layer in chart.layers] == ["relu", None, "softmax"]
    assert [layer.trained for layer in chart.layers] == [True, False, True]
    frozen = [p.name for p in chart.parameters if not p.wanted]
    assert len(frozen) == 2, frozen
    assert all(p.used for p in chart.parameters)
    assert [p.held for p in chart.parameters] == [p.wanted for p in chart.parameters]
    assert chart.dropout == 0.2
    assert chart.loss is not None
    assert (chart.loss.name, chart.loss.last) == ("probabilities_cross_entropy", "softmax")
    assert not chart.evaluating


@check
def convolutions_and_recurrences_are_layers() -> None:
    x, y = digits()
    keras.utils.set_random_seed(0)
    parts = [layers.Conv2D(4, 3), layers.ReLU(), layers.Flatten(), layers.Reshape((18, 8)), layers.LSTM(6)]
    model = keras.Sequential([keras.Input((8, 8, 1)), *parts, layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    with Watch(model) as watch:
        model.train_on_batch(x[:32].reshape(-1, 8, 8, 1), y[:32])
    found = watch.chart().layers
    assert (found[0].kind, found[0].units, found[0].fan_in, found[0].activation) == ("convolution", 4, 9, "relu")
    assert {layer.kind for layer in found[1:-1]} == {"recurrent"}
    assert found[-1].activation == "softmax"


@check
def weight_decay_and_schedules_are_read() -> None:
    x, y = circles(64)
    keras.utils.set_random_seed(0)
    inner = layers.Dense(4, "relu", kernel_regularizer=keras.regularizers.L2(0.01))
    model = keras.Sequential([keras.Input((2,)), inner, layers.Dense(1, "sigmoid")])
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), "binary_crossentropy")
    with Watch(model) as watch:
        for _ in range(3):
            model.train_on_batch(x, y.astype("float32"))
    chart = watch.chart()
    assert chart.optimizer is not None
    assert math.isclose(chart.optimizer.first["lr"], 0.1, rel_tol=1e-6)
    assert math.isclose(chart.optimizer.last["lr"], 0.025, rel_tol=1e-6)
    assert (chart.optimizer.first["weight_decay"], chart.optimizer.first["momentum"]) == (0.02, 0.9)
    assert chart.loss is not None
    assert (chart.loss.name, chart.loss.broadcast) == ("bce", False)


@check
def a_callback_sees_what_a_watch_sees() -> None:
    charts = []
    for callback in (False, True):
        model = small()
        seen: Any = trainability.watch_callback() if callback else trainability.watch(model)
        with _nothing() if callback else seen:
            fit(model, callbacks=[seen] if callback else [])
        charts.append(seen.diagnose().chart)
        assert not isinstance(model.train_function, Step)
    assert_equal(*charts, tolerance=0.0)


@check
def what_cannot_be_watched_is_refused() -> None:
    for call in (lambda: trainability.watch(3), lambda: trainability.watch_callback().diagnose()):
        try:
            call()
            raise AssertionError("it should have failed")
        except SpecError:
            pass


def assert_equal(one: Chart, other: Chart, tolerance: float) -> None:
    """Two charts of the same run; layers may have other names."""
    for name in SIGNS:
        a, b = one.signs[name], other.signs[name]
        assert np.allclose(a, b, tolerance, tolerance, equal_nan=True), (name, a, b)
    assert np.allclose(one.losses, other.losses, tolerance or 1e-12)
    assert one.moments.tolist() == other.moments.tolist()


def twin(path: Path) -> None:
    """Train the network whose weights and batches are in a file, and write what a watch saw of it."""
    given = np.load(path)
    model = plain(2, 8, 8, 2, hidden=str(given["activation"]))
    model.set_weights([given[f"w{i}"] for i in range(6)])
    model.compile(keras.optimizers.SGD(0.5), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with trainability.watch(model) as seen:
        for x, y in zip(given["x"], given["y"], strict=True):
            model.train_on_batch(x, y)
    made = seen.diagnose()
    codes = [finding.code for finding in made.findings]
    np.savez(path.with_suffix(".seen.npz"), codes=np.array(codes, str), losses=made.chart.losses, **made.chart.signs)


if __name__ == "__main__":
    import sys

    if len(sys.argv) > 1:
        for name in sys.argv[1:]:
            twin(Path(name))
    for one in CHECKS:
        one()
        print("passed", one.__name__, flush=True)
