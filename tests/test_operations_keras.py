"""Every operation does to a Keras recipe what it says, to Sequential and Functional models."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.metrics import accuracy_score

from tests.command import Cli, strict_json
from tests.treated import treating
from tests.zoo.data import circles, line
from tests.zoo.keras_recipes import eight_exponentials
from trainability import Recipe
from trainability.adapters.keras.operations import BY_KIND
from trainability.adapters.keras.patient import Patient
from trainability.adapters.keras.rates import optimizer_of
from trainability.adapters.keras.trainer import broken, train
from trainability.adapters.operations import steps
from trainability.core.errors import SpecError
from trainability.core.operation import KINDS, Operation


def of(model: Any, loss: Any, optimizer: Any, data: tuple[np.ndarray, np.ndarray]) -> Recipe:
    x, y = data
    return Recipe(model, loss, optimizer, (x[:-32], y[:-32]), (x[-32:], y[-32:]), 1, 32)


def classes(seed: int = 0) -> Recipe:
    start = keras.Input((2,))
    at = layers.Dropout(0.5)(layers.Dense(8, "sigmoid")(start))
    at = layers.Activation("sigmoid")(layers.Dense(8, name="second")(at))
    model = keras.Model(start, layers.Dense(2)(at))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return of(model, loss, keras.optimizers.Adam(1e-2), circles(128))


def regression(seed: int = 0) -> Recipe:
    penalty = keras.regularizers.L2(1e-3)
    hidden = [layers.Dense(8, "tanh", kernel_regularizer=penalty), layers.Dense(8), layers.LeakyReLU()]
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.5)
    model = keras.Sequential([*hidden, layers.Dense(1)])
    return of(model, "mse", keras.optimizers.SGD(rate), line(128))


treated = treating(Patient, BY_KIND)


def names(model: Any) -> list[str]:
    return [getattr(getattr(layer, "activation", None), "__name__", type(layer).__name__) for layer in model.layers]


ALL = [Operation(kind, value) for kind, known in KINDS.items() for value in known.values]


@pytest.mark.parametrize("operation", ALL, ids=str)
def test_an_operation_fits_one_recipe_or_the_other_and_training_goes_on(operation: Operation):
    done = 0
    for make in (classes, regression):
        try:
            outcome = train(make, (operation,), 0)
        except SpecError:
            continue
        assert np.isfinite(outcome.score) or operation.kind == "rate"
        done += 1
    assert done, "no recipe could be changed so"


def test_hidden_activations_are_swapped_wherever_they_are():
    assert names(treated(classes(), Operation("activation", "tanh")).model) == [
        "InputLayer", "tanh", "Dropout", "linear", "tanh", "linear"
    ]  # fmt: skip
    assert names(treated(regression(), Operation("activation", "gelu")).model) == ["gelu", "linear", "gelu", "linear"]


def test_an_activation_is_put_where_there_was_none():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(4), layers.Dense(4), layers.Dense(2)])
    patient = treated(dataclasses.replace(classes(), model=model), Operation("activation", "relu"))
    assert names(patient.model) == ["relu", "relu", "linear"]


@pytest.mark.parametrize("kind", ["layer", "batch"])
def test_normalisation_stands_before_the_activation(kind: str):
    norm = {"layer": "LayerNormalization", "batch": "BatchNormalization"}[kind]
    patient = treated(classes(), Operation("activation", "relu"), Operation("normalize", kind))
    assert names(patient.model) == [
        "InputLayer", "linear", norm, "relu", "Dropout", "linear", norm, "relu", "linear"
    ]  # fmt: skip
    assert names(treated(regression(), Operation("normalize", kind)).model) == [
        "linear", norm, "tanh", "linear", norm, "LeakyReLU", "linear"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("units", "targets", "last", "loss"),
    [
        (1, np.array([0.0, 1.0, 1.0]), "sigmoid", "binary_crossentropy"),
        (2, np.array([0, 1, 1]), "softmax", "sparse_categorical_crossentropy"),
        (2, np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), "softmax", "categorical_crossentropy"),
        (2, np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]), "sigmoid", "binary_crossentropy"),
        (1, np.array([0.3, 2.0, -1.0]), "linear", "mean_squared_error"),
    ],
)
def test_output_and_loss_fit_the_targets(units: int, targets: np.ndarray, last: str, loss: str):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(4, "relu"), layers.Dense(units), layers.Softmax()])
    data = np.zeros((3, 2)), targets
    patient = treated(Recipe(model, "mae", "sgd", data, data, 1, 1), Operation("output", "fit"))
    assert (names(patient.model)[-1], patient.loss) == (last, loss)


def test_numbers_are_multiplied():
    patient = treated(
        regression(), Operation("rate", 10.0), Operation("batch", 0.25), Operation("epochs", 3.0),
        Operation("decay", 0.01), Operation("clip", 1.0), Operation("dropout", 0.1),
    )  # fmt: skip
    optimizer = optimizer_of(*patient.optimizer, patient.factor, patient.schedule, steps(patient))
    assert float(optimizer._learning_rate(5)) == pytest.approx(0.05)
    assert (optimizer.weight_decay, optimizer.global_clipnorm) == (0.01, 1.0)
    assert all(getattr(layer, "kernel_regularizer", None) is None for layer in patient.model.layers)
    assert (patient.batch_size, patient.epochs, steps(patient)) == (8, 3, 36)
    assert [layer.rate for layer in patient.model.layers if isinstance(layer, layers.Dropout)] == [0.1, 0.1]


@pytest.mark.parametrize(
    ("shape", "at"), [("cosine", {0: 1.0, 50: 0.5, 100: 0.0}), ("warmup", {0: 0.1, 4: 0.5, 60: 1})]
)
def test_schedules_have_their_shape(shape: str, at: dict[int, float]):
    kind, settings = keras.optimizers.SGD, keras.optimizers.SGD(0.2).get_config()
    optimizer = optimizer_of(kind, settings, 5.0, shape, 100)
    for step, share in at.items():
        assert float(keras.ops.convert_to_numpy(optimizer._learning_rate(step))) == pytest.approx(share, abs=1e-6)


def test_initialising_is_that_of_theory():
    patient = treated(classes(), Operation("activation", "relu"), Operation("initialize", "critical"))
    assert patient.critical == "relu"
    spread = []
    for operations in ((), (Operation("activation", "relu"), Operation("initialize", "critical"))):
        outcome = train(regression, (*operations, Operation("rate", 0.0)), 0, watch=True)
        assert outcome.chart is not None
        spread.append(outcome.chart.sign("weight_rms", 0) * np.sqrt([4, 8, 8]))
    assert spread[1] == pytest.approx(np.sqrt(2), rel=0.4)
    assert not np.allclose(spread[0], spread[1], rtol=0.1)


def test_targets_are_scaled_for_training_and_answers_turned_back():
    recipe = regression()
    x, y = recipe.train
    recipe = dataclasses.replace(recipe, train=(x, 3000 + 800 * y))
    patient = treated(recipe, Operation("scale_targets", "standardize"))
    assert patient.train[1].mean() == pytest.approx(0, abs=1e-3)
    assert patient.train[1].std() == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(patient.answer(patient.train[1]), 3000 + 800 * y, 1e-4)


def test_untreated_training_is_that_of_fit():
    first, again = (train(classes, (), 3) for _ in range(2))
    assert first == again
    keras.utils.set_random_seed(3)
    recipe = classes(3)
    recipe.model.compile(recipe.optimizer, recipe.loss)
    recipe.model.fit(*recipe.train, epochs=1, validation_data=recipe.validation, verbose=0)
    answers = recipe.model.predict(recipe.validation[0], verbose=0).argmax(-1)
    assert first.score == accuracy_score(recipe.validation[1], answers)
    assert first.cost == first.planned == len(recipe.train[0])
    watched = train(classes, (), 3, watch=True)
    assert watched.score == first.score
    assert watched.chart is not None
    assert watched.chart.validation is not None
    assert len(watched.chart.validation.losses) == 1


def test_a_model_of_ones_own_is_refused_where_its_layers_would_change():
    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = layers.Dense(4, "relu"), layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.b(self.a(x))

    recipe = dataclasses.replace(classes(), model=Own())
    with pytest.raises(SpecError, match="neither Sequential nor Functional"):
        treated(recipe, Operation("activation", "tanh"))
    assert np.isfinite(train(lambda seed: dataclasses.replace(recipe, model=Own()), (Operation("rate", 3.0),), 0).score)


SCRIPT = """
import keras
import numpy as np
x = np.random.default_rng(0).standard_normal((160, 2)).astype("float32")
y = (x[:, 0] > 0).astype("float32")
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "softmax")])
model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
model.fit(x, y, epochs=4, batch_size=16, verbose=0)
"""


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")
def test_a_script_is_treated(cli: Cli, tmp_path: Path):
    path = tmp_path / "train.py"
    path.write_text(SCRIPT, "utf-8")
    code, _, err = cli("doctor", path, "--treat", "--budget", "1x", "--json", tmp_path / "found.json")
    assert code == 1, err
    document = strict_json((tmp_path / "found.json").read_text("utf-8"))
    assert document["findings"][0]["code"] == "output-activation"
    assert document["treatment"]["verdict"] == "cured"
    assert min(document["treatment"]["treated"]) > 0.8
    code, _, err = cli("doctor", path, "--treat", "--seeds", "3")
    assert (code, "at least 5 seeds" in err) == (2, True)
    path.write_text(SCRIPT.replace("model.fit(x, y, epochs=4, batch_size=16, verbose=0)", "model.train_on_batch(x, y)"))
    code, _, err = cli("doctor", path, "--treat")
    assert code == 1
    assert "not treated: its training did not go through fit" in err


def test_answers_that_are_no_numbers_in_training_alone_break_no_search():
    """With dropout, PyTorch's binary cross-entropy meets NaN where answers in evaluation are finite."""
    changes = Operation("dropout", 0.3), Operation("initialize", "critical")
    assert train(eight_exponentials, changes, 1000).metric == "accuracy"


def test_answers_that_are_no_probabilities_are_a_mistake():
    error = RuntimeError("all elements of input should be between 0 and 1")
    assert broken(error, np.array([0.5, np.nan]))
    assert broken(error, np.array([0.5, 1.0]))
    assert not broken(error, np.array([0.5, 1.5]))
    assert not broken(RuntimeError("out of memory"), np.array([0.5, 1.0]))
